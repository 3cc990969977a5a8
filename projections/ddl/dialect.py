"""What all databases render alike; each one's own ways are in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from projections.ddl import steps
from projections.ddl.physical import Item, Lookup
from projections.ddl.quoting import foreign, quoted
from projections.ddl.shapes import (
    CHECK,
    COLUMN,
    INDEX,
    REFERENCE,
    UNIQUE,
    Column,
    Constraint,
    Describer,
    Shape,
)
from projections.ddl.steps import Difference, Step, Values

ASIDE: Final = "zz_aside"

# What holds once a statement is done: kind, table, name, and whether it is there.
Fact: TypeAlias = tuple[str, str, str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One schema statement.

    `holds` is what can be seen afterwards and not before; where there is nothing, doing it again does no
    harm. `undo` takes it back; what drops something has none.
    """

    sql: str
    holds: tuple[Fact, ...] = ()
    undo: str = ""


class Dialect:
    """Renders steps as statements for one connection."""

    deferrable = " DEFERRABLE INITIALLY DEFERRED"

    def __init__(self, connection: Any, lookup: Lookup) -> None:
        self.connection = connection
        self.editor = connection.SchemaEditorClass(connection, atomic=False)
        self.describer = Describer(connection, lookup, self.literal)

    def statements(self, step: Step) -> Iterator[Statement]:
        """The statements of a schema step, each of them atomic."""
        if isinstance(step, steps.Rename):
            yield self.rename(step.old, step.new)
        elif isinstance(step, steps.Create):
            yield from self.create(step.item)
        elif isinstance(step, steps.Refer):
            yield from self.refer(step.item)
        elif isinstance(step, steps.Reshape):
            yield from self.reshape(step.before, step.after)
        elif isinstance(step, steps.Drop):
            yield Statement(
                sql=f"DROP TABLE {self.quote(step.name)}", holds=(("table", step.name, "", False),)
            )
        else:
            assert isinstance(step, Values)

    def rename(self, old: str, new: str) -> Statement:
        holds: tuple[Fact, ...] = (("table", old, "", False), ("table", new, "", True))
        there, back = (
            f"ALTER TABLE {self.quote(a)} RENAME TO {self.quote(b)}" for a, b in ((old, new), (new, old))
        )
        return Statement(sql=there, holds=holds, undo=back)

    def create(self, item: Item) -> Iterator[Statement]:
        shape = self.describer.shape(item)
        yield Statement(
            sql=self.definition(shape),
            holds=(("table", shape.name, "", True),),
            undo=f"DROP TABLE {self.quote(shape.name)}",
        )
        for constraint in shape.constraints.values():
            if not self.is_inline(constraint) and constraint.kind != REFERENCE:
                yield self.add_index(shape, constraint)

    def refer(self, item: Item) -> Iterator[Statement]:
        raise NotImplementedError

    def reshape(self, before: Item, after: Item) -> Iterator[Statement]:
        """Compare only what may differ: most changes of a large table concern one column."""
        keys = steps.touched(before, after)
        shapes = self.describer.shape(before, keys), self.describer.shape(after, keys)
        yield from self.lead(*shapes, steps.between(*shapes))

    def lead(self, before: Shape, after: Shape, difference: Difference) -> Iterator[Statement]:
        raise NotImplementedError

    def rename_columns(self, before: Shape, after: Shape, difference: Difference) -> Iterator[Statement]:
        taken = {column.name.lower() for key, column in before.columns.items() if key in after.columns}
        table = self.quote(before.name)
        for old, new in steps.one_by_one(difference.renamed, taken, ASIDE):
            there, back = (
                f"ALTER TABLE {table} RENAME COLUMN {self.quote(a)} TO {self.quote(b)}"
                for a, b in ((old, new), (new, old))
            )
            holds: tuple[Fact, ...] = (
                ("column", before.name, old, False),
                ("column", before.name, new, True),
            )
            yield Statement(sql=there, holds=holds, undo=back)

    # -- fragments ---------------------------------------------------------------------------------

    def is_inline(self, constraint: Constraint) -> bool:
        """Whether a constraint is part of the table's definition."""
        return constraint.kind in {UNIQUE, CHECK}

    def definition(self, shape: Shape, name: str = "") -> str:
        """CREATE TABLE with all that is inline."""
        parts = [self.column(column) for column in shape.columns.values()]
        inline = (c for c in shape.constraints.values() if self.is_inline(c))
        parts += [self.constraint(shape, c) for c in inline]
        return f"CREATE TABLE {self.quote(name or shape.name)} ({', '.join(parts)})"

    def column(self, column: Column) -> str:
        words = [self.quote(column.name), column.type]
        if column.collation:
            words.append(f"COLLATE {column.collation}")
        if column.default:
            words.append(f"DEFAULT {column.default}")
        words.append("NULL" if column.null else "NOT NULL")
        if column.key:
            words += ["PRIMARY KEY", column.suffix]
        return " ".join(word for word in words if word)

    def constraint(self, shape: Shape, constraint: Constraint) -> str:
        """One constraint as it stands in a table's definition or after ADD."""
        name = f"CONSTRAINT {self.quote(constraint.name)}"
        columns = self.columns(shape, constraint)
        if constraint.kind == UNIQUE:
            return f"{name} UNIQUE ({columns})"
        if constraint.kind == CHECK:
            (column,) = shape.column_names(constraint)
            return f"{name} CHECK ({constraint.expression.replace(COLUMN, column)})"
        assert constraint.kind == REFERENCE
        return f"{name} FOREIGN KEY ({columns}) {self.reference(constraint)}"

    def reference(self, constraint: Constraint) -> str:
        table, column = (foreign(self.connection, name) for name in constraint.target)
        return f"REFERENCES {table} ({column}){self.deferrable}"

    def add_index(self, shape: Shape, constraint: Constraint) -> Statement:
        unique = "UNIQUE " if constraint.kind == UNIQUE else ""
        columns = self.columns(shape, constraint)
        if constraint.opclass:
            columns += f" {constraint.opclass}"
        name, table = self.quote(constraint.name), self.quote(shape.name)
        return Statement(sql=f"CREATE {unique}INDEX {name} ON {table} ({columns})")

    def drop_index(self, constraint: Constraint) -> Statement:
        return Statement(sql=f"DROP INDEX {self.quote(constraint.name)}")

    def columns(self, shape: Shape, constraint: Constraint) -> str:
        return ", ".join(self.quote(name) for name in shape.column_names(constraint))

    def literal(self, value: Any) -> str:
        """A value as it stands in a definition, where there are no parameters."""
        return self.quoted(value)

    def quoted(self, value: Any) -> str:
        return str(self.editor.quote_value(value))

    def quote(self, name: str) -> str:
        return quoted(self.connection, name)


def is_index(constraint: Constraint) -> bool:
    return constraint.kind == INDEX
