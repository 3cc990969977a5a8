"""The DDL projector's state, shared by its rooms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from projections.ddl import physical
from projections.ddl.physical import Table
from projections.transition import Change, Transition


@dataclass(slots=True)
class TableWork:
    """What one table's change needs at hand; `state` is the table as it stands now."""

    using: str
    editor: Any
    transition: Transition
    change: Change
    state: Table | None = None

    def __post_init__(self) -> None:
        if self.change.before is not None:
            self.state = physical.table(self.change.before)

    def names(self) -> list[str]:
        after = self.change.after
        if after is None:
            return []
        tables = [f.table for f in (*after.fields, *after.retired_fields) if f.table]
        return [after.db_table, *tables]

    def model(self, described: Table) -> Any:
        return physical.table_class(described, self.transition.after)

    def column(self, described: Table, storage: str) -> Any:
        """One column of a table as a Django field, on a class of that column only."""
        alone = replace(described, columns={storage: described.columns[storage]}, together=())
        return self.model(alone)._meta.get_field(physical.attribute(storage))
