"""One reader's stream: a cursor over the ring; what the ring no longer holds comes from the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from random import SystemRandom
from typing import Any, Final

from events import store
from projections import conf
from projections.stream import frames
from projections.stream.access import Grant, Place, Revoked, revoked
from projections.stream.frames import Frame, control, frame, opening
from projections.stream.limits import Slot
from projections.stream.naming import Names
from projections.stream.tailer import Tailer, tailing
from projections.stream.threads import in_thread, leave_request_thread

PAGE: Final = 100
# What is handed to the server in one piece, unless one frame is larger. It keeps that for a slow reader.
PIECE: Final = 64 * 1024
CANNOT_GO_ON: Final = "The server cannot go on with this stream; connect again to resume."
SHUTDOWN: Final = "The server shuts down; connect again to resume."

logger = logging.getLogger(__name__)
_random: Final = SystemRandom()


class Cursor:
    """A place in the log: everything up to `position` was sent, or is not for this reader."""

    def __init__(self, tailer: Tailer, place: Place) -> None:
        self.position = place.position
        self._tailer = tailer
        self._place = place
        self._generation = tailer.generation
        self._beats = tailer.beats
        # Kept from page to page, so that names are looked up once.
        self._names: Names | None = None

    async def next(self) -> bytes:
        """The next frames, waiting for them; a keep-alive if it is time for one, nothing at the end.

        Raises Revoked.
        """
        tailer = self._tailer
        while not tailer.draining:
            # What is waited for comes first: nearly always there was nothing when this was called.
            if self._served_all():
                await tailer.news()
            if tailer.failure is not None:
                raise tailer.failure
            if not tailer.cleared(self._place.grant):
                await tailer.news()
            elif chunk := await self._step():
                return chunk
            if tailer.beats != self._beats:
                self._beats = tailer.beats
                return control(frames.KEEP_ALIVE, self.position)
        return b""

    def _served_all(self) -> bool:
        tailer = self._tailer
        return (
            self.position >= tailer.ring.head
            and tailer.generation == self._generation
            and tailer.beats == self._beats
            and tailer.failure is None
        )

    async def _step(self) -> bytes:
        tailer = self._tailer
        if tailer.generation != self._generation:
            self._generation = tailer.generation
            self.position = tailer.ring.head
            return control(frames.RESET, self.position)
        held = tailer.ring.after(self.position, PAGE)
        if held is None:
            return await self._page(tailer.ring.head)
        self._names = None
        return self._taken(held, self.position)

    async def _page(self, upto: int) -> bytes:
        self._names = names = self._names or Names(conf.database())
        page = await in_thread(read_page, self.position, upto, self._place.grant, names)
        return self._taken(page, self.position if len(page) == PAGE else upto)

    def _taken(self, found: Sequence[Frame], otherwise: int) -> bytes:
        """Move past what is found, as far as one piece goes, and give what of it is for this reader."""
        if not found:
            self.position = otherwise
            return b""
        piece, size = [], 0
        for one in found:
            if self._place.takes(one):
                piece.append(one.encoded)
                size += len(one.encoded)
            self.position = one.position
            if size >= PIECE:
                break
        else:
            self.position = max(otherwise, self.position)
        return b"".join(piece)


async def stream(place: Place, slot: Slot) -> AsyncGenerator[bytes, None]:
    """Yield a reader's frames until it goes, or may not read any more, or the process is told to end."""
    # Spread, so that those whom a restart cut off do not all come back at once.
    middle = conf.get("DYNAMO_STREAM_RETRY_SECONDS")
    loop = asyncio.get_running_loop()
    with slot, tailing(place.grant) as tailer:
        await leave_request_thread()
        yield opening(place.position, retry=round(1000 * middle * _random.uniform(0.5, 1.5)))
        if place.reset:
            yield control(frames.RESET, place.position)
        cursor = Cursor(tailer, place)
        try:
            while chunk := await cursor.next():
                task: Any = asyncio.current_task()
                tailer.sending[task] = loop.time()
                try:
                    yield chunk
                finally:
                    tailer.sending.pop(task, None)
            yield control(frames.ERROR, cursor.position, condition="shutdown", text=SHUTDOWN)
        except Revoked as error:
            yield control(frames.ERROR, cursor.position, condition="forbidden", text=str(error))
        except Exception:
            logger.exception("a stream broke off at position %s", cursor.position)
            yield control(frames.ERROR, cursor.position, condition="unavailable", text=CANNOT_GO_ON)


def read_page(after: int, upto: int, grant: Grant, names: Names) -> list[Frame]:
    """A page of what the ring does not hold. Raises Revoked."""
    found = store.read(conf.database(), after=after, upto=upto, stream_ids=grant.stream_ids, limit=PAGE)
    page = [frame(one, *names.after(one)) for one in found]
    if reason := revoked([grant])[grant]:
        raise Revoked(reason)
    return page
