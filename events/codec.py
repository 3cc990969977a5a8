"""Event <-> (type, type_version, canonical JSON bytes), with upcasters for older versions. No Django."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeAlias

import orjson

from events.exceptions import LogCorrupt, UnknownEvent
from events.schema import canonical
from events.types import BY_NAME, Event

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

# (type, version) -> what turns its payload into that of the next version.
UPCASTERS: dict[tuple[str, int], Upcaster] = {
    ("field.altered", 1): lambda payload: {**payload, "revived": None},
}


def encode(event: Event) -> tuple[str, int, bytes]:
    payload = {f.name: getattr(event, f.name) for f in fields(event) if f.name != "stream_id"}
    return event.type, event.version, canonical(payload)


def decode(type_name: str, version: int, data: bytes, stream_id: str) -> Event:
    """Read an event of any known version; raise UnknownEvent for others."""
    cls = BY_NAME.get(type_name)
    if cls is None or version > cls.version:
        raise UnknownEvent(
            f"event {type_name!r} version {version} is not known to this release; upgrade before replaying",
            type=type_name,
            version=version,
        )
    try:
        payload: dict[str, Any] = upcast(type_name, version, orjson.loads(data))
        return cls(stream_id=stream_id, **payload)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise LogCorrupt(f"the data of this {type_name!r} event is not what one holds: {error}") from error


def upcast(type_name: str, version: int, payload: dict[str, Any]) -> dict[str, Any]:
    """Bring a payload of an older version up to what this release knows."""
    current = BY_NAME[type_name].version
    if version > current:
        raise UnknownEvent(f"event {type_name!r} version {version} is not known to this release")
    for older in range(version, current):
        payload = _upcaster(type_name, older)(payload)
    return payload


def _upcaster(type_name: str, version: int) -> Upcaster:
    try:
        return UPCASTERS[type_name, version]
    except KeyError:
        raise UnknownEvent(f"no upcaster from {type_name!r} version {version}") from None
