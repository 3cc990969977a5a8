"""The live page, which shows schema events as they come, and the stream behind it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from events import store
from projections import conf
from projections.stream.channels import may_read
from projections.stream.view import events

KEPT: Final = 200


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Show the newest schema events; for those who may follow the stream."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not may_read(request.user):
        raise PermissionDenied
    # From the head as it is now: what happens before the page has connected is not lost.
    head = store.head(conf.database()).position
    context = {
        **admin.site.each_context(request),
        "title": "Live schema events",
        "stream": reverse("dynamo:events"),
        "head": head,
        "kept": KEPT,
    }
    response = render(request, "dynamo/live.html", context)
    response.headers["Content-Security-Policy"] = content_security_policy()
    return response


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


__all__ = ["events", "live"]
