"""One reader's stream: a cursor over the ring; what the ring no longer holds comes from the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from django.http import HttpRequest

from events import store
from projections import conf
from projections.stream import frames
from projections.stream.access import Place, still_admitted
from projections.stream.frames import Frame, control, frame
from projections.stream.naming import Names
from projections.stream.tailer import Tailer, tailing
from projections.stream.threads import in_thread, leave_request_thread

PAGE: Final = 100

logger = logging.getLogger(__name__)


class Cursor:
    """A place in the log: everything up to `position` was sent, or is not for this reader."""

    def __init__(self, tailer: Tailer, place: Place) -> None:
        self.position = place.position
        self._tailer = tailer
        self._stream_id = place.stream_id
        self._generation = tailer.generation
        # Kept from page to page, so that names are looked up once.
        self._names: Names | None = None

    async def next(self, until: float) -> bytes:
        """The next frames, waiting for them until that time of the loop; nothing if none came."""
        loop = asyncio.get_running_loop()
        while True:
            chunk = await self._step()
            if chunk or loop.time() >= until:
                return chunk
            if self._served_all():
                await self._tailer.news(until)

    def _served_all(self) -> bool:
        tailer = self._tailer
        same = tailer.failure is None and tailer.generation == self._generation
        return same and self.position >= tailer.ring.head

    async def _step(self) -> bytes:
        tailer = self._tailer
        if tailer.failure is not None:
            raise tailer.failure
        if tailer.generation != self._generation:
            self._generation = tailer.generation
            self.position = tailer.ring.head
            return control(frames.RESET, self.position)
        held = tailer.ring.after(self.position, PAGE)
        if held is None:
            return await self._page(tailer.ring.head)
        self._names = None
        self._move(held, self.position)
        return b"".join(one.encoded for one in held if self._stream_id in {None, one.stream_id})

    async def _page(self, upto: int) -> bytes:
        self._names = names = self._names or Names(conf.database())
        page = await in_thread(read_page, self.position, upto, self._stream_id, names)
        self._move(page, self.position if len(page) == PAGE else upto)
        return b"".join(one.encoded for one in page)

    def _move(self, sent: Sequence[Frame], otherwise: int) -> None:
        self.position = max(otherwise, sent[-1].position) if sent else otherwise


async def stream(request: HttpRequest, place: Place) -> AsyncGenerator[bytes, None]:
    """Yield a reader's frames until it goes, or may not read any more."""
    await leave_request_thread()
    yield control(frames.OPEN, place.position)
    if place.reset:
        yield control(frames.RESET, place.position)
    with tailing() as tailer:
        cursor = Cursor(tailer, place)
        try:
            async for chunk in _served(request, place, cursor):
                yield chunk
        except Exception:
            logger.exception("a stream broke off at position %s", cursor.position)
            text = "The server cannot go on with this stream; connect again to resume."
            yield control(frames.ERROR, cursor.position, condition="unavailable", text=text)


async def _served(request: HttpRequest, place: Place, cursor: Cursor) -> AsyncGenerator[bytes, None]:
    loop = asyncio.get_running_loop()
    while True:
        until = loop.time() + conf.get("DYNAMO_STREAM_KEEPALIVE_SECONDS")
        while loop.time() < until:
            if chunk := await cursor.next(until):
                yield chunk
        if not await in_thread(still_admitted, request, place):
            text = "You may not follow this stream any more."
            yield control(frames.ERROR, cursor.position, condition="forbidden", text=text)
            return
        yield control(frames.KEEP_ALIVE, cursor.position)


def read_page(after: int, upto: int, stream_id: str | None, names: Names) -> list[Frame]:
    found = store.read(conf.database(), after=after, upto=upto, stream_id=stream_id, limit=PAGE)
    return [frame(one, *names.after(one)) for one in found]
