"""A schema event as a subscriber gets it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

VERSION: Final = 1


class UnknownVersion(ValueError):
    """The server sends another shape of data than this client knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One position of the log. The keys are those of version 1 of the data, see docs/stream.md.

    `event` is the Dynamo signal. `model` and `field` are the names after the event; `before` and `after` the
    attributes that changed, by name.
    """

    event: str
    position: int
    event_id: str
    type: str
    type_version: int
    stream_id: str
    stream_version: int
    model: str | None
    field: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    batch_id: str
    correlation_id: str | None
    actor: str
    source: str
    reason: str
    recorded_at: datetime
    hash: str

    @classmethod
    def of(cls, event: str, data: str) -> StreamEvent:
        """Read a frame. Keys that it has besides are for later clients. Raises UnknownVersion."""
        given = json.loads(data)
        if given["v"] != VERSION:
            raise UnknownVersion(
                f"the server sends version {given['v']} of the events' shape, this client knows {VERSION}; "
                "upgrade django-dynamo-registry here"
            )
        known = {field.name: given[field.name] for field in fields(cls) if field.name != "event"}
        known["recorded_at"] = datetime.fromisoformat(known["recorded_at"])
        return cls(event=event, **known)
