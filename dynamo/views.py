"""The history pages: schema events overall and per model, read only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from dynamo import wording
from dynamo.models import MetaModel
from events import store
from events.types import Recorded
from projections import conf

PAGE = 100


def reader(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page that only reads, for staff."""
    checked: Callable[..., HttpResponse] = require_safe(staff_member_required(view, login_url="admin:login"))
    return checked


@reader
def history(request: HttpRequest) -> HttpResponse:
    """All schema events, newest first."""
    return _page(request, "Schema history", None)


@reader
def model_history(request: HttpRequest, label: str) -> HttpResponse:
    """The schema events of one model."""
    _require(request)
    app, _, name = label.rpartition(".")
    model = MetaModel.objects.filter(app=app, name__iexact=name).first()
    if model is None:
        raise Http404(f"there is no model {label}")
    return _page(request, f"Schema history of {model}", str(model.pk))


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("dynamo.view_history"):
        raise PermissionDenied


def _page(request: HttpRequest, title: str, stream_id: str | None) -> HttpResponse:
    _require(request)
    before = _position(request.GET.get("before"))
    upto = None if before is None else before - 1
    found = list(
        store.read(conf.database(), upto=upto, stream_id=stream_id, limit=PAGE + 1, newest_first=True)
    )
    context = {
        **admin.site.each_context(request),
        "title": title,
        "entries": [_entry(recorded) for recorded in found[:PAGE]],
        "older": found[PAGE - 1].position if len(found) > PAGE else None,
    }
    return render(request, "dynamo/history.html", context)


def _position(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Http404("before must be a position")
    return int(text)


def _entry(recorded: Recorded) -> dict[str, Any]:
    payload = orjson.dumps(orjson.loads(recorded.data), option=orjson.OPT_INDENT_2).decode()
    return {
        "recorded": recorded,
        "at": parse_datetime(recorded.recorded_at),
        "model": wording.model_name(recorded),
        "field": wording.field_name(recorded),
        "payload": payload,
    }
