"""The middleware: each request begins with the committed schema and says who acts in it.

A page that another process changed a table under is made once more, if it only reads.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dynamo import actors, staleness
from dynamo.context import acting
from projections import conf, pipeline

logger = logging.getLogger("dynamo")

READING: Final = frozenset({"GET", "HEAD"})
# Where a request keeps what was known when it began.
LOOK: Final = "_dynamo_look"
# Addresses with people before them, not programs.
PAGES: Final = frozenset({"admin", "dynamo"})
CORRELATION_HEADER = "X-Request-ID"


class DynamoMiddleware:
    """Works under WSGI and ASGI; put it after the authentication middleware."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self.get_response):
            return self._async(request)
        pipeline.follow()
        with _origin(request):
            for left in _attempts(request):
                look = _look(request)
                response: HttpResponseBase = self.get_response(request)
                if not left or not look.misled():
                    break
            return response

    async def _async(self, request: HttpRequest) -> HttpResponseBase:
        await sync_to_async(pipeline.follow)()
        with _origin(request):
            for left in _attempts(request):
                look = _look(request)
                response: HttpResponseBase = await self.get_response(request)
                if not left or not await sync_to_async(look.misled)():
                    break
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> Any:
        """Read again what a table changed under; any other request begins with the new schema next time."""
        look = getattr(request, LOOK, None)
        if look is None or not look.failed_behind(exception) or request.method not in READING:
            return None
        match = request.resolver_match
        if match is None or iscoroutinefunction(match.func):
            return None
        if connections[conf.database()].settings_dict["ATOMIC_REQUESTS"]:
            return None
        logger.info("%s was read again, because a table had changed: %s", request.path, exception)
        response = staleness.retry_read(match.func)(request, *match.args, **match.kwargs)
        return response.render() if hasattr(response, "render") else response


def _attempts(request: HttpRequest) -> range:
    """How often a request may be made again, down to 0: what it has changed stays changed."""
    return range(staleness.ATTEMPTS if request.method in READING else 0, -1, -1)


def _look(request: HttpRequest) -> staleness.Look:
    look = staleness.Look()
    setattr(request, LOOK, look)
    return look


def _origin(request: HttpRequest) -> Any:
    given = request.headers.get(CORRELATION_HEADER, "")
    correlation = given if given and given.isascii() and given.isprintable() else str(uuid.uuid4())
    return acting(
        actor=partial(actor, request),
        source=partial(source, request),
        correlation_id=correlation,
    )


def actor(request: HttpRequest) -> str:
    """The user's key as an opaque id; asked only when something is recorded."""
    user = getattr(request, "user", None)
    return actors.of(user) if user is not None and user.is_authenticated else ""


def source(request: HttpRequest) -> str:
    """Pages of any admin site count as admin, and so do Dynamo's own; known once the URL was resolved."""
    match = request.resolver_match
    return "admin" if match is not None and not PAGES.isdisjoint(match.app_names) else "api"
