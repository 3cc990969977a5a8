"""What a step does to those who read and write meanwhile, in one sentence for each table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext_lazy as _

from projections.ddl import steps
from projections.ddl.physical import Table
from projections.ddl.sqlite import INTERIM
from projections.ddl.steps import Step, Values

WRITERS: Final = {
    "sqlite": _("nobody else writes to the database file until the commit; in WAL mode readers go on"),
    "postgresql": _("nobody reads or writes %(table)s from here to the commit"),
    "mysql": _("writers of %(table)s wait for each of its statements"),
}
BRIEF: Final = {
    "sqlite": _("only the table's definition changes"),
    "postgresql": _("only the catalogue changes, which takes no longer with more rows"),
    "mysql": _("only the table's definition changes, where the server can do so at once"),
}
WHOLE: Final = {
    "sqlite": _("the table is made anew and its rows are copied"),
    "postgresql": _("every row is checked, and written anew where the type's storage differs"),
    "mysql": _("every row is checked, and the table copied where the server cannot change it in place"),
}


def notes(planned: list[Step], vendor: str, sql: list[str]) -> Iterator[str]:
    """One note for each table that is there, under its present name; `sql` are the steps' statements."""
    names: dict[str, str] = {}
    made = {step.item.name for step in planned if isinstance(step, steps.Create)}
    heavy: dict[str, bool] = {}
    for step in planned:
        if isinstance(step, steps.Rename):
            names[step.new] = names.pop(step.old, step.old)
        table = _table(step)
        if table is not None and table not in made:
            weighs = _remakes(table, sql) if vendor == "sqlite" else _is_heavy(step)
            present = names.get(table, table)
            heavy[present] = heavy.get(present, False) or weighs
    for table, whole in heavy.items():
        what, who = (WHOLE if whole else BRIEF)[vendor], WRITERS[vendor] % {"table": table}
        yield f"{table}: {what}; {who}"


def _table(step: Step) -> str | None:
    if isinstance(step, Values):
        return step.table
    if isinstance(step, steps.Reshape):
        return step.after.name
    if isinstance(step, steps.Drop):
        return step.name
    return step.new if isinstance(step, steps.Rename) else None


def _remakes(table: str, sql: list[str]) -> bool:
    return any(line.startswith(f'CREATE TABLE "{INTERIM}{table}"') for line in sql)


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
