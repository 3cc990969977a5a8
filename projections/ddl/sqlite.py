"""SQLite: what it can alter it alters; for the rest the table is made anew and its rows are copied once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from events.exceptions import ProjectionFailed, SchemaRefused
from projections.ddl import steps
from projections.ddl.dialect import Dialect, Statement
from projections.ddl.physical import Item, Lookup
from projections.ddl.shapes import CHECK, REFERENCE, Constraint, Shape
from projections.ddl.steps import Difference

INTERIM: Final = "new__"

# Remaking a table that refers to itself under enforced foreign keys is quadratic: 6,000 rows take a
# second, 100,000 some minutes. Above this many rows the caller is asked to leave its transaction.
SELF_REFERENCE_LIMIT: Final = 5_000


class SQLite(Dialect):
    """`enforced` says that foreign keys are on, as they are inside a caller's transaction."""

    def __init__(self, connection: Any, lookup: Lookup, *, enforced: bool = False) -> None:
        super().__init__(connection, lookup)
        self.enforced = enforced
        # Tables whose references may have been broken while nothing was enforced.
        self.unchecked: set[str] = set()

    def is_inline(self, constraint: Constraint) -> bool:
        """What is unique is an index of its own, so that it can come and go without a remake."""
        return constraint.kind in {CHECK, REFERENCE}

    def refer(self, item: Item) -> Iterator[Statement]:
        """References are part of the definition; SQLite takes them before their target is there."""
        yield from ()

    def reshape(self, before: Item, after: Item) -> Iterator[Statement]:
        keys = steps.touched(before, after)
        shapes = self.describer.shape(before, keys), self.describer.shape(after, keys)
        difference = steps.between(*shapes)
        if not self._needs_remake(difference):
            yield from self.lead(*shapes, difference)
            return
        whole = self.describer.shape(before), self.describer.shape(after)
        yield from self._remake(*whole)

    def lead(self, before: Shape, after: Shape, difference: Difference) -> Iterator[Statement]:
        table = self.quote(after.name)
        yield from (self.drop_index(c) for c in difference.loosened)
        for column in difference.dropped.values():
            yield Statement(sql=f"ALTER TABLE {table} DROP COLUMN {self.quote(column.name)}")
        yield from self.rename_columns(before, after, difference)
        inline = [c for c in difference.tightened if self.is_inline(c)]
        for column in difference.added.values():
            words = [self.column(column)]
            words += [self._on_column(after, c) for c in inline if after.column_names(c) == [column.name]]
            yield Statement(sql=f"ALTER TABLE {table} ADD COLUMN {' '.join(words)}")
        if any(c.kind == REFERENCE for c in inline):
            self.unchecked.add(after.name)
        yield from (self.add_index(after, c) for c in difference.tightened if c not in inline)

    def _on_column(self, shape: Shape, constraint: Constraint) -> str:
        """A constraint at the end of its column's definition."""
        if constraint.kind == CHECK:
            return self.constraint(shape, constraint)
        return f"CONSTRAINT {self.quote(constraint.name)} {self.reference(constraint)}"

    def _needs_remake(self, difference: Difference) -> bool:
        """ADD COLUMN takes NOT NULL only with a DEFAULT, and a reference only without one."""
        if difference.altered or any(self.is_inline(c) for c in difference.loosened):
            return True
        inline = [c for c in difference.tightened if self.is_inline(c)]
        if any(key not in difference.added for c in inline for key in c.keys):
            return True
        referring = {key for c in inline if c.kind == REFERENCE for key in c.keys}
        return any(
            column.default if key in referring else not (column.null or column.default)
            for key, column in difference.added.items()
        ) or any(not difference.added[key].null for key in referring)

    def _remake(self, before: Shape, after: Shape) -> Iterator[Statement]:
        """Copy the rows into a new table of the final shape, then put it in the old one's place."""
        if self.enforced:
            self._refuse_large_self_reference(after)
        interim = f"{INTERIM}{after.name}"
        yield Statement(sql=self.definition(after, interim))
        yield Statement(sql=self._copied(before, after, interim))
        yield from self._keep_sequence(after.name, interim)
        yield Statement(sql=f"DROP TABLE {self.quote(after.name)}")
        if self.enforced:
            yield from self._refill(after, interim)
        else:
            yield self.rename(interim, after.name)
            self.unchecked.add(after.name)
        for constraint in after.constraints.values():
            if not self.is_inline(constraint):
                yield self.add_index(after, constraint)

    def _copied(self, before: Shape, after: Shape, interim: str) -> str:
        kept = [key for key in after.columns if key in before.columns]
        into = ", ".join(self.quote(after.columns[key].name) for key in kept)
        out_of = ", ".join(self.quote(before.columns[key].name) for key in kept)
        return f"INSERT INTO {self.quote(interim)} ({into}) SELECT {out_of} FROM {self.quote(before.name)}"

    def _keep_sequence(self, name: str, interim: str) -> Iterator[Statement]:
        """A remade table would hand out the keys of deleted rows again."""
        yield Statement(sql=f"DELETE FROM sqlite_sequence WHERE name = '{interim}'")
        yield Statement(
            sql="INSERT INTO sqlite_sequence (name, seq) "
            f"SELECT '{interim}', seq FROM sqlite_sequence WHERE name = '{name}'"
        )

    def _refill(self, after: Shape, interim: str) -> Iterator[Statement]:
        """Fill a new table of the final name row by row, so that SQLite counts the references again.

        Renaming the interim table would leave the counter that DROP TABLE raised, and COMMIT would fail;
        so would INSERT ... SELECT without WHERE, which copies pages without counting.
        """
        final, old = self.quote(after.name), self.quote(interim)
        yield Statement(sql=self.definition(after))
        yield Statement(sql=f"INSERT INTO {final} SELECT * FROM {old} WHERE 1")
        yield from self._keep_sequence(interim, after.name)
        yield Statement(sql=f"DROP TABLE {old}")

    def _refuse_large_self_reference(self, shape: Shape) -> None:
        own = (c for c in shape.constraints.values() if c.kind == REFERENCE)
        if not any(c.target[0] == shape.name for c in own):
            return
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.quote(shape.name)}")
            rows = cursor.fetchone()[0]
        if rows > SELF_REFERENCE_LIMIT:
            raise SchemaRefused(
                f"table {shape.name!r} refers to itself and has {rows} rows: inside a transaction SQLite "
                "would take very long to remake it; make this change outside of atomic()",
                table=shape.name,
                rows=rows,
            )


