"""What lists ask about streams: the last event of each, and which of them somebody changed since when."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet

from events.envelope import COLUMNS, recorded_of
from events.models import SchemaEvent
from events.types import Recorded

# Who acted is looked for in so many of the newest events: the log has no index of actors.
NEWEST: Final = 1_000


def at_versions(using: str, versions: Mapping[str, int]) -> dict[str, Recorded]:
    """The events with these versions, by stream, with one query by an index."""
    if not versions:
        return {}
    wanted = reduce(or_, (Q(stream_id=key, stream_version=n) for key, n in versions.items()))
    found = (recorded_of(row) for row in _events(using).filter(wanted).values_list(*COLUMNS))
    return {recorded.stream_id: recorded for recorded in found}


def changed(using: str, *, after: int = 0, actor: str | None = None) -> QuerySet[Any, Any]:
    """The ids of the streams with an event after a position, or of somebody; for use in a query."""
    found = _events(using).filter(position__gt=after)
    return (found if actor is None else found.filter(actor=actor)).values("stream_id")


def recent_actors(using: str) -> list[str]:
    """Who changed something lately."""
    newest = _events(using).order_by("-position").values_list("actor", flat=True)[:NEWEST]
    return sorted({actor for actor in newest if actor})


def _events(using: str) -> QuerySet[SchemaEvent]:
    return QuerySet(SchemaEvent, using=using)
