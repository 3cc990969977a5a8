"""Wake-ups, of this process and of others. They carry no data: a lost or needless one does no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from django.db import connections

from projections import conf
from projections.stream import redis_news
from projections.stream.news import Listener, PostgresListener

Call: TypeAlias = Callable[[], object]

_lock = threading.Lock()
_calls: list[Call] = []
# They hear of other processes, as long as anybody listens here.
_listeners: list[Listener] = []


def wake() -> None:
    """Tell everyone who reads the log that it may have grown; call it after a commit, from any thread."""
    _wake_here()
    # PostgreSQL told the others with the commit, unless something between them swallows that.
    redis_news.tell()


@contextmanager
def listening(call: Call) -> Iterator[None]:
    """Have `call` called in the waking thread, as long as the block lasts; it must not block or raise."""
    with _lock:
        _calls.append(call)
        if not _listeners:
            _listeners.extend(listeners(conf.database(), _wake_here))
    try:
        yield
    finally:
        with _lock:
            _calls.remove(call)
            if not _calls:
                for listener in _listeners:
                    listener.stop()
                _listeners.clear()


def listeners(using: str, wake: Call) -> list[Listener]:
    """One for each way by which other processes can be heard, the surest first."""
    found: list[Listener] = []
    if connections[using].vendor == "postgresql":
        found.append(PostgresListener(using, wake))
    if url := conf.get("DYNAMO_REDIS_URL"):
        found.append(redis_news.RedisListener(url, wake))
    return found


def _wake_here() -> None:
    with _lock:
        calls = tuple(_calls)
    for call in calls:
        call()
