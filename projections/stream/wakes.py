"""Wake-ups inside this process. They carry no data, so a lost or needless one does no harm."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Call: TypeAlias = Callable[[], object]

_lock = threading.Lock()
_calls: list[Call] = []


def wake() -> None:
    """Tell everyone who reads the log that it may have grown; call it after a commit, from any thread."""
    with _lock:
        calls = tuple(_calls)
    for call in calls:
        call()


@contextmanager
def listening(call: Call) -> Iterator[None]:
    """Have `call` called in the waking thread, as long as the block lasts; it must not block or raise."""
    with _lock:
        _calls.append(call)
    try:
        yield
    finally:
        with _lock:
            _calls.remove(call)
