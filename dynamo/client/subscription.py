"""Subscriptions: connections one after the other, with what each brings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final

try:
    import httpx
    from httpx_sse import SSEError, aconnect_sse, connect_sse
except ImportError as error:
    raise ImportError(
        "dynamo.subscribe needs httpx and httpx-sse: pip install 'django-dynamo-registry[client]'"
    ) from error

from dynamo.client.events import StreamEvent
from dynamo.client.following import Following, Lost

ERRORS: Final = (httpx.TransportError, SSEError, Lost)
CONNECT_SECONDS: Final = 10.0


class Subscription:
    """Schema events, for `for` and for `async for`. Iterating again goes on where it was left."""

    def __init__(self, following: Following, quiet: float) -> None:
        self._following = following
        self._timeout = httpx.Timeout(CONNECT_SECONDS, read=quiet)

    @property
    def position(self) -> int | None:
        """How far it has come; None until it is connected for the first time without a position."""
        return self._following.after

    def __iter__(self) -> Iterator[StreamEvent]:
        with httpx.Client(timeout=self._timeout) as client:
            while True:
                try:
                    yield from self._events(client)
                except ERRORS as error:
                    time.sleep(self._following.pause(error))

    async def __aiter__(self) -> AsyncGenerator[StreamEvent, None]:
        async with httpx.AsyncClient(timeout=self._timeout) as client:
            while True:
                try:
                    async with aclosing(self._aevents(client)) as events:
                        async for event in events:
                            yield event
                except ERRORS as error:
                    await asyncio.sleep(self._following.pause(error))

    def _events(self, client: httpx.Client) -> Iterator[StreamEvent]:
        following = self._following
        with connect_sse(client, "GET", following.url, **self._request()) as source:
            if source.response.status_code != 200:
                source.response.read()
            following.answered(*_beginning(source.response))
            for message in source.iter_sse():
                for event in following.take(message):
                    yield event
                    following.done()
        raise Lost("the server closed the connection")

    async def _aevents(self, client: httpx.AsyncClient) -> AsyncGenerator[StreamEvent, None]:
        following = self._following
        async with aconnect_sse(client, "GET", following.url, **self._request()) as source:
            if source.response.status_code != 200:
                await source.response.aread()
            following.answered(*_beginning(source.response))
            async with aclosing(source.aiter_sse()) as messages:
                async for message in messages:
                    for event in following.take(message):
                        yield event
                        following.done()
        raise Lost("the server closed the connection")

    def _request(self) -> dict[str, Any]:
        return {"params": self._following.parameters(), "headers": self._following.headers()}


def _beginning(response: httpx.Response) -> tuple[int, str, str]:
    """Status, content type, and the text where it is no stream."""
    text = "" if response.status_code == 200 else response.text
    return response.status_code, response.headers.get("content-type", ""), text
