"""Wake-ups: from any thread, to whoever listens at that moment."""

from __future__ import annotations

import threading

import projections.stream
from projections.stream.wakes import listening


def test_wake_reaches_all_listeners_from_any_thread():
    first, second = threading.Event(), threading.Event()
    with listening(first.set), listening(second.set):
        thread = threading.Thread(target=projections.stream.wake)
        thread.start()
        assert first.wait(5)
        assert second.wait(5)
        thread.join()


def test_wake_without_listeners_does_nothing():
    projections.stream.wake()


def test_listener_that_left_is_not_called():
    calls: list[int] = []
    with listening(lambda: calls.append(1)):
        projections.stream.wake()
    projections.stream.wake()
    assert calls == [1]
