"""The hash chain: each event's hash covers its envelope, its bytes and the hash before it. No Django."""

from __future__ import annotations

import hashlib
from typing import Any

from events.schema import canonical
from events.types import Context

GENESIS = "0" * 64


def link(
    registry_id: str,
    prev_hash: str,
    *,
    position: int,
    event_id: str,
    stream_id: str,
    stream_version: int,
    type: str,
    type_version: int,
    context: Context,
    recorded_at: str,
    data: bytes,
) -> str:
    """SHA-256 over the registry, the previous hash, the envelope and the data, as hex."""
    envelope = (
        registry_id,
        prev_hash,
        position,
        event_id,
        stream_id,
        stream_version,
        type,
        type_version,
        context.batch_id,
        context.correlation_id,
        context.causation_id,
        context.actor,
        context.source,
        context.reason,
        recorded_at,
    )
    return digest(envelope, data)


def digest(envelope: tuple[Any, ...], data: bytes) -> str:
    """The hash of an envelope in the order of `link`; a tuple has the same bytes as a list."""
    return hashlib.sha256(canonical(envelope) + data).hexdigest()
