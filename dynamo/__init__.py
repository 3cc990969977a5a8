"""Dynamo: an event-sourced schema registry for Django. This is its public face."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DOORS = {
    "acting": "dynamo.context",
    "apply": "dynamo.api",
    "batch": "dynamo.api",
    "catch_up": "dynamo.api",
    "diff": "dynamo.api",
    "export": "dynamo.api",
    "get_model": "dynamo.api",
    "history": "dynamo.api",
    "plan": "dynamo.api",
    "purge": "dynamo.api",
    "register_admin": "dynamo.api",
    "restore": "dynamo.api",
    "retry_read": "dynamo.staleness",
    "rollback": "dynamo.api",
    "schema": "dynamo.api",
    "stream_token": "projections.stream.tokens",
    "subscribe": "dynamo.client",
    "tag": "dynamo.api",
    "tags": "dynamo.api",
    "verify": "dynamo.api",
}

__all__ = [
    "acting",
    "apply",
    "batch",
    "catch_up",
    "diff",
    "export",
    "get_model",
    "history",
    "plan",
    "purge",
    "register_admin",
    "restore",
    "retry_read",
    "rollback",
    "schema",
    "stream_token",
    "subscribe",
    "tag",
    "tags",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Django imports this package before its apps are ready, so the functions are fetched on first use."""
    if name not in _DOORS:
        raise AttributeError(f"module 'dynamo' has no attribute {name!r}")
    return getattr(import_module(_DOORS[name]), name)
