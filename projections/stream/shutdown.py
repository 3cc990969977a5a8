"""Being told to end. A server waits for its streams then, so these have to end by themselves."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_shutdown(call: Callable[[], object]) -> Iterator[None]:
    """Have `call` called before the server's own handler, while the block lasts.

    Only the main thread may ask for signals. Streams on loops of other threads end with their connections.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former: dict[int, Any] = {}

    def told(number: int, frame: FrameType | None) -> None:
        call()
        before = former[number]
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in SIGNALS:
        before = signal.getsignal(number)
        # None is a handler that is not Python's, and could not be put back.
        if before is not None:
            former[number] = before
            signal.signal(number, told)
    try:
        yield
    finally:
        for told_of, before in former.items():
            # Another handler may have come since, and that one stays.
            if signal.getsignal(told_of) is told:
                signal.signal(told_of, before)
