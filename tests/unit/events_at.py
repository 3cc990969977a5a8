"""Recorded events made by hand, for tests that need no database."""

from __future__ import annotations

import uuid

from events import codec
from events.types import Context, Event, Recorded


def recorded(event: Event, position: int = 1, *, stream_version: int = 1, **context: str) -> Recorded:
    """The event as the log would give it back at that position; its hashes are made up."""
    type_name, type_version, data = codec.encode(event)
    return Recorded(
        position=position,
        event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(position))),
        stream_id=event.stream_id,
        stream_version=stream_version,
        type=type_name,
        type_version=type_version,
        data=data,
        context=Context(batch_id="batch", **context),
        recorded_at="2026-01-02T03:04:05.000006+00:00",
        prev_hash=f"hash {position - 1}",
        hash=f"hash {position}",
        event=codec.decode(type_name, type_version, data, event.stream_id),
    )
