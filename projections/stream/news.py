"""News from other processes. PostgreSQL tells them with the commit; a thread hears it while somebody follows.

They are wake-ups and nothing else: the log is read, whoever wakes whom. Where nothing can be heard, as behind
a PgBouncer that pools transactions, or while the connection is down, the slow poll finds what is new.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from django.db import DatabaseError, connections

from events.store import NEWS

logger = logging.getLogger(__name__)

# Seconds between two looks whether anybody still listens, and between two attempts to connect.
TURN: Final = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0


class Listener:
    """Calls `wake` for each piece of news until stopped, from a thread and by a connection of its own."""

    def __init__(self, using: str, wake: Callable[[], object]) -> None:
        self.using = using
        self.wake = wake
        self.connected = False
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, name="dynamo-news", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Returns at once; the thread ends within a turn."""
        self.stopped.set()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            connection: Any = connections[self.using].copy()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {NEWS}")
                self.connected, pause = True, FIRST_PAUSE
                # A first connection has the process look at the schema, by this thread's own one.
                connections[self.using].close()
                # What was committed before it listened.
                self.wake()
                self._hear(connection.connection)
            except (DatabaseError, connection.Database.Error) as error:
                logger.warning("no news of the log can be heard; trying again in %s s: %s", pause, error)
            finally:
                self.connected = False
                connection.close()
            if self.stopped.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hear(self, raw: Any) -> None:
        while not self.stopped.is_set():
            for _ in raw.notifies(timeout=TURN, stop_after=1):
                self.wake()


def listener(using: str, wake: Callable[[], object]) -> Listener | None:
    """A listener, where the database tells news."""
    return Listener(using, wake) if connections[using].vendor == "postgresql" else None
