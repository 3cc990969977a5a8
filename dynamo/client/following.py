"""What a subscriber asks, and what it makes of the answers. Nothing is sent or awaited here."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Final, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from dynamo.client.events import StreamEvent
from dynamo.client.places import Place
from events.exceptions import StreamRefused, StreamReset

Token: TypeAlias = str | Callable[[], str]

# What may be answered otherwise a moment later.
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
FROM: Final = "from"
# More than any position has; Python refuses to read some thousands.
DIGITS: Final = 18
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

logger = logging.getLogger("dynamo.client")
_random: Final = SystemRandom()


class Message(Protocol):
    """What the parser gives for each frame."""

    @property
    def event(self) -> str: ...
    @property
    def data(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def retry(self) -> int | None: ...


class Lost(Exception):
    """The connection is of no use any more; wait and connect again."""


@dataclass(slots=True, kw_only=True)
class Following:
    """How far a subscriber has come. `after` is the last position it was given, or knows to be behind it."""

    url: str
    token: Token | None
    place: Place
    models: tuple[str, ...]
    kinds: tuple[str, ...]
    after: int | None = field(init=False)
    # What the place holds.
    saved: int | None = field(init=False)
    # Milliseconds, as the server wants it.
    retry: int | None = None
    failures: int = 0

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise ValueError(
                f"{self.url!r} is no address of a stream; give one such as https://example.org/dynamo/events/"
            )
        self.after = self.saved = self.place.load()
        if self.after is None:
            # Only where to begin; a connection that is lost goes on from where it was.
            begin = dict(self._own()).get(FROM, "")
            self.after = int(begin) if begin.isascii() and begin.isdecimal() and len(begin) < DIGITS else None

    def parameters(self) -> list[tuple[str, str]]:
        """The address's own, as the live page gives them, and what was asked for besides."""
        own = [pair for pair in self._own() if pair[0] != FROM or self.after is None]
        asked = [*(("model", label) for label in self.models), *(("kind", kind) for kind in self.kinds)]
        return [*own, *asked]

    def _own(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    def headers(self) -> dict[str, str]:
        """Headers of the next connection; a token that is got by a function is got anew."""
        found = {} if self.after is None else {"Last-Event-ID": str(self.after)}
        token = self.token() if callable(self.token) else self.token
        return {**found, "Authorization": f"Bearer {token}"} if token else found

    def answered(self, status: int, content_type: str, text: str) -> None:
        """Judge an answer by its beginning. Raises Lost or StreamRefused unless it is a stream."""
        if status == 200 and content_type.partition(";")[0].strip() == "text/event-stream":
            return
        said = f"{self.url} answers {status}: {text.strip()[:500]}"
        if status in BUSY:
            raise Lost(said)
        hint = "" if status != 200 else " It is no stream; the address may be wrong."
        raise StreamRefused(f"{said}{hint}", status=status, text=text)

    def pause(self, error: Exception) -> float:
        """Seconds to wait before connecting again, longer after each failure and never the same for all."""
        if self.failures == 0 and self.retry is not None:
            seconds = self.retry / 1000
        else:
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.failures, 10))
            seconds = longest * _random.uniform(0.5, 1.0)
        self.failures += 1
        logger.warning(
            "no stream from %s: %s; connecting again in %.1f s", self.url, str(error) or repr(error), seconds
        )
        return seconds

    def take(self, message: Message) -> Iterator[StreamEvent]:
        """Take a frame in; gives the event that it is, if it is one that is new."""
        if message.retry is not None:
            self.retry = message.retry
        if not message.event or not message.data:
            return
        if not (message.id.isascii() and message.id.isdigit()):
            said = f"{self.url} sends a frame without a position; it is no stream of Dynamo"
            raise StreamRefused(said, status=200, text=message.data)
        self.failures = 0
        position = int(message.id)
        if message.event == "stream-error":
            # Whether it is for good is told by the answer to the next connection.
            raise Lost(json.loads(message.data)["text"])
        if message.event == "stream-reset":
            raise StreamReset(
                f"the log ends at position {position}, before {self.after}: it was reset or restored from a "
                f"backup. What was made of later events is not true any more; subscribe with "
                f"after={position} to go on from there, or after=0 to begin anew",
                position=position,
                after=self.after,
            )
        if message.event in {"stream-open", "keep-alive"}:
            self._passed(position)
        elif self.after is None or position > self.after:
            self.after = position
            yield StreamEvent.of(message.event, message.data)

    def done(self) -> None:
        """Everything up to `after` is done with."""
        if self.after is not None and self.after != self.saved:
            self.place.save(self.after)
            self.saved = self.after

    def _passed(self, position: int) -> None:
        """What is behind is of no concern to this subscriber, and need not be sent again."""
        if self.after is None or position > self.after:
            self.after = position
            self.done()


def _is_address(url: str) -> bool:
    """Whether waiting could help: nothing will ever answer at anything but http or https with a host."""
    try:
        parts = urlsplit(url)
        # What is no port is found out when it is asked for.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
