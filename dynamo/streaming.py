"""What the subcommands about the stream do: follow it, here or from another server, and let others follow."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model

from dynamo import documents, wording
from dynamo.operations import Tell
from events.exceptions import DynamoError, ModelNotFound
from projections import stream
from projections.stream.tokens import stream_token

if TYPE_CHECKING:
    from dynamo.client import StreamEvent

# Arguments of a process can be read by others.
VARIABLE: Final = "DYNAMO_STREAM_TOKEN"


def tail(tell: Tell, options: dict[str, Any]) -> bool:
    """Print events until interrupted, or told to end."""
    for name in ("token_file", "place"):
        if options[name] and not options["url"]:
            raise DynamoError(
                f"--{name.replace('_', '-')} is for the stream of another server; name it with --url"
            )
    with suppress(KeyboardInterrupt), _ended_by(signal.SIGTERM):
        if options["url"]:
            _tail_another(tell, options)
        else:
            _tail_here(tell, options["after"] or 0)
    return True


def token(tell: Tell, options: dict[str, Any]) -> bool:
    """Print a token by which a service follows as a user."""
    users: Any = get_user_model()
    name = options["user"]
    try:
        user = users._default_manager.get_by_natural_key(name)
        made = stream_token(user, seconds=options["seconds"])
    except users.DoesNotExist:
        raise ModelNotFound(f"there is no user {name!r}", user=name) from None
    except ValueError as error:
        raise DynamoError(str(error)) from error
    tell({"token": made, "user": name, "seconds": options["seconds"]}, made)
    return True


@contextmanager
def _ended_by(number: signal.Signals) -> Iterator[None]:
    """Have a signal interrupt as Ctrl-C does, which what runs in the background may not see."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, former)


def _tail_here(tell: Tell, after: int) -> None:
    narrator = wording.Narrator(after)
    for recorded in stream.follow(after):
        tell(documents.event(recorded), narrator.sentence(recorded))


def _tail_another(tell: Tell, options: dict[str, Any]) -> None:
    """Events of another server, in the words that they have themselves: the rest only that server knows."""
    # Its packages are an extra, and not needed for a stream of one's own.
    try:
        from dynamo.client import subscribe
    except ImportError as error:
        raise DynamoError(str(error)) from error
    given = os.environ.get(VARIABLE) if options["token_file"] is None else _read(options["token_file"])
    try:
        followed = subscribe(options["url"], token=given, after=options["after"], place=options["place"])
    except ValueError as error:
        raise DynamoError(str(error)) from error
    for event in followed:
        tell({**asdict(event), "recorded_at": event.recorded_at.isoformat()}, _words(event))


def _words(event: StreamEvent) -> str:
    what = ".".join(filter(None, [event.model, event.field])) or "registry"
    who = ", ".join(filter(None, [event.actor, event.source]))
    return f"{event.position} {event.recorded_at:%Y-%m-%d %H:%M:%S} {event.type} {what} ({who})"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise DynamoError(f"{path} cannot be read: {error.strerror}") from error
