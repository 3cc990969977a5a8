"""The log as an endless iterator, for commands and workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

from events import store
from events.exceptions import DynamoError
from events.types import Recorded
from projections import conf
from projections.stream.wakes import listening

PAGE: Final = 500


def follow(after: int) -> Iterator[Recorded]:
    """Yield the events after a position in order, then new ones as they are committed, until closed.

    Raises DynamoError when the log ends before that position, as after a flush or a restored backup.
    """
    using = conf.database()
    woken = threading.Event()
    with listening(woken.set):
        while True:
            woken.clear()
            # No further than the tables have come: what they cannot follow is taken back.
            page = list(store.read(using, after=after, upto=store.shown(using).position, limit=PAGE))
            for recorded in page:
                after = recorded.position
                yield recorded
            if not page:
                _expect(using, after)
                woken.wait(conf.get("DYNAMO_STREAM_POLL_SECONDS"))


def _expect(using: str, position: int) -> None:
    head = store.head(using).position
    if head < position:
        raise DynamoError(
            f"the log ends at position {head}, before {position}: it was reset or restored; follow it anew",
            position=position,
            head=head,
        )
