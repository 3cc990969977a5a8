"""MariaDB and MySQL: every statement commits, so each can be recognised as done by what it leaves."""

from __future__ import annotations

from collections.abc import Iterator

from projections.ddl.dialect import Dialect, Fact, Statement
from projections.ddl.physical import Item
from projections.ddl.shapes import INDEX, REFERENCE, Constraint, Shape
from projections.ddl.steps import Difference


class MySQL(Dialect):
    """`single` gives each clause a statement of its own: for undoing what may be half done."""

    single = False
    deferrable = ""

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
        yield from self.rename_columns(before, difference)
        again = {c.name for c in difference.loosened}
        late = [c for c in difference.tightened if c.name in again]
        table = after.name
        clauses: list[tuple[str, tuple[Fact, ...]]] = [self._drop(table, c) for c in difference.loosened]
        for column in difference.dropped:
            gone: Fact = ("column", table, column.name, False)
            clauses.append((f"DROP COLUMN {self.quote(column.name)}", (gone,)))
        for column in difference.added.values():
            made: Fact = ("column", table, column.name, True)
            clauses.append((f"ADD COLUMN {self.column(column)}", (made,)))
        # A column can be given its definition again and again.
        clauses += [(f"MODIFY {self.column(new)}", ()) for _, new in difference.altered]
        clauses += [self._add(after, c) for c in difference.tightened if c not in late]
        yield from self._alter(after, clauses)
        yield from self._alter(after, [self._add(after, c) for c in late])

    def _add(self, shape: Shape, constraint: Constraint) -> tuple[str, tuple[Fact, ...]]:
        fact: Fact = (_kind(constraint), shape.name, constraint.name, True)
        return f"ADD {self.constraint(shape, constraint)}", (fact,)

    def _drop(self, table: str, constraint: Constraint) -> tuple[str, tuple[Fact, ...]]:
        words = "DROP FOREIGN KEY" if constraint.kind == REFERENCE else "DROP INDEX"
        fact: Fact = (_kind(constraint), table, constraint.name, False)
        return f"{words} {self.quote(constraint.name)}", (fact,)

    def _alter(self, shape: Shape, clauses: list[tuple[str, tuple[Fact, ...]]]) -> Iterator[Statement]:
        table = self.quote(shape.name)
        if self.single:
            # An index that a foreign key needs must be there before the one that it had goes.
            clauses.sort(key=lambda clause: not clause[0].startswith("ADD INDEX"))
            yield from (Statement(sql=f"ALTER TABLE {table} {sql}", holds=facts) for sql, facts in clauses)
        elif clauses:
            sql = ", ".join(sql for sql, _ in clauses)
            holds = tuple(fact for _, facts in clauses for fact in facts)
            yield Statement(sql=f"ALTER TABLE {table} {sql}", holds=holds)


def _kind(constraint: Constraint) -> str:
    return "reference" if constraint.kind == REFERENCE else "index"
