"""The least that a server of streams can be: Starlette, a queue per reader, no log, no rights."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

queues: set[asyncio.Queue[bytes]] = set()


async def events(request: Request) -> StreamingResponse:
    return StreamingResponse(frames(), media_type="text/event-stream")


async def frames() -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.add(queue)
    try:
        yield b"event: stream-open\nid: 0\ndata: {}\n\n"
        while True:
            yield await queue.get()
    finally:
        queues.discard(queue)


async def change(request: Request) -> Response:
    """Send what was posted to all readers. Answers with the moment of that, by the clock of the machine."""
    frame = await request.body()
    sent = time.perf_counter()
    for queue in queues:
        queue.put_nowait(frame)
    return Response(repr(sent))


application = Starlette(
    routes=[Route("/dynamo/events/", events), Route("/change/", change, methods=["POST"])]
)
