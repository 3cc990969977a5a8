"""PostgreSQL: one ALTER TABLE for all that a table needs, indexes beside it, everything in a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from projections.ddl.dialect import Dialect, Statement, is_index
from projections.ddl.physical import Item
from projections.ddl.shapes import REFERENCE, Column, Shape
from projections.ddl.steps import Difference


class PostgreSQL(Dialect):
    def refer(self, item: Item) -> Iterator[Statement]:
        shape = self.describer.shape(item)
        found = [c for c in shape.constraints.values() if c.kind == REFERENCE]
        yield from self._alter(shape, [f"ADD {self.constraint(shape, c)}" for c in found])

    def lead(self, before: Shape, after: Shape, difference: Difference) -> Iterator[Statement]:
        yield from self.rename_columns(before, after, difference)
        yield from (self.drop_index(c) for c in difference.loosened if is_index(c))
        clauses = [f"DROP CONSTRAINT {self.quote(c.name)}" for c in difference.loosened if not is_index(c)]
        clauses += [f"DROP COLUMN {self.quote(column.name)}" for column in difference.dropped.values()]
        clauses += [f"ADD COLUMN {self.column(column)}" for column in difference.added.values()]
        for pair in difference.altered:
            clauses += self._alterations(*pair)
        clauses += [f"ADD {self.constraint(after, c)}" for c in difference.tightened if not is_index(c)]
        yield from self._alter(after, clauses)
        yield from (self.add_index(after, c) for c in difference.tightened if is_index(c))

    def _alter(self, shape: Shape, clauses: list[str]) -> Iterator[Statement]:
        if clauses:
            yield Statement(sql=f"ALTER TABLE {self.quote(shape.name)} {', '.join(clauses)}")

    def _alterations(self, old: Column, new: Column) -> Iterator[str]:
        """The clauses for one column; a default must not be in the way of a change of type."""
        name = f"ALTER COLUMN {self.quote(new.name)}"
        retyped = old.type != new.type
        if old.default and (retyped or not new.default):
            yield f"{name} DROP DEFAULT"
        if retyped:
            # No USING: values that do not fit would be cut or rounded instead of refused.
            yield f"{name} TYPE {new.type}"
        if old.null != new.null:
            yield f"{name} {'DROP' if new.null else 'SET'} NOT NULL"
        if new.default and (retyped or new.default != old.default):
            yield f"{name} SET DEFAULT {new.default}"
