"""News from other processes, heard by a thread while somebody follows.

They are wake-ups and nothing else: the log is read, whoever wakes whom. Where nothing can be heard, as behind
a PgBouncer that pools transactions, or while the connection is down, the slow poll finds what is new.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from django.db import DatabaseError, connections

from events.store import NEWS

logger = logging.getLogger(__name__)

# Seconds between two looks whether anybody still listens, and between two attempts to connect.
TURN: Final = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0


class Listener(ABC):
    """Calls `wake` for each piece of news until stopped, from a thread and by a connection of its own."""

    # What is raised when the connection cannot be made, or is lost.
    errors: tuple[type[Exception], ...]

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.connected = False
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, name="dynamo-news", daemon=True)
        self.thread.start()

    @abstractmethod
    def connection(self) -> AbstractContextManager[Callable[[], bool]]:
        """Listen; gives what waits for a turn at most and says whether there was news."""

    def stop(self) -> None:
        """Returns at once; the thread ends within a turn."""
        self.stopped.set()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                with self.connection() as heard:
                    self.connected, pause = True, FIRST_PAUSE
                    # What was committed before it listened.
                    self.wake()
                    self._hear(heard)
            except self.errors as error:
                logger.warning("no news of the log can be heard; trying again in %s s: %s", pause, error)
            finally:
                self.connected = False
            if self.stopped.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hear(self, heard: Callable[[], bool]) -> None:
        while not self.stopped.is_set():
            if heard():
                self.wake()


class PostgresListener(Listener):
    """PostgreSQL tells with the commit, and not without it."""

    def __init__(self, using: str, wake: Callable[[], object]) -> None:
        self.using = using
        connection: Any = connections[using]
        self.errors = (DatabaseError, connection.Database.Error)
        super().__init__(wake)

    @contextmanager
    def connection(self) -> Iterator[Callable[[], bool]]:
        connection: Any = connections[self.using].copy()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {NEWS}")
            # A first connection has the process look at the schema, by this thread's own one.
            connections[self.using].close()
            raw = connection.connection
            yield lambda: any(True for _ in raw.notifies(timeout=TURN, stop_after=1))
        finally:
            connection.close()
