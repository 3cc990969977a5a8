"""The envelope: events with their place in the log, as values and as rows of the log's table. No Django."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from events import chain, codec
from events.types import Context, Event, Recorded

COLUMNS: Final = (
    "position",
    "event_id",
    "stream_id",
    "stream_version",
    "type",
    "type_version",
    "data",
    "batch_id",
    "correlation_id",
    "causation_id",
    "actor",
    "source",
    "reason",
    "recorded_at",
    "prev_hash",
    "hash",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in the log: equal marks mean equal histories."""

    registry_id: str = ""
    position: int = 0
    hash: str = chain.GENESIS


def linked(
    at: Mark,
    now: str,
    events: Sequence[Event],
    context: Context,
    versions: Mapping[str, int],
    event_ids: Sequence[str] | None = None,
) -> list[Recorded]:
    """Give events their places after a mark, without writing anything."""
    known = dict(versions)
    out: list[Recorded] = []
    for event, event_id in zip(events, event_ids or [uuid7() for _ in events], strict=True):
        version = known[event.stream_id] = known[event.stream_id] + 1
        recorded = _record(at, event, event_id, version, context, now)
        at = replace(at, position=recorded.position, hash=recorded.hash)
        out.append(recorded)
    return out


def recorded_of(row: tuple[Any, ...]) -> Recorded:
    data, stream_id = bytes(row[6]), str(row[2])
    return Recorded(
        position=row[0],
        event_id=str(row[1]),
        stream_id=stream_id,
        stream_version=row[3],
        type=row[4],
        type_version=row[5],
        data=data,
        context=context_of(row),
        recorded_at=row[13],
        prev_hash=row[14],
        hash=row[15],
        event=codec.decode(row[4], row[5], data, stream_id),
    )


def context_of(row: tuple[Any, ...]) -> Context:
    return Context(
        batch_id=str(row[7]),
        correlation_id=row[8],
        causation_id=row[9],
        actor=row[10],
        source=row[11],
        reason=row[12],
    )


def _record(at: Mark, event: Event, event_id: str, version: int, context: Context, now: str) -> Recorded:
    type_name, type_version, data = codec.encode(event)
    envelope: dict[str, Any] = {
        "position": at.position + 1,
        "event_id": event_id,
        "stream_id": event.stream_id,
        "stream_version": version,
        "type": type_name,
        "type_version": type_version,
        "context": context,
        "recorded_at": now,
        "data": data,
    }
    own = chain.link(at.registry_id, at.hash, **envelope)
    return Recorded(**envelope, prev_hash=at.hash, hash=own, event=event)


def row_of(recorded: Recorded) -> tuple[Any, ...]:
    """Values in the order of COLUMNS."""
    context = recorded.context
    return (
        recorded.position,
        recorded.event_id,
        recorded.stream_id,
        recorded.stream_version,
        recorded.type,
        recorded.type_version,
        recorded.data,
        context.batch_id,
        context.correlation_id,
        context.causation_id,
        context.actor,
        context.source,
        context.reason,
        recorded.recorded_at,
        recorded.prev_hash,
        recorded.hash,
    )


def uuid7() -> str:
    """A UUID that sorts by when it was made, also within one millisecond (RFC 9562, sections 5.7 and 6.2)."""
    now, drawn = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(9))
    with _lock:
        stamp, number = _last["made"]
        if now > stamp:
            stamp, number = now, drawn
        else:
            # The same millisecond, or the clock went back. Not the very next number: a forked process has
            # the same last one.
            number += 1 + drawn % 2**40
        _last["made"] = stamp, number
    value = (stamp << 80) | (0x7 << 76) | (number >> 62 << 64) | (0x2 << 62) | (number & (2**62 - 1))
    return str(uuid.UUID(int=value))


_lock = threading.Lock()
_last: Final = {"made": (0, 0)}
