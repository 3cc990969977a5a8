"""Frames: what goes over the wire. Every frame has an id, the position up to which its reader is served.

A frame of an event has the event's signal as its `event` and one line of JSON as its `data`, version 1:

    v               1
    position        global, gapless; also the frame's id
    event_id        UUID, the same in every delivery
    type            such as field.added; with type_version, the version it was recorded in
    stream_id       UUID of the model, for good; with stream_version, the model's version
    model           "app.Name" after the event; null for events of the registry
    field           the field's name after the event, or null
    before, after   the attributes that changed, by name
    batch_id        UUID that the events of one change set share
    correlation_id, actor, source, reason, recorded_at (ISO 8601), hash

Within a version keys may be added; none is removed or changes its meaning. Beside these there are
`stream-open`, `keep-alive`, `stream-reset` (the log ends before the position asked for; the reader is
now at the head) and `stream-error` (the server ends the stream; `condition` and `text` say why):

    forbidden       the reader may not follow the stream any more
    shutdown        the server is told to end; connect again to resume
    unavailable     the server cannot go on with this stream; connect again to resume
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from django_eventstream.utils import sse_encode_event

from events.types import Recorded
from projections.signals import frame_name

VERSION: Final = 1

OPEN: Final = "stream-open"
KEEP_ALIVE: Final = "keep-alive"
RESET: Final = "stream-reset"
ERROR: Final = "stream-error"

# Not line ends of the event stream format, but many clients split lines by Unicode's rules.
LINE_ENDS: Final = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """An event, ready to be sent. `name` is what its frame is called, `type` what the log calls it."""

    position: int
    stream_id: str
    name: str
    type: str
    encoded: bytes


def frame(recorded: Recorded, model: str | None, field: str | None) -> Frame:
    """Encode an event under the names that its model and field have after it."""
    name = frame_name(recorded.type)
    return Frame(
        position=recorded.position,
        stream_id=recorded.stream_id,
        name=name,
        type=recorded.type,
        encoded=_encode(name, recorded.position, data(recorded, model, field)),
    )


def control(name: str, position: int, **extra: str) -> bytes:
    """A frame about the stream itself."""
    return _encode(name, position, _line({"v": VERSION, "position": position, **extra}))


def opening(position: int, retry: int) -> bytes:
    """The first frame. `retry` is how many milliseconds a client is to wait before it connects again."""
    return f"retry: {retry}\n".encode() + control(OPEN, position)


def data(recorded: Recorded, model: str | None, field: str | None) -> str:
    """The event as one line of JSON."""
    return _line(
        {
            "v": VERSION,
            "position": recorded.position,
            "event_id": recorded.event_id,
            "type": recorded.type,
            "type_version": recorded.type_version,
            "stream_id": recorded.stream_id,
            "stream_version": recorded.stream_version,
            "model": model,
            "field": field,
            "before": recorded.event.before,
            "after": recorded.event.after,
            "batch_id": recorded.context.batch_id,
            "correlation_id": recorded.context.correlation_id,
            "actor": recorded.context.actor,
            "source": recorded.context.source,
            "reason": recorded.context.reason,
            "recorded_at": recorded.recorded_at,
            "hash": recorded.hash,
        }
    )


def _line(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode().translate(LINE_ENDS)


def _encode(name: str, position: int, text: str) -> bytes:
    encoded: str = sse_encode_event(name, text, event_id=str(position))
    return encoded.encode()
