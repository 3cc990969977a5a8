"""The step journal: what accepted changes still need on a database whose schema statements commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from events.models import Step
from events.schema import canonical

PENDING, UNDO = Step.PENDING, Step.UNDO


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step as JSON data, with what it takes to do it and to take it back."""

    id: int
    payload: dict[str, Any]
    state: str


def write(using: str, payloads: Iterable[dict[str, Any]]) -> None:
    """Note what has to be done, in the transaction that accepts the events."""
    Step.objects.using(using).bulk_create([Step(payload=canonical(payload)) for payload in payloads])


def entries(using: str) -> list[Entry]:
    """All steps that are not settled, in the order in which they are done."""
    rows = Step.objects.using(using).values_list("id", "payload", "state")
    return [Entry(id=row[0], payload=orjson.loads(bytes(row[1])), state=row[2]) for row in rows]


def done(using: str, entry: Entry) -> None:
    Step.objects.using(using).filter(pk=entry.id).update(state=Step.DONE)


def turn_back(using: str) -> None:
    """From here on what was done is taken back, and what was not done is not done any more."""
    Step.objects.using(using).filter(state=Step.PENDING).delete()
    Step.objects.using(using).filter(state=Step.DONE).update(state=Step.UNDO)


def undone(using: str, entry: Entry) -> None:
    Step.objects.using(using).filter(pk=entry.id).delete()


def clear(using: str) -> None:
    Step.objects.using(using).all().delete()
