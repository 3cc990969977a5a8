"""What a reader asks for: channels, the kinds of events, and the position after which to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from django_eventstream.eventrequest import EventRequest

from events.types import BY_NAME
from projections.signals import frame_name
from projections.stream.channels import EVERYTHING, Channels

FROM: Final = "from"
MODEL: Final = "model"
KIND: Final = "kind"
HEADER: Final = "Last-Event-ID"
MAX_DIGITS: Final = 18
MAX_MODELS: Final = 50

# What `kind` may be: an event's type, or the signal that its frame is named after.
KINDS: Final = frozenset(BY_NAME) | {frame_name(type_name) for type_name in BY_NAME}


class PositionRequest(EventRequest):  # type: ignore[misc]  # django-eventstream has no types
    """django-eventstream's request, for ids that are positions of the log.

    Its other parameters (`es-meta`, `link`, `recover`, `lastEventId`) let a client choose a user and its
    channels, or fail late, so every parameter but ours is refused. Raises EventRequest.Error.
    """

    channels: set[str]
    kinds: frozenset[str]
    position: int | None

    def apply_http_request(
        self, http_request: HttpRequest, channel_limit: int, view_kwargs: Mapping[str, Any]
    ) -> None:
        _only_ours(http_request, in_path=bool(view_kwargs.get("label")))
        self.channels = Channels().get_channels_for_request(http_request, view_kwargs)
        if len(self.channels) > MAX_MODELS:
            raise EventRequest.Error(f"at most {MAX_MODELS} models can be followed in one stream")
        self.kinds = asked_kinds(http_request)
        self.position = asked_position(http_request)
        last = {} if self.position is None else dict.fromkeys(self.channels, str(self.position))
        self.channel_last_ids = last
        self.is_next = False
        self.is_recover = False
        # Lazy still: reading it takes the database, so it is a thread's work.
        self.user = getattr(http_request, "user", None)

    @property
    def everything(self) -> bool:
        return EVERYTHING in self.channels


def asked_kinds(request: HttpRequest) -> frozenset[str]:
    """The kinds that are asked for; none means all."""
    kinds = frozenset(request.GET.getlist(KIND))
    for kind in kinds - KINDS:
        raise EventRequest.Error(
            f"unknown {KIND} {kind[:40]!r}; kinds are types such as field.added, "
            "or signals such as post_field_creation"
        )
    return kinds


def asked_position(request: HttpRequest) -> int | None:
    """The position to go on from; the header is newer than the address, so it wins."""
    values = request.GET.getlist(FROM)
    if len(values) > 1:
        raise EventRequest.Error(f"{FROM!r} is given more than once")
    given = [position(FROM, value) for value in values]
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


def _only_ours(request: HttpRequest, *, in_path: bool) -> None:
    allowed = (FROM, KIND) if in_path else (FROM, MODEL, KIND)
    for name in request.GET:
        if name not in allowed:
            raise EventRequest.Error(f"unknown parameter {name[:40]!r}; there are {', '.join(allowed)}")
