"""The tailer: one per event loop, with one thread and one connection for all readers of that loop. It reads
the log in order into the ring, tells the readers, and asks for them whether they still may read.

It looks when it is woken, and every DYNAMO_STREAM_POLL_SECONDS in any case: events of other processes, and
those whose wake-up was lost, come by that way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from django.db import Error

from events import store
from events.envelope import Mark
from events.exceptions import LogCorrupt
from events.types import Recorded
from projections import conf
from projections.stream.access import revoked
from projections.stream.frames import Frame, frame
from projections.stream.naming import Names
from projections.stream.rechecks import Rechecks
from projections.stream.ring import Ring
from projections.stream.shutdown import on_shutdown
from projections.stream.threads import Worker
from projections.stream.wakes import listening

PAGE: Final = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one look at the log brought. `replaced`: it is another log, or a shorter one."""

    mark: Mark
    frames: tuple[Frame, ...] = ()
    replaced: bool = False


class Tailer:
    """`generation` counts how often the log was replaced; `failure` is why the tailer gave up; `draining`
    says that the process was told to end.
    """

    def __init__(self) -> None:
        self.ring = Ring()
        self.generation = 0
        self.failure: Exception | None = None
        self.draining = False
        self.readers = 0
        self._worker = Worker()
        self.rechecks = Rechecks(lambda grants: self._worker.run(revoked, grants))
        self._mark: Mark | None = None
        self._names = Names(conf.database())
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        # In an empty context: the first reader's request must not live as long as the tailer.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._worker.close()

    async def news(self, until: float) -> None:
        """Wait until the log was found changed, or until that time of the loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._news.wait()

    async def _run(self) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def soon(call: Callable[[], object]) -> None:
            with suppress(RuntimeError):  # The loop closed in this very moment.
                loop.call_soon_threadsafe(call)

        try:
            with listening(partial(soon, woken.set)), on_shutdown(partial(soon, self._drain)):
                while True:
                    woken.clear()
                    if not await self._look():
                        await _either(woken, conf.get("DYNAMO_STREAM_POLL_SECONDS"))
        except Exception as error:
            logger.exception("the stream cannot go on; its readers are disconnected")
            self.failure = error
            self._tell()

    def _drain(self) -> None:
        self.draining = True
        self._tell()

    async def _look(self) -> bool:
        """Take in what is new; says whether there was anything."""
        try:
            batch = await self._worker.run(read, self._mark, self._names)
        except Error as error:
            # The database is restarting, or busy: readers keep their place.
            logger.warning("the stream cannot read the log now and tries again: %s", error)
            return False
        if batch is None:
            return False
        self._take(batch)
        return True

    def _take(self, batch: Batch) -> None:
        if batch.replaced:
            self.generation += 1
            self._names = Names(conf.database())
        if batch.replaced or self._mark is None:
            self.ring.start(batch.mark.position)
        for one in batch.frames:
            self.ring.add(one)
        self._mark = batch.mark
        self._tell()

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()


# One for each loop, as long as it has readers.
tailers: WeakKeyDictionary[asyncio.AbstractEventLoop, Tailer] = WeakKeyDictionary()


@contextmanager
def tailing() -> Iterator[Tailer]:
    """Share the running loop's tailer; the last to leave stops it."""
    loop = asyncio.get_running_loop()
    tailer = tailers.get(loop)
    if tailer is None:
        tailer = tailers[loop] = Tailer()
        tailer.start()
    tailer.readers += 1
    try:
        yield tailer
    finally:
        tailer.readers -= 1
        if not tailer.readers:
            del tailers[loop]
            tailer.stop()


def read(since: Mark | None, names: Names) -> Batch | None:
    """Look at the log: what came after a mark, or None; without a mark, where its head is."""
    using = conf.database()
    at = store.shown(using)
    if since is None:
        return Batch(mark=at)
    if at == since:
        return None
    # A log whose first event is yet to come has no id.
    if since.registry_id not in {"", at.registry_id} or at.position <= since.position:
        return Batch(mark=at, replaced=True)
    events = tuple(store.read(using, after=since.position, upto=at.position, limit=PAGE))
    if not follows(since, events):
        return Batch(mark=at, replaced=True)
    last = events[-1]
    mark = replace(at, position=last.position, hash=last.hash)
    return Batch(mark=mark, frames=tuple(frame(one, *names.after(one)) for one in events))


def follows(since: Mark, events: tuple[Recorded, ...]) -> bool:
    """Whether the events continue the log at the mark; raises LogCorrupt if there is a hole."""
    positions = [recorded.position for recorded in events]
    for expected, found in enumerate(positions or [0], since.position + 1):
        if found != expected:
            raise LogCorrupt(f"position {expected} is missing from the log", position=expected)
    return events[0].prev_hash == since.hash


async def _either(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
