"""The DDL projector: run the steps of a transition, at once or through the step journal."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias

from django.db import DatabaseError

from events import journal
from events.diff import Handling
from events.journal import Entry
from events.schema import FieldSchema, freeze, thaw
from projections.ddl import engine, facts, planning, writing
from projections.ddl.physical import Lookup
from projections.ddl.steps import Step, Values
from projections.transition import Transition

Payload: TypeAlias = dict[str, Any]

ATTEMPTS: Final = 3


def project(transition: Transition, using: str) -> list[Payload]:
    """Bring the tables up to a transition, or note in the journal what that takes and return it."""
    steps = planning.plan(transition)
    if not steps:
        return []
    lookup = planning.lookup(transition)
    if engine.transactional(using):
        _run(steps, using, lookup)
        return []
    noted = list(payloads(steps, using, lookup))
    journal.write(using, noted)
    return noted


def payloads(steps: list[Step], using: str, lookup: Lookup) -> Iterator[Payload]:
    """The steps as they stand in the journal."""
    used = engine.dialect(using, lookup)
    for step in steps:
        if isinstance(step, Values):
            yield {"values": _as_json(step)}
            continue
        for statement in used.statements(step):
            yield {"sql": statement.sql, "holds": statement.holds, "undo": statement.undo}


def take(payload: Payload, using: str, lookup: Lookup) -> None:
    """Do one step that was just noted."""
    _patiently(partial(_do, payload, using, lookup))


def resume(using: str, lookup: Lookup, *, unsure: bool) -> None:
    """Do what the journal says, in order. `unsure`: the first step may have been done before a crash."""
    left = [entry for entry in journal.entries(using) if entry.state == journal.PENDING]
    for number, entry in enumerate(left):
        if not (unsure and number == 0 and _is_done(entry, using)):
            take(entry.payload, using, lookup)
        if number < len(left) - 1:
            journal.done(using, entry)


def dropped(using: str) -> bool:
    """Whether something was done that has no way back."""
    done = (e.payload for e in journal.entries(using) if e.state == journal.DONE)
    return any("sql" in payload and not payload["undo"] for payload in done)


def turn_back(using: str) -> None:
    """Say in the journal that what was done is taken back; the first step not noted may be done too."""
    left = [entry for entry in journal.entries(using) if entry.state == journal.PENDING]
    if left and ("values" in left[0].payload or not left[0].payload["holds"] or _is_done(left[0], using)):
        journal.done(using, left[0])
    journal.turn_back(using)


def undo(using: str, lookup: Lookup) -> None:
    """Take back what was done, the last step first; of a crash the first one may be taken back already."""
    for entry in reversed(journal.entries(using)):
        if "values" in entry.payload:
            writing.take_back(_from_json(entry.payload["values"]), using, lookup)
        elif not facts.hold_not(using, entry.payload["holds"]):
            _patiently(partial(engine.run, using, entry.payload["undo"]))
        journal.undone(using, entry)


def _run(steps: list[Step], using: str, lookup: Lookup) -> None:
    used = engine.dialect(using, lookup)
    settle = True
    for step in steps:
        if isinstance(step, Values):
            writing.write(step, using, lookup)
            settle = True
            continue
        for statement in used.statements(step):
            engine.run(using, statement.sql, settle=settle)
            settle = False
    engine.check_references(using, used)


def _is_done(entry: Entry, using: str) -> bool:
    return facts.hold(using, entry.payload.get("holds", ()))


def _patiently(act: Callable[[], None]) -> None:
    """Try again where a lock was not free in time; nobody else may write the schema meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            act()
        except DatabaseError as error:
            if attempt == ATTEMPTS or not engine.is_locked(error):
                raise
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311  # spreads waiters, no secret
        else:
            return


def _do(payload: Payload, using: str, lookup: Lookup) -> None:
    if "sql" in payload:
        engine.run(using, payload["sql"])
    else:
        writing.write(_from_json(payload["values"]), using, lookup)


def _as_json(step: Values) -> dict[str, Any]:
    said = step.said
    return {
        "kind": step.kind,
        "schema_id": step.schema_id,
        "table": step.table,
        "column": thaw(step.column.attributes()),
        "source": None if step.source is None else thaw(step.source.attributes()),
        "said": [said.backfill, said.on_error, said.error_value],
        "path": thaw(step.path),
    }


def _from_json(data: dict[str, Any]) -> Values:
    backfill, on_error, error_value = data["said"]
    return Values(
        kind=data["kind"],
        schema_id=data["schema_id"],
        table=data["table"],
        column=FieldSchema(**data["column"]),
        source=None if data["source"] is None else FieldSchema(**data["source"]),
        said=Handling(backfill=backfill, on_error=on_error, error_value=error_value),
        path=freeze(data.get("path", ())),
    )
