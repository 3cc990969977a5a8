"""What a reader asks for: a channel, and the position after which to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from django_eventstream.eventrequest import EventRequest

from projections.stream.channels import Channels

PARAMETER: Final = "from"
HEADER: Final = "Last-Event-ID"
MAX_DIGITS: Final = 18


class PositionRequest(EventRequest):  # type: ignore[misc]  # django-eventstream has no types
    """django-eventstream's request, for ids that are positions of the log.

    Its other parameters (`es-meta`, `link`, `recover`, `lastEventId`) let a client choose a user and its
    channels, or fail late, so every parameter but `from` is refused. Raises EventRequest.Error.
    """

    channel: str
    position: int | None

    def apply_http_request(
        self, http_request: HttpRequest, channel_limit: int, view_kwargs: Mapping[str, Any]
    ) -> None:
        self.channels = Channels().get_channels_for_request(http_request, view_kwargs)
        (self.channel,) = self.channels
        self.position = asked_position(http_request)
        if self.position is not None:
            self.channel_last_ids = {self.channel: str(self.position)}
        self.is_next = False
        self.is_recover = False
        # Lazy still: reading it takes the database, so it is a thread's work.
        self.user = getattr(http_request, "user", None)


def asked_position(request: HttpRequest) -> int | None:
    """The position to go on from; the header is newer than the address, so it wins."""
    for name in request.GET:
        if name != PARAMETER:
            raise EventRequest.Error(f"unknown parameter {name[:40]!r}; the only one is {PARAMETER!r}")
    values = request.GET.getlist(PARAMETER)
    if len(values) > 1:
        raise EventRequest.Error(f"{PARAMETER!r} is given more than once")
    given = [position(PARAMETER, value) for value in values]
    last = request.META.get("HTTP_LAST_EVENT_ID")
    if last is not None:
        given = [position(HEADER, last)]
    return given[0] if given else None


def position(source: str, text: str) -> int:
    """Read a position strictly: int() also takes signs, spaces, underscores and other scripts' digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise EventRequest.Error(
            f"{source} must be a position: at most {MAX_DIGITS} digits, 0 for all history"
        )
    return int(text)
