"""The demo's URLs: the admin, Dynamo's pages and stream, and the way to the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("dynamo/", include("dynamo.urls")),
]
