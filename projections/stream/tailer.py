"""The tailer: one per event loop, with one thread and one connection for all readers of that loop. It reads
the log in order into the ring, asks which of its readers still may read, and then tells them.

It looks when it is woken, and every DYNAMO_STREAM_POLL_SECONDS in any case: events of other processes, and
those whose wake-up was lost, come by that way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import Error

from events import store
from events.envelope import Mark
from events.exceptions import LogCorrupt
from events.types import Recorded
from projections import conf
from projections.stream.access import Answers, Grant, Revoked, revoked
from projections.stream.frames import Frame, frame
from projections.stream.naming import Names
from projections.stream.ring import Ring
from projections.stream.shutdown import on_shutdown
from projections.stream.threads import Worker
from projections.stream.wakes import listening

PAGE: Final = 500
# Readers that are woken in one turn of the loop: the first have an event before the last are told of it.
AT_ONCE: Final = 50
UNASKED: Final = "not asked yet"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one look at the log brought. `replaced`: it is another log, or a shorter one."""

    mark: Mark
    frames: tuple[Frame, ...] = ()
    replaced: bool = False


class Tailer:
    """`generation` counts how often the log was replaced, `beats` the keep-alives that were due; `failure`
    is why the tailer gave up; `draining` says that the process was told to end.
    """

    def __init__(self) -> None:
        self.ring = Ring()
        self.generation = 0
        self.beats = 0
        self.failure: Exception | None = None
        self.draining = False
        # How many readers have each grant.
        self.grants: Counter[Grant] = Counter()
        # When each task began to hand something to its server that is not taken yet.
        self.sending: dict[asyncio.Task[Any], float] = {}
        self._loop = asyncio.get_running_loop()
        self._worker = Worker()
        self._mark: Mark | None = None
        self._names = Names(conf.database())
        # What was found about each grant after the ring's last frame was read.
        self._checked: Answers = {}
        self._due = False
        self._beat_timer: asyncio.TimerHandle | None = None
        self._woken = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        # In an empty context: the first reader's request must not live as long as the tailer.
        self._task = self._loop.create_task(self._run(), context=Context())
        self._beat_timer = self._next_beat()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._beat_timer is not None:
            self._beat_timer.cancel()
        self._worker.close()

    async def news(self) -> None:
        """Wait until there is something to look at: frames, answers, a beat, the end."""
        future = self._loop.create_future()
        self._waiting.append(future)
        await future

    def cleared(self, grant: Grant) -> bool:
        """Whether a grant held after the ring's last frame was read. Raises Revoked if it did not.

        False is for one that came later: it is asked for now.
        """
        reason = self._checked.get(grant, UNASKED)
        if reason is None:
            return True
        if reason is UNASKED:
            self._woken.set()
            return False
        raise Revoked(reason)

    async def _run(self) -> None:
        try:
            with (
                listening(partial(self._soon, self._woken.set)),
                on_shutdown(partial(self._soon, self._drain)),
            ):
                while True:
                    self._woken.clear()
                    if not await self._look():
                        await _either(self._woken, conf.get("DYNAMO_STREAM_POLL_SECONDS"))
                    self._cut_off()
        except Exception as error:
            logger.exception("the stream cannot go on; its readers are disconnected")
            self.failure = error
            self._tell()

    def _soon(self, call: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # The loop closed in this very moment.
            self._loop.call_soon_threadsafe(call)

    def _drain(self) -> None:
        self.draining = True
        self._tell()

    async def _look(self) -> bool:
        """Take in what is new; says whether there was anything."""
        everyone = tuple(self.grants)
        due = self._due
        asked = everyone if due else [grant for grant in everyone if grant not in self._checked]
        try:
            batch, checked = await self._worker.run(look, self._mark, self._names, everyone, asked)
        except Error as error:
            # The database is restarting, or busy: readers keep their place.
            logger.warning("the stream cannot read the log now and tries again: %s", error)
            return False
        if batch is not None or due:
            self._checked = checked
            self._due = False
        else:
            self._checked |= checked
        if batch is not None:
            self._take(batch)
        if batch is not None or checked:
            self._tell()
        return batch is not None

    def _take(self, batch: Batch) -> None:
        if batch.replaced:
            self.generation += 1
            self._names = Names(conf.database())
        if batch.replaced or self._mark is None:
            self.ring.start(batch.mark.position)
        for one in batch.frames:
            self.ring.add(one)
        self._mark = batch.mark

    def _tell(self) -> None:
        told, self._waiting = self._waiting, []
        self._tell_some(told)

    def _tell_some(self, futures: list[asyncio.Future[None]]) -> None:
        for future in futures[:AT_ONCE]:
            if not future.done():
                future.set_result(None)
        if rest := futures[AT_ONCE:]:
            self._loop.call_soon(self._tell_some, rest)

    def _beat(self) -> None:
        """It is time for a keep-alive, and to ask for all grants again, whatever the database does."""
        self.beats += 1
        self._due = True
        self._woken.set()
        self._tell()
        self._beat_timer = self._next_beat()

    def _next_beat(self) -> asyncio.TimerHandle:
        return self._loop.call_later(
            conf.get("DYNAMO_STREAM_KEEPALIVE_SECONDS"), self._beat, context=Context()
        )

    def _cut_off(self) -> None:
        """End the requests of readers that take nothing: their servers wait for them for ever."""
        limit = self._loop.time() - conf.get("DYNAMO_STREAM_SEND_SECONDS")
        for task in [task for task, since in self.sending.items() if since < limit]:
            task.cancel()


# One for each loop, as long as it has readers.
tailers: WeakKeyDictionary[asyncio.AbstractEventLoop, Tailer] = WeakKeyDictionary()


@contextmanager
def tailing(grant: Grant) -> Iterator[Tailer]:
    """Share the running loop's tailer; the last to leave stops it."""
    loop = asyncio.get_running_loop()
    tailer = tailers.get(loop)
    if tailer is None:
        tailer = tailers[loop] = Tailer()
        tailer.start()
    tailer.grants[grant] += 1
    try:
        yield tailer
    finally:
        tailer.grants[grant] -= 1
        if not tailer.grants[grant]:
            del tailer.grants[grant]
        if not tailer.grants:
            del tailers[loop]
            tailer.stop()


def look(
    since: Mark | None, names: Names, everyone: Sequence[Grant], others: Sequence[Grant]
) -> tuple[Batch | None, Answers]:
    """Read what is new, and then ask who may still read: who lost the right before that was recorded, lost it
    in time. Everyone is asked about when there is something new, else only those others.
    """
    batch = read(since, names)
    asked = others if batch is None else everyone
    return batch, revoked(asked) if asked else {}


def read(since: Mark | None, names: Names) -> Batch | None:
    """Look at the log: what came after a mark, or None; without a mark, where its head is."""
    using = conf.database()
    at = store.shown(using)
    if since is None:
        return Batch(mark=at)
    # A log whose first event is yet to come has no id, or one only, while MariaDB is at its tables.
    if at == since or (not since.registry_id and at.position == 0):
        return None
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
