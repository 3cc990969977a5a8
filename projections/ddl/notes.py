"""What a step does to those who read and write meanwhile, in one sentence for each table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from projections.ddl import steps
from projections.ddl.physical import Table
from projections.ddl.steps import Step, Values

WRITERS: Final = {
    "sqlite": "nobody else writes to the database file until the commit; readers go on in WAL mode",
    "postgresql": "nobody reads or writes {table} from here to the commit",
    "mysql": "writers of {table} wait for each of its statements",
}
BRIEF: Final = {
    "sqlite": "only the table's definition changes",
    "postgresql": "only the catalogue changes, which takes no longer with more rows",
    "mysql": "only the table's definition changes, where the server can do so at once",
}
WHOLE: Final = {
    "sqlite": "the table is made anew and its rows are copied",
    "postgresql": "every row is checked, and written anew where the type's storage differs",
    "mysql": "every row is checked, and the table copied where the server cannot change it in place",
}


def notes(planned: list[Step], vendor: str) -> Iterator[str]:
    """One note for each table that is changed, the heavier one where there are several."""
    tables: dict[str, str] = {}
    for step in planned:
        table = _table(step)
        if table is not None and (_is_heavy(step) or table not in tables):
            tables[table] = (WHOLE if _is_heavy(step) else BRIEF)[vendor]
    for table, what in tables.items():
        yield f"{table}: {what}; {WRITERS[vendor].format(table=table)}"


def _table(step: Step) -> str | None:
    if isinstance(step, Values):
        return step.table
    if isinstance(step, steps.Reshape):
        return step.after.name
    return step.new if isinstance(step, steps.Rename) else None


def _is_heavy(step: Step) -> bool:
    if isinstance(step, Values):
        return True
    if not isinstance(step, steps.Reshape):
        return False
    before, after = step.before, step.after
    if not isinstance(before, Table) or not isinstance(after, Table):
        return False
    if after.together and before.together != after.together:
        return True
    shared = ((before.columns[key], new) for key, new in after.columns.items() if key in before.columns)
    return any(
        (old.type, old.options, old.required, old.unique) != (new.type, new.options, new.required, new.unique)
        for old, new in shared
        if old is not new and not new.retired
    )
