"""The step journal: what accepted changes still need on a database whose schema statements commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connections

from events.models import Step
from events.schema import canonical
from events.statements import inserts, run

PENDING, DONE, UNDO = Step.PENDING, Step.DONE, Step.UNDO


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step as JSON data, with what it takes to do it and to take it back."""

    id: int
    payload: dict[str, Any]
    state: str


def write(using: str, payloads: Iterable[dict[str, Any]]) -> None:
    """Note what has to be done, in the transaction that accepts the events."""
    rows = [(canonical(payload), PENDING) for payload in payloads]
    run(using, inserts(using, Step, ("payload", "state"), rows))


def is_empty(using: str) -> bool:
    """Asked before every change, so by a plain statement."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM dynamo_events_step LIMIT 1", None)
        return cursor.fetchone() is None


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
    run(using, [("DELETE FROM dynamo_events_step", [])])
