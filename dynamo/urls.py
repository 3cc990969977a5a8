"""Dynamo's pages and streams: `path("dynamo/", include("dynamo.urls"))`."""

from __future__ import annotations

from django.urls import path

from dynamo import live
from dynamo.pages import comparing, history, reading, retired, reverting

app_name = "dynamo"
urlpatterns = [
    path("", reading.entry, name="entry"),
    path("events/", live.events, name="events"),
    path("events/<str:label>/", live.events, name="model-events"),
    path("live/", live.live, name="live"),
    path("live/events/", live.recent, name="recent-events"),
    path("history/", history.history, name="history"),
    path("history/event/<int:position>/", history.event, name="event"),
    path("history/<str:label>/", history.model_history, name="model-history"),
    path("compare/", comparing.compare, name="compare"),
    path("schema/", reading.as_of, name="as-of"),
    path("revert/", reverting.revert, name="revert"),
    path("retired/", retired.retired, name="retired"),
    path("restore/", retired.restore, name="restore"),
]
