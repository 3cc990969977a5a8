"""SQLite: one schema editor for the outermost transaction and for one inside a caller's `atomic()`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.backends.sqlite3.schema import DatabaseSchemaEditor
from django.db.models.expressions import Value
from django.db.transaction import atomic

from events.exceptions import ProjectionFailed, SchemaRefused
from projections.ddl.naming import UniqueNames

INTERIM: Final = "new__"

# Remaking a table that refers to itself under enforced foreign keys is quadratic: 6,000 rows take a
# second, 100,000 some minutes. Above this many rows the caller is asked to leave its transaction.
SELF_REFERENCE_LIMIT: Final = 5_000


class SQLiteEditor(UniqueNames, DatabaseSchemaEditor):
    """Works with foreign keys enforced too, which Django's editor refuses.

    Statements are executed without parameters where there are none: Django would otherwise read a `%` in
    a literal default as a placeholder.
    """

    def __enter__(self) -> Self:
        # Past DatabaseSchemaEditor.__enter__, whose only work is to insist on foreign keys being off.
        BaseDatabaseSchemaEditor.__enter__(self)
        return self

    def __exit__(self, *raised: object) -> None:
        BaseDatabaseSchemaEditor.__exit__(self, *raised)  # type: ignore[arg-type]

    def execute(self, sql: Any, params: Any = ()) -> None:
        super().execute(sql, params or None)

    def add_field(self, model: Any, field: Any) -> None:
        """ADD COLUMN takes NOT NULL when there is a constant default; Django would remake the table."""
        constant = field.has_db_default() and isinstance(field._db_default_expression, Value)
        if constant and not field.unique and not field.remote_field:
            BaseDatabaseSchemaEditor.add_field(self, model, field)
        else:
            super().add_field(model, field)

    def alter_db_table(self, model: Any, old_db_table: str, new_db_table: str, **kwargs: Any) -> None:
        interim = old_db_table.startswith(INTERIM)
        if interim and foreign_keys_enforced(self.connection):
            self._refill(old_db_table, new_db_table)
        else:
            super().alter_db_table(model, old_db_table, new_db_table, **kwargs)

    def _refill(self, interim: str, final: str) -> None:
        """Fill a new table of the final name row by row, so that SQLite counts the references again.

        Renaming the interim table would leave the counter that DROP TABLE raised, and COMMIT would fail;
        so would INSERT ... SELECT without WHERE, which copies pages without counting.
        """
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [interim])
            definition = cursor.fetchone()[0]
        old, new = self.quote_name(interim), self.quote_name(final)
        self.execute(definition.replace(old, new))
        self.execute(f"INSERT INTO {new} SELECT * FROM {old} WHERE 1")
        self.execute(f"DROP TABLE {old}")
        for statement in self.deferred_sql:
            if isinstance(statement, Statement):
                statement.rename_table_references(interim, final)

    def _remake_table(self, model: Any, *args: Any, **kwargs: Any) -> None:
        name = model._meta.db_table
        if foreign_keys_enforced(self.connection):
            self._refuse_large_self_reference(name)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [name])
            sequence = cursor.fetchone()
        super()._remake_table(model, *args, **kwargs)  # type: ignore[misc]  # not in the stubs
        if sequence is not None:
            # A remade table would hand out the keys of deleted rows again.
            self.execute("DELETE FROM sqlite_sequence WHERE name = %s", (name,))
            self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", (name, sequence[0]))

    def _refuse_large_self_reference(self, name: str) -> None:
        with self.connection.cursor() as cursor:
            relations = self.connection.introspection.get_relations(cursor, name)
            if not any(target == name for _, target in relations.values()):
                return
            cursor.execute(f"SELECT count(*) FROM {self.quote_name(name)}")
            rows = cursor.fetchone()[0]
        if rows > SELF_REFERENCE_LIMIT:
            raise SchemaRefused(
                f"table {name!r} refers to itself and has {rows} rows: inside a transaction SQLite would "
                "take very long to remake it; make this change outside of atomic()",
                table=name,
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


def check_foreign_keys(connection: BaseDatabaseWrapper, tables: list[str]) -> None:
    """Refuse dangling references in the tables that were touched, before COMMIT."""
    present = set(connection.introspection.table_names())
    connection.check_constraints(table_names=[name for name in tables if name in present])


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
