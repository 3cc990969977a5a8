"""The DDL projector: run the steps of a transition, at once or through the step journal."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any, Final

from django.db import DatabaseError

from events import journal
from events.diff import Handling
from events.journal import Entry
from events.schema import FieldSchema, ModelSchema, thaw
from projections.ddl import engine, facts, planning, values
from projections.ddl.mysql import MySQL
from projections.ddl.physical import Lookup
from projections.ddl.steps import Step, Values
from projections.transition import Transition

ATTEMPTS: Final = 3


def project(transition: Transition, using: str) -> bool:
    """Bring the tables up to a transition, or note in the journal what that takes and return True."""
    steps = planning.plan(transition)
    if not steps:
        return False
    lookup = _lookup(transition)
    if engine.transactional(using):
        _run(steps, using, lookup)
        return False
    journal.write(using, transition.end.position, entries(steps, using, lookup))
    return True


def entries(steps: list[Step], using: str, lookup: Lookup, *, careful: bool = False) -> Iterator[Entry]:
    """The steps as they stand in the journal; careful ones are taken apart, so that each can be looked at."""
    used = engine.dialect(using, lookup)
    assert isinstance(used, MySQL)
    used.single = careful
    for step in steps:
        if isinstance(step, Values):
            yield Entry(payload={"values": _as_json(step)}, careful=careful)
            continue
        for statement in used.statements(step):
            yield Entry(payload={"sql": statement.sql, "holds": statement.holds}, careful=careful)


def resume(using: str, lookup: Lookup, *, unsure: bool) -> None:
    """Do what the journal says, in order. `unsure`: the first step may have been done before a crash."""
    pending = journal.pending(using)
    for number, entry in enumerate(pending):
        look = entry.careful or (unsure and number == 0)
        if not (look and facts.hold(using, entry.payload.get("holds", ()))):
            _patiently(entry, using, lookup)
        if number < len(pending) - 1:
            journal.done(using, entry)


def _run(steps: list[Step], using: str, lookup: Lookup) -> None:
    used = engine.dialect(using, lookup)
    settle = True
    for step in steps:
        if isinstance(step, Values):
            values.write(step, using, lookup)
            settle = True
            continue
        for statement in used.statements(step):
            engine.run(using, statement.sql, settle=settle)
            settle = False
    engine.check_references(using, used)


def _patiently(entry: Entry, using: str, lookup: Lookup) -> None:
    """Try again where a lock was not free in time; nobody else may write the schema meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _do(entry.payload, using, lookup)
        except DatabaseError as error:
            if attempt == ATTEMPTS or not engine.is_locked(error):
                raise
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311  # spreads waiters, no secret
        else:
            return


def _do(payload: dict[str, Any], using: str, lookup: Lookup) -> None:
    if "sql" in payload:
        engine.run(using, payload["sql"])
    else:
        values.write(_from_json(payload["values"]), using, lookup)


def _lookup(transition: Transition) -> Lookup:
    """Models as they are meant to be; for what is gone, as they were."""

    def find(model_id: str) -> ModelSchema | None:
        return transition.after(model_id) or transition.before(model_id)

    return find


def _as_json(step: Values) -> dict[str, Any]:
    said = step.said
    return {
        "kind": step.kind,
        "schema_id": step.schema_id,
        "table": step.table,
        "column": thaw(step.column.attributes()),
        "source": None if step.source is None else thaw(step.source.attributes()),
        "said": [said.backfill, said.on_error, said.error_value],
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
    )
