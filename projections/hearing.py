"""Hearing that the schema changed, instead of asking, if the project takes a delay for that.

Asking takes a query for each request. With DYNAMO_STALENESS_SECONDS a process asks again when it heard of a
change, or when that time is over. It hears within a millisecond, from PostgreSQL or else from Redis; the time
is what holds where nothing can be heard and nobody can tell, as behind a PgBouncer that pools transactions.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from events.freshness import Moment
from projections import conf
from projections.stream.wakes import listeners


class Ear:
    """Counts what a process hears of one database, where there is a way to hear."""

    def __init__(self, using: str) -> None:
        self.process = os.getpid()
        self.heard = 0
        self.listeners = listeners(using, self._hear)

    @property
    def connected(self) -> bool:
        """Whether the surest way is open, which is the first."""
        return bool(self.listeners) and self.listeners[0].connected

    def _hear(self) -> None:
        self.heard += 1


_ears: dict[str, Ear] = {}
_lock = threading.Lock()


def moment(connection: Any) -> Moment | None:
    """Now, which differs from a moment when something was not heard of yet; None where that cannot be told.

    Within a transaction it cannot: what is read there may be older than what was heard.
    """
    if connection.in_atomic_block:
        return None
    seconds = conf.get("DYNAMO_STALENESS_SECONDS")
    if not seconds:
        return None
    ear = _ears.get(connection.alias)
    if ear is None or ear.process != os.getpid():
        ear = _new(connection.alias)
    if not ear.connected:
        return None
    return Moment(ear, ear.heard, int(time.monotonic() / seconds))


def _new(using: str) -> Ear:
    """A child that was forked has its parent's ear, but not the thread that listens."""
    with _lock:
        ear = _ears.get(using)
        if ear is None or ear.process != os.getpid():
            ear = _ears[using] = Ear(using)
        return ear
