"""Who reads, and what: checked when a stream is opened, and again before anything is sent.

A reader is known by a session, by a token, or as the user that the project's own middleware found. Each is a
value that says who that is as the database has it now, however long the stream is open.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from django.contrib.auth import SESSION_KEY, get_user, get_user_model
from django.http import HttpRequest

from events import store
from projections import conf, pipeline
from projections.stream import tokens
from projections.stream.channels import may_read, streams_of
from projections.stream.frames import Frame
from projections.stream.request import PositionRequest

UNKNOWN: Final = (
    "The stream is for users who are known: log in, or send a token as the header "
    "'Authorization: Bearer dynamo_...'.\n"
)
FORBIDDEN: Final = (
    "You may not follow this stream, or it does not exist. Log in as a user with the permission "
    "dynamo.follow_stream, or, for one model, with the permission to view that model.\n"
)
NO_MORE: Final = "You may not follow this stream any more."


class Refused(Exception):
    """Why a stream is not opened: the status of the answer, and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Revoked(Exception):
    """The reader may not read any more; the text is for it."""


@dataclass(frozen=True, slots=True)
class BySession:
    """It ends by logging out, and by changing the password."""

    store: type
    key: str

    def user(self) -> Any:
        again = HttpRequest()
        again.session = self.store(self.key)
        return get_user(again)


@dataclass(frozen=True, slots=True)
class ByToken:
    token: str

    def user(self) -> Any:
        return tokens.bearer(self.token)


@dataclass(frozen=True, slots=True)
class ByKey:
    """A user of another middleware, which cannot be asked again."""

    key: Any

    def user(self) -> Any:
        return get_user_model()._default_manager.filter(pk=self.key).first()


Reader: TypeAlias = BySession | ByToken | ByKey


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may read which models; None for everything. Readers with the same one are checked together."""

    reader: Reader
    stream_ids: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an admitted reader starts, and what it is sent.

    `kinds` are types and frame names, none for all of them. `reset` says that the reader asked for a position
    beyond the head. `user` is the key of who it is, as text.
    """

    grant: Grant
    user: str
    kinds: frozenset[str]
    position: int
    reset: bool

    def takes(self, frame: Frame) -> bool:
        streams = self.grant.stream_ids
        return (streams is None or frame.stream_id in streams) and self.asks_for(frame.type, frame.name)

    def asks_for(self, type_name: str, name: str) -> bool:
        return not self.kinds or name in self.kinds or type_name in self.kinds


# None for a grant that holds, else why it does not any more.
Answers: TypeAlias = dict[Grant, str | None]


def admit(request: HttpRequest, asked: PositionRequest) -> Place:
    """The place of a reader who may read what it asks for. Raises Refused."""
    reader = reader_of(request)
    if reader is None:
        raise Refused(401, UNKNOWN)
    try:
        user: Any = reader.user()
    except tokens.BadToken as error:
        raise Refused(401, f"{error}\n") from None
    if not _known(user):
        raise Refused(401, UNKNOWN)
    stream_ids = None if asked.everything else streams_of(asked.channels, asked.position)
    if not may_read(user, stream_ids) or (stream_ids is None and not asked.everything):
        raise Refused(403, FORBIDDEN)
    head = store.head(conf.database()).position
    return Place(
        grant=Grant(reader, stream_ids),
        user=str(user.pk),
        kinds=asked.kinds,
        position=head if asked.position is None else min(asked.position, head),
        reset=(asked.position or 0) > head,
    )


def revoked(grants: Collection[Grant]) -> Answers:
    """What has become of each."""
    if any(grant.stream_ids is not None for grant in grants):
        # A model's permission has the model's present name in it.
        pipeline.catch_up()
    return {grant: _revoked(grant) for grant in grants}


def _revoked(grant: Grant) -> str | None:
    try:
        user = grant.reader.user()
    except tokens.BadToken as error:
        return str(error)
    return None if _known(user) and may_read(user, grant.stream_ids) else NO_MORE


def _known(user: Any) -> bool:
    return user is not None and bool(user.is_authenticated and user.is_active)


def reader_of(request: HttpRequest) -> Reader | None:
    """A token counts before a session: who sends one means it."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and token.startswith(tokens.PREFIX):
        return ByToken(token.strip())
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    session: Any = getattr(request, "session", None)
    if session is not None and session.get(SESSION_KEY) == user._meta.pk.value_to_string(user):
        return BySession(type(session), session.session_key)
    return ByKey(user.pk)
