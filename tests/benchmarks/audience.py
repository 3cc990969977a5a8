"""Very many readers of one server, on one event loop of a thread: when each got what was sent."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

# Part of every frame of an event, and of no other one.
MARK: Final = b"event: post_"
OPENED: Final = b"event: stream-open"
WITHIN: Final = 60
# Connections that are opened at once; a server's backlog is not endless.
AT_ONCE: Final = 50


class Reader(asyncio.Protocol):
    """Notes when frames came, and keeps nothing of them."""

    def __init__(self, audience: Audience, request: bytes) -> None:
        self.audience = audience
        self.request = request
        self.opened: asyncio.Future[None] = audience.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if MARK in data:
            self.audience.got(time.perf_counter())
        if OPENED in data and not self.opened.done():
            self.opened.set_result(None)


class Audience:
    """`count` readers of a server's stream; `close` ends them."""

    def __init__(self, url: str, count: int, headers: dict[str, str]) -> None:
        self.count = count
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._times: list[float] = []
        self._all: Future[list[float]] = Future()
        self._transports: list[asyncio.BaseTransport] = []
        lines = [f"GET /dynamo/events/ HTTP/1.1\r\nHost: {urlsplit(url).netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        asyncio.run_coroutine_threadsafe(self._open(url, request), self.loop).result(WITHIN)

    def expect(self) -> Future[list[float]]:
        """When each reader got the next frame, once all have."""
        self._times, self._all = [], Future()
        return self._all

    def got(self, at: float) -> None:
        self._times.append(at)
        if len(self._times) == self.count:
            self._all.set_result(self._times)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._end)
        self._thread.join(WITHIN)
        self.loop.close()

    async def _open(self, url: str, request: bytes) -> None:
        address = urlsplit(url)
        turn = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with turn:
                transport, reader = await self.loop.create_connection(
                    lambda: Reader(self, request), address.hostname, address.port
                )
                self._transports.append(transport)
                await reader.opened

        await asyncio.gather(*(one() for _ in range(self.count)))

    def _end(self) -> None:
        for transport in self._transports:
            with suppress(RuntimeError):
                transport.close()
        self.loop.call_soon(self.loop.stop)
