"""Wake-ups, of this process and of others. They carry no data: a lost or needless one does no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from projections import conf
from projections.stream.news import Listener, listener

Call: TypeAlias = Callable[[], object]

_lock = threading.Lock()
_calls: list[Call] = []
# Hears of other processes, as long as anybody listens here.
_news: Listener | None = None


def wake() -> None:
    """Tell everyone who reads the log that it may have grown; call it after a commit, from any thread."""
    with _lock:
        calls = tuple(_calls)
    for call in calls:
        call()


@contextmanager
def listening(call: Call) -> Iterator[None]:
    """Have `call` called in the waking thread, as long as the block lasts; it must not block or raise."""
    global _news  # noqa: PLW0603  # one for the process
    with _lock:
        _calls.append(call)
        if _news is None:
            _news = listener(conf.database(), wake)
    try:
        yield
    finally:
        with _lock:
            _calls.remove(call)
            if not _calls and _news is not None:
                _news.stop()
                _news = None
