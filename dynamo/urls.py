from __future__ import annotations

app_name = "dynamo"
urlpatterns: list[object] = []
