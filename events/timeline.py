"""The log as a history page reads it: newest first, page by page, some events of it only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Max, Min, QuerySet

from events import chain
from events.envelope import COLUMNS, recorded_of
from events.models import SchemaEvent
from events.types import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events; none of these says all of them. `after` and `before` are positions, both exclusive."""

    after: int = 0
    before: int | None = None
    stream_id: str | None = None
    types: Collection[str] = ()
    actor: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Events, newest first. `older` is the position before which there are more, None for none; `torn` says
    that the last change set goes on there.
    """

    events: list[Recorded]
    older: int | None
    torn: bool


def page(using: str, wanted: Wanted, limit: int) -> Page:
    """The newest events that are wanted, with one query."""
    found = [recorded_of(row) for row in _rows(using, wanted).values_list(*COLUMNS)[: limit + 1]]
    events, more = found[:limit], found[limit:]
    return Page(
        events=events,
        older=events[-1].position if more else None,
        torn=any(one.batch_id == events[-1].batch_id for one in more),
    )


def neighbours(using: str, positions: Collection[int]) -> dict[int, tuple[int | None, int | None]]:
    """Where the change sets before and after each position end; None where there is none."""
    wanted = {at for position in positions for at in (position, position + 1)}
    events: QuerySet[SchemaEvent] = QuerySet(SchemaEvent, using=using)
    batches = dict(events.filter(position__in=wanted).values_list("position", "batch_id"))
    ends = {
        batch: (first, last)
        for batch, first, last in events.filter(batch_id__in=set(batches.values()))
        .values_list("batch_id")
        .annotate(Min("position"), Max("position"))
    }
    earlier = {at: ends[batch][0] - 1 for at, batch in batches.items()}
    later = {at: ends[batch][1] for at, batch in batches.items()}
    return {at: (earlier.get(at), later.get(at + 1)) for at in positions}


def holds(registry_id: str, recorded: Recorded) -> bool:
    """Whether an event is what its hash says. The whole chain is what `verify` checks."""
    own = chain.link(
        registry_id,
        recorded.prev_hash,
        position=recorded.position,
        event_id=recorded.event_id,
        stream_id=recorded.stream_id,
        stream_version=recorded.stream_version,
        type=recorded.type,
        type_version=recorded.type_version,
        context=recorded.context,
        recorded_at=recorded.recorded_at,
        data=recorded.data,
    )
    return own == recorded.hash


def _rows(using: str, wanted: Wanted) -> QuerySet[SchemaEvent]:
    found: QuerySet[SchemaEvent] = QuerySet(SchemaEvent, using=using).order_by("-position")
    found = found.filter(position__gt=wanted.after)
    if wanted.before is not None:
        found = found.filter(position__lt=wanted.before)
    if wanted.types:
        found = found.filter(type__in=wanted.types)
    for name in ("stream_id", "actor", "source"):
        if value := getattr(wanted, name):
            found = found.filter(**{name: value})
    return found
