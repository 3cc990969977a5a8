"""The step journal: what an accepted change still needs on a database whose schema statements commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from events.models import Step
from events.schema import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step as JSON data; `careful` ones may be done already."""

    payload: dict[str, Any]
    careful: bool = False
    id: int = 0


def write(using: str, position: int, entries: Iterable[Entry]) -> None:
    """Note what has to be done for the events up to a position, in the transaction that accepts them."""
    rows = [Step(position=position, payload=canonical(e.payload), careful=e.careful) for e in entries]
    Step.objects.using(using).bulk_create(rows)


def pending(using: str) -> list[Entry]:
    """What is still to be done, in order."""
    rows = Step.objects.using(using).values_list("id", "payload", "careful")
    return [Entry(id=row[0], payload=orjson.loads(bytes(row[1])), careful=row[2]) for row in rows]


def done(using: str, entry: Entry) -> None:
    Step.objects.using(using).filter(pk=entry.id).delete()


def clear(using: str) -> None:
    """Forget all steps: they are done, or their change is taken back."""
    Step.objects.using(using).all().delete()
