"""Dynamo's pages and streams: `path("dynamo/", include("dynamo.urls"))`."""

from __future__ import annotations

from django.urls import path

from dynamo import live, views

app_name = "dynamo"
urlpatterns = [
    path("events/", live.events, name="events"),
    path("events/<str:label>/", live.events, name="model-events"),
    path("live/", live.live, name="live"),
    path("history/", views.history, name="history"),
    path("history/<str:label>/", views.model_history, name="model-history"),
]
