"""The live page, which shows schema events as they come, and the events for servers that cannot stream."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_eventstream.eventrequest import EventRequest

from events import store
from events.types import BY_NAME
from projections import conf
from projections.signals import frame_name
from projections.stream import polling
from projections.stream.access import Refused
from projections.stream.channels import may_read, streams_of
from projections.stream.request import KIND, KINDS, MODEL
from projections.stream.view import events

KEPT: Final = 200


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Show schema events from now on, all or those of one model or kind; for those who may follow these."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    given = {name: request.GET.get(name, "").strip() for name in (MODEL, KIND)}
    stream_ids = streams_of((given[MODEL],)) if given[MODEL] else None
    if not may_read(request.user, stream_ids):
        raise PermissionDenied
    known = {MODEL: stream_ids is not None, KIND: given[KIND] in KINDS}
    wanted = {name: value for name, value in given.items() if value and known[name]}
    query = f"?{urlencode(wanted)}" if wanted else ""
    followed = following(request, query)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        **followed,
        "title": _("Live schema events"),
        "kept": KEPT,
        "given": given,
        "problems": [
            _("%(name)s is not there, and was left out.") % {"name": value}
            for name, value in given.items()
            if value and not known[name]
        ],
        "kinds": sorted({frame_name(type_name) for type_name in BY_NAME}),
        "address": request.build_absolute_uri(followed["stream"]),
        "module": request.build_absolute_uri(static("dynamo/stream.js")),
    }
    response = render(request, "dynamo/live.html", context)
    response.headers["Content-Security-Policy"] = content_security_policy()
    return response


def following(request: HttpRequest, query: str = "") -> dict[str, Any]:
    """Where a page's module finds what is recorded from now on."""
    return {
        "stream": f"{reverse('dynamo:events')}{query}",
        "polled": f"{reverse('dynamo:recent-events')}{query}",
        "mode": "poll" if isinstance(request, WSGIRequest) else "stream",
        "seconds": f"{max(1.0, conf.get('DYNAMO_STREAM_POLL_SECONDS')):g}",
        # From the head as it is now: what happens before the page has connected is not lost.
        "head": store.head(conf.database()).position,
    }


@never_cache
@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """What came after `?from=`, as one JSON document, with the rights and parameters of the stream."""
    try:
        found = polling.page(request)
    except EventRequest.Error as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
    except Refused as refused:
        return HttpResponse(refused.text, status=refused.status, content_type="text/plain; charset=utf-8")
    return HttpResponse(found, content_type="application/json")


def content_security_policy() -> str:
    """Nothing inline, nothing from elsewhere, except where the project's static files are."""
    url = urlsplit(static("dynamo/live.js"))
    home = f"'self' {url.scheme or 'https'}://{url.netloc}" if url.netloc else "'self'"
    rules = {
        "default-src": "'none'",
        "script-src": home,
        "style-src": home,
        "img-src": f"{home} data:",
        "font-src": home,
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


__all__ = ["events", "live", "recent"]
