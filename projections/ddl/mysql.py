"""MariaDB and MySQL: every statement commits, so each says how to see that it is done, and its way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from projections.ddl.dialect import Dialect, Fact, Statement
from projections.ddl.physical import Item
from projections.ddl.shapes import INDEX, REFERENCE, Column, Constraint, Shape
from projections.ddl.steps import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A part of ALTER TABLE with what it leaves and what takes it back."""

    sql: str
    undo: str = ""
    holds: tuple[Fact, ...] = ()


class MySQL(Dialect):
    deferrable = ""

    def literal(self, value: Any) -> str:
        """The driver leaves some types to the statement's parameters, and a definition has none."""
        if isinstance(value, bytes | bytearray | memoryview):
            return f"x'{bytes(value).hex()}'"
        return super().literal(str(value) if isinstance(value, UUID) else value)

    def is_inline(self, constraint: Constraint) -> bool:
        return constraint.kind != REFERENCE

    def constraint(self, shape: Shape, constraint: Constraint) -> str:
        if constraint.kind == INDEX:
            return f"INDEX {self.quote(constraint.name)} ({self.columns(shape, constraint)})"
        return super().constraint(shape, constraint)

    def refer(self, item: Item) -> Iterator[Statement]:
        shape = self.describer.shape(item)
        found = [c for c in shape.constraints.values() if c.kind == REFERENCE]
        yield from self._alter(shape, [self._add(shape, c) for c in found])

    def lead(self, before: Shape, after: Shape, difference: Difference) -> Iterator[Statement]:
        """Renames first; a reference that only changes its target needs a statement of its own."""
        yield from self.rename_columns(before, after, difference)
        again = {c.name for c in difference.loosened}
        late = [c for c in difference.tightened if c.name in again]
        clauses = [self._drop(before, after, c) for c in difference.loosened]
        clauses += [self._drop_column(after.name, column) for column in difference.dropped.values()]
        clauses += [self._add_column(after.name, column) for column in difference.added.values()]
        clauses += [self._modify(old, new) for old, new in difference.altered]
        clauses += [self._add(after, c) for c in difference.tightened if c not in late]
        yield from self._alter(after, clauses)
        yield from self._alter(after, [self._add(after, c) for c in late])

    def _add(self, shape: Shape, constraint: Constraint) -> Clause:
        fact: Fact = (_kind(constraint), shape.name, constraint.name, True)
        return Clause(
            sql=f"ADD {self.constraint(shape, constraint)}", undo=self._dropping(constraint), holds=(fact,)
        )

    def _drop(self, before: Shape, after: Shape, constraint: Constraint) -> Clause:
        """The way back adds it to the columns under their new names, as renames are taken back later."""
        fact: Fact = (_kind(constraint), after.name, constraint.name, False)
        now = after if set(constraint.keys) <= set(after.columns) else before
        return Clause(
            sql=self._dropping(constraint), undo=f"ADD {self.constraint(now, constraint)}", holds=(fact,)
        )

    def _dropping(self, constraint: Constraint) -> str:
        words = "DROP FOREIGN KEY" if constraint.kind == REFERENCE else "DROP INDEX"
        return f"{words} {self.quote(constraint.name)}"

    def _add_column(self, table: str, column: Column) -> Clause:
        fact: Fact = ("column", table, column.name, True)
        name = self.quote(column.name)
        return Clause(sql=f"ADD COLUMN {self.column(column)}", undo=f"DROP COLUMN {name}", holds=(fact,))

    def _drop_column(self, table: str, column: Column) -> Clause:
        fact: Fact = ("column", table, column.name, False)
        return Clause(sql=f"DROP COLUMN {self.quote(column.name)}", holds=(fact,))

    def _modify(self, old: Column, new: Column) -> Clause:
        """A column can be given its definition again and again."""
        return Clause(sql=f"MODIFY {self.column(new)}", undo=f"MODIFY {self.column(old)}")

    def _alter(self, shape: Shape, clauses: list[Clause]) -> Iterator[Statement]:
        if not clauses:
            return
        table = f"ALTER TABLE {self.quote(shape.name)} "
        lossless = all(clause.undo for clause in clauses)
        yield Statement(
            sql=table + _joined(clause.sql for clause in clauses),
            holds=tuple(fact for clause in clauses for fact in clause.holds),
            undo=table + _joined(clause.undo for clause in reversed(clauses)) if lossless else "",
        )


def _joined(clauses: Iterable[str]) -> str:
    return ", ".join(clauses)


def _kind(constraint: Constraint) -> str:
    return "reference" if constraint.kind == REFERENCE else "index"
