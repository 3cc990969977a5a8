"""Pages that read: the history, what separates two moments, and the schema as it was."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from dynamo import differences, documents, moments, wording
from dynamo.models import MetaModel
from dynamo.pages import access
from dynamo.pages.access import reader
from events import store
from events.exceptions import DynamoError
from events.types import Recorded
from projections import conf

PAGE = 100
GROUPS = (
    differences.ADDED,
    differences.REMOVED,
    differences.RENAMED,
    differences.CHANGED,
    differences.MOVED,
)


@reader
def history(request: HttpRequest) -> HttpResponse:
    """All schema events, newest first."""
    return _history(request, _("Schema history"), None)


@reader
def model_history(request: HttpRequest, label: str) -> HttpResponse:
    """The schema events of one model."""
    app, _dot, name = label.rpartition(".")
    model = MetaModel.objects.filter(app=app, name__iexact=name).first()
    if model is None:
        raise Http404(f"there is no model {label}")
    return _history(request, _("Schema history of %(model)s") % {"model": model}, model)


@reader
def compare(request: HttpRequest) -> HttpResponse:
    """What separates two moments, given as positions, times or tags."""
    given = {name: request.GET.get(name, "").strip() for name in ("a", "b")}
    context: dict[str, Any] = {"title": _("Compare"), **given}
    if given["a"]:
        try:
            before, after = moments.schema(given["a"]), moments.schema(given["b"] or None)
        except DynamoError as error:
            context["error"] = str(error)
        else:
            found = differences.diff(before, after)
            context["groups"] = [(kind, [d for d in found if d.kind == kind]) for kind in GROUPS]
            context["json"] = documents.encode({"differences": [d.as_dict() for d in found]}).decode()
            context["positions"] = (before.position, after.position)
    return page(request, "dynamo/compare.html", context)


@reader
def as_of(request: HttpRequest) -> HttpResponse:
    """The whole schema as it was at a moment."""
    at = request.GET.get("at", "").strip()
    context: dict[str, Any] = {"title": _("Schema as of"), "at": at}
    try:
        found = moments.schema(at or None)
    except DynamoError as error:
        context["error"] = str(error)
    else:
        context["position"] = found.position
        context["models"] = sorted(found.live(), key=lambda model: model.label)
    return page(request, "dynamo/as_of.html", context)


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page of the admin; what only some may do is linked for those only."""
    may = {
        "may_roll_back": request.user.has_perm(access.ROLL_BACK),
        "may_purge": request.user.has_perm(access.PURGE),
    }
    return render(request, template, {**admin.site.each_context(request), **may, **context})


def _history(request: HttpRequest, title: str, model: MetaModel | None) -> HttpResponse:
    before = _position(request.GET.get("before"))
    found = list(
        store.read(
            conf.database(),
            upto=None if before is None else before - 1,
            stream_id=None if model is None else str(model.pk),
            limit=PAGE + 1,
            newest_first=True,
        )
    )
    context = {
        "title": title,
        "model": model,
        "entries": [_entry(recorded) for recorded in found[:PAGE]],
        "older": found[PAGE - 1].position if len(found) > PAGE else None,
    }
    return page(request, "dynamo/history.html", context)


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
