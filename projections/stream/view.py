"""The stream's view: plain status codes and texts for what is refused, frames for the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Final

from django.contrib.auth.decorators import login_not_required
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django_eventstream.eventrequest import EventRequest

from projections.stream.access import admit
from projections.stream.reader import stream
from projections.stream.request import PositionRequest
from projections.stream.threads import in_thread

FORBIDDEN: Final = (
    "You may not follow this stream, or it does not exist. Log in as a user with the permission "
    "dynamo.follow_stream, or, for one model, with the permission to view that model.\n"
)
NEEDS_ASGI: Final = (
    "The stream needs an ASGI server such as uvicorn; this request came through WSGI, which would hold a "
    "worker for every reader.\n"
)


class EventStream(StreamingHttpResponse):
    """Frames of a generator that is closed with the response; Django leaves that to the collector."""

    def __init__(self, frames: AsyncGenerator[bytes, None], **options: Any) -> None:
        super().__init__(frames, content_type="text/event-stream", **options)
        self._frames = frames

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._frames):
            async for chunk in super().__aiter__():
                yield chunk


def plain(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let every request reach the view, so that it gives the answer: 403 and 405 instead of redirects."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return csrf_exempt(login_not_required(view))


@plain
async def events(request: HttpRequest, label: str | None = None) -> HttpResponseBase:
    """Stream all schema events, or those of the model "app.Name"."""
    if request.method != "GET":
        return _refused(405, "The stream is read with GET.\n", allow="GET")
    if isinstance(request, WSGIRequest):
        return _refused(503, NEEDS_ASGI)
    try:
        asked = PositionRequest(request, view_kwargs={"label": label})
    except EventRequest.Error as error:
        return _refused(400, f"{error}\n")
    place = await in_thread(admit, request, asked)
    if place is None:
        return _refused(403, FORBIDDEN)
    # nginx and others would else collect frames until a buffer is full.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventStream(stream(request, place), headers=headers)


def _refused(status: int, text: str, **headers: str) -> HttpResponse:
    content_type = "text/plain; charset=utf-8"
    given = {"Cache-Control": "no-store", **headers}
    return HttpResponse(text, status=status, content_type=content_type, headers=given)
