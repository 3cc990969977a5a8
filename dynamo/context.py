"""Who acts, from where and why. A context variable: it follows requests through threads and async code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final

from events.envelope import uuid7
from events.types import Context

LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """`actor` and `source` may be functions that are asked when something is recorded."""

    actor: str | Callable[[], str] = ""
    source: str | Callable[[], str] = "code"
    reason: str = ""
    correlation_id: str = ""
    causation_id: str = ""

    def envelope(self) -> Context:
        """The envelope's part of a new change set."""
        actor = self.actor() if callable(self.actor) else self.actor
        source = self.source() if callable(self.source) else self.source
        return Context(
            batch_id=uuid7(),
            actor=_text(actor, 191),
            source=_text(source, 32),
            reason=_text(self.reason, LONGEST_REASON),
            correlation_id=_text(self.correlation_id, 64),
            causation_id=_text(self.causation_id, 64),
        )


def _text(value: object, longest: int) -> str:
    """As much of it as the log has room for, without what no database stores."""
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "")[:longest]


def because(said: Context, reason: str | None) -> Context:
    """The same with that reason, unless it has one."""
    return replace(said, reason=_text(reason, LONGEST_REASON)) if reason and not said.reason else said


def given(posted: Mapping[str, str]) -> str | None:
    """The reason that a person typed on a page; None for none."""
    return posted.get("reason", "").strip() or None


NOBODY: Final = Origin()
_origin: ContextVar[Origin] = ContextVar("dynamo_origin", default=NOBODY)


def current() -> Origin:
    return _origin.get()


@contextmanager
def acting(
    *,
    actor: str | Callable[[], str] | None = None,
    source: str | Callable[[], str] | None = None,
    reason: str | None = None,
    correlation_id: str | None = None,
    causation_id: str | None = None,
) -> Iterator[Origin]:
    """Name the origin of all changes inside the block; what is not given stays as it was."""
    given: dict[str, Any] = {
        "actor": actor,
        "source": source,
        "reason": reason,
        "correlation_id": correlation_id,
        "causation_id": causation_id,
    }
    origin = replace(current(), **{name: value for name, value in given.items() if value is not None})
    token = _origin.set(origin)
    try:
        yield origin
    finally:
        _origin.reset(token)
