"""Who reads: checked when a stream is opened, and again as long as it is open, with the user read anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import SESSION_KEY, get_user, get_user_model
from django.http import HttpRequest

from events import store
from projections import conf, pipeline
from projections.stream.channels import EVERYTHING, may_read, stream_of
from projections.stream.request import PositionRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an admitted reader starts. `stream_id` is the model it follows, None for everything.

    `reset` says that the reader asked for a position beyond the head.
    """

    stream_id: str | None
    position: int
    reset: bool


def admit(request: HttpRequest, asked: PositionRequest) -> Place | None:
    """The place of a reader who may read what it asks for; None if it may not, or there is no such model."""
    user = reader(request)
    if user is None:
        return None
    stream_id = None if asked.channel == EVERYTHING else stream_of(asked.channel, asked.position)
    if asked.channel != EVERYTHING and stream_id is None:
        return None
    if not may_read(user, stream_id):
        return None
    head = store.head(conf.database()).position
    position = head if asked.position is None else min(asked.position, head)
    return Place(stream_id=stream_id, position=position, reset=(asked.position or 0) > head)


def still_admitted(request: HttpRequest, place: Place) -> bool:
    # A model's permission has the model's present name in it.
    pipeline.catch_up()
    return may_read(reader(request), place.stream_id)


def reader(request: HttpRequest) -> Any:
    """The request's user as the database has it now; None if anonymous, inactive, gone or logged out."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    found = _by_session(request) if _in_session(request, user) else _by_key(user)
    return found if found is not None and found.is_authenticated and found.is_active else None


def _in_session(request: HttpRequest, user: Any) -> bool:
    """Whether the user comes from the session, and not from a token or another middleware."""
    session: Any = getattr(request, "session", None)
    return session is not None and session.get(SESSION_KEY) == user._meta.pk.value_to_string(user)


def _by_session(request: HttpRequest) -> Any:
    """Load the session again too: it ends by logging out, and by changing the password."""
    session: Any = request.session
    again = HttpRequest()
    again.session = type(session)(session.session_key)
    return get_user(again)


def _by_key(user: Any) -> Any:
    return get_user_model()._default_manager.filter(pk=user.pk).first()