@contextmanager
def outermost(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One transaction with the write lock from its start, and foreign keys checked at its end.

    SQLite can only stop enforcing foreign keys outside of a transaction, and starts again in `finally`.
    """
    wrapper: Any = connection
    wrapper.ensure_connection()
    enforced = foreign_keys_enforced(connection)
    mode = wrapper.transaction_mode
    wrapper.transaction_mode = "IMMEDIATE"
    try:
        _enforce_foreign_keys(connection, on=False)
        with atomic(using=wrapper.alias):
            yield
    finally:
        wrapper.transaction_mode = mode
        if enforced and wrapper.connection is not None:
            _enforce_foreign_keys(connection, on=True)


def check_foreign_keys(connection: BaseDatabaseWrapper, tables: set[str]) -> None:
    """Refuse dangling references in the tables that were touched, before COMMIT."""
    present = set(connection.introspection.table_names()) if tables else set()
    if present & tables:
        connection.check_constraints(table_names=sorted(present & tables))


def foreign_keys_enforced(connection: BaseDatabaseWrapper) -> bool:
    driver: Any = connection.connection
    return bool(driver.execute("PRAGMA foreign_keys").fetchone()[0])


def _enforce_foreign_keys(connection: BaseDatabaseWrapper, *, on: bool) -> None:
    """Said to the driver itself: a project's execute wrapper that fails must not leave them off."""
    driver: Any = connection.connection
    driver.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
    if foreign_keys_enforced(connection) != on:
        # A connection in an unknown state must not be used again.
        connection.close()
        raise ProjectionFailed(f"SQLite did not turn foreign keys {'on' if on else 'off'}; connection closed")
