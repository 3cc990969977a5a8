"""The history: one entry per change set, newest first, and all there is about one event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from dynamo import actors, retired, wording
from dynamo.pages.access import reader
from dynamo.pages.reading import page
from events import store, streams, timeline
from events.schema import ModelSchema
from events.timeline import Wanted
from events.types import BY_NAME, Recorded
from projections import conf
from projections.registry import registry

PAGE: Final = 100
FILTERS: Final = ("model", "type", "by", "source")
MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event of a change set, in words. `holds`: it is what its hash says."""

    recorded: Recorded
    words: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What was recorded together; `newest` is the event that stands for it."""

    newest: Recorded
    lines: list[Line]
    who: str
    source: str
    when: datetime | None

    @property
    def reason(self) -> str:
        """Batches in a batch may have reasons of their own."""
        said = dict.fromkeys(line.recorded.reason for line in reversed(self.lines))
        return "; ".join(filter(None, said))

    @property
    def holds(self) -> bool:
        return all(line.holds for line in self.lines)


@reader
def history(request: HttpRequest) -> HttpResponse:
    """All change sets, or those that were asked for."""
    label = request.GET.get("model", "").strip()
    return _history(request, _("Schema history"), _model(label) if label else None)


@reader
def model_history(request: HttpRequest, label: str) -> HttpResponse:
    """The change sets of one model."""
    model = _model(label)
    if model is None:
        raise Http404(f"there is no model {label}")
    return _history(request, _("Schema history of %(model)s") % {"model": model.label}, model)


@reader
def event(request: HttpRequest, position: int) -> HttpResponse:
    """One event: what it says, who recorded it, and its place in the chain."""
    using = conf.database()
    head = store.head(using)
    there = 0 < position <= head.position
    found = next(store.read(using, after=position - 1, limit=1), None) if there else None
    if found is None:
        raise Http404(f"the log has no position {position}")
    context = {
        "title": _("Position %(position)s") % {"position": position},
        "recorded": found,
        "line": _line(found, head.registry_id),
        "who": actors.names([found.actor])[found.actor],
        "source": wording.source(found),
        "when": parse_datetime(found.recorded_at),
        "model": wording.model_name(found),
        "changes": _changes(found),
        "payload": orjson.dumps(orjson.loads(found.data), option=orjson.OPT_INDENT_2).decode(),
        "neighbours": {"before": position - 1, "after": position + 1},
        "last": head.position == position,
        "statements": _statements(position),
    }
    return page(request, "dynamo/event.html", context)


def _statements(position: int) -> str:
    """Where the statements of an event's change set are shown."""
    near = timeline.neighbours(conf.database(), {position - 1, position})
    sides = {"a": near[position][0], "b": near[position - 1][1], "show": "sql"}
    return f"{reverse('dynamo:compare')}?{urlencode(sides)}"


def _history(request: HttpRequest, title: str, model: ModelSchema | None) -> HttpResponse:
    using = conf.database()
    given = {name: request.GET.get(name, "").strip() for name in FILTERS}
    unknown = given["model"] if given["model"] and model is None else ""
    wanted = Wanted(
        before=_position(request.GET.get("before")),
        stream_id=None if model is None else model.id,
        types=[given["type"]] if given["type"] in BY_NAME else (),
        actor=given["by"],
        source=given["source"],
    )
    found = timeline.page(using, wanted, PAGE)
    people = actors.names([*(one.actor for one in found.events), *streams.recent_actors(using)])
    context = {
        "title": title,
        "model": model,
        "given": given,
        "filtered": any(given.values()),
        "unknown": unknown,
        "types": sorted(BY_NAME),
        "sources": [(source, str(text)) for source, text in wording.SOURCES.items()],
        "people": sorted(people.items(), key=lambda pair: pair[1]),
        "entries": list(_change_sets(found.events, people, store.head(using).registry_id)),
        "torn": found.torn,
        "older": _address(given, found.older) if found.older else "",
    }
    return page(request, "dynamo/history.html", context)


def _change_sets(events: Iterable[Recorded], people: dict[str, str], registry_id: str) -> Iterable[ChangeSet]:
    for _batch, together in groupby(events, key=lambda recorded: recorded.batch_id):
        newest, *rest = together
        yield ChangeSet(
            newest=newest,
            lines=[_line(recorded, registry_id) for recorded in (newest, *rest)],
            who=people[newest.actor],
            source=wording.source(newest),
            when=parse_datetime(newest.recorded_at),
        )


def _line(recorded: Recorded, registry_id: str) -> Line:
    words = wording.told_briefly(recorded)
    return Line(recorded=recorded, words=words, holds=timeline.holds(registry_id, recorded))


def _changes(recorded: Recorded) -> list[tuple[str, str, str]]:
    """Each attribute with its former and its new value, as JSON."""
    data = orjson.loads(recorded.data)
    before, after = data["before"], data["after"]
    names = sorted({*before, *after})
    return [(name, _json(before, name), _json(after, name)) for name in names]


def _json(values: dict[str, Any], name: str) -> str:
    return orjson.dumps(values[name]).decode() if name in values else ""


def _model(named: str) -> ModelSchema | None:
    """The model of that label or id; of several that were retired under a label, the last."""
    app, _dot, name = named.rpartition(".")
    return registry.schema_of(app, name) or registry.schema(named) or retired.last(named)


def _position(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise Http404("before must be a position")
    return int(text)


def _address(given: dict[str, str], before: int) -> str:
    return "?" + urlencode({**{name: value for name, value in given.items() if value}, "before": before})
