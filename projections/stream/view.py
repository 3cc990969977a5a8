"""The stream's view: plain status codes and texts for what is refused, frames for the rest."""

from __future__ import annotations

import weakref
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

from projections.stream.access import Refused, admit
from projections.stream.limits import Full, Slot
from projections.stream.reader import stream
from projections.stream.request import PositionRequest
from projections.stream.threads import in_thread

NEEDS_ASGI: Final = (
    "The stream needs an ASGI server such as uvicorn; this request came through WSGI, which would hold a "
    "worker for every reader.\n"
)


class EventStream(StreamingHttpResponse):
    """Frames of a generator that is closed with the response; Django leaves that to the collector."""

    def __init__(self, frames: AsyncGenerator[bytes, None], slot: Slot, **options: Any) -> None:
        super().__init__(frames, content_type="text/event-stream", **options)
        self._frames = frames
        # A reader may go before the first frame is asked for; the generator does not even begin then.
        weakref.finalize(self, slot.release)

    def __aiter__(self) -> AsyncIterator[bytes]:
        # By themselves the frames take no detour.
        return self._frames if vars(self)["_iterator"] is self._frames else self._wrapped()

    async def _wrapped(self) -> AsyncGenerator[bytes, None]:
        """What a middleware put around the frames."""
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
    """Stream all schema events, or those of one model, "app.Name"; `?model=` asks for several."""
    if request.method != "GET":
        return _refused(405, "The stream is read with GET.\n", allow="GET")
    if isinstance(request, WSGIRequest):
        return _refused(503, NEEDS_ASGI)
    try:
        asked = PositionRequest(request, view_kwargs={"label": label})
        place = await in_thread(admit, request, asked)
        slot = Slot(place.user, request.META.get("REMOTE_ADDR", ""))
    except EventRequest.Error as error:
        return _refused(400, f"{error}\n")
    except Refused as refused:
        asks = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
        return _refused(refused.status, refused.text, **asks)
    except Full as error:
        return _refused(503, str(error), **{"Retry-After": "5"})
    # nginx and others would else collect frames until a buffer is full.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventStream(stream(place, slot), slot, headers=headers)


def _refused(status: int, text: str, **headers: str) -> HttpResponse:
    content_type = "text/plain; charset=utf-8"
    given = {"Cache-Control": "no-store", **headers}
    return HttpResponse(text, status=status, content_type=content_type, headers=given)
