"""The strictest policy on every page: the browser then reports what is inline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamo.live import content_security_policy


class StrictPolicy:
    """Middleware of the served project."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", content_security_policy())
        return response
