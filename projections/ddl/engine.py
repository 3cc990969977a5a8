"""One door to each database: the transaction that a change runs in, and its schema editor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from events.exceptions import SchemaRefused
from projections.ddl import sqlite
from projections.ddl.naming import UniqueNames, salted


@contextmanager
def transaction(using: str) -> Iterator[bool]:
    """Open the transaction of a change set; yields whether it is the outermost one."""
    connection = connections[using]
    connection.ensure_connection()
    if not connection.in_atomic_block and not connection.get_autocommit():
        raise SchemaRefused("autocommit is off, so a transaction may be open: turn it on, or use atomic()")
    if connection.in_atomic_block:
        _refuse_nested(connection)
        with atomic(using=using):
            yield False
    elif connection.vendor == "sqlite":
        with sqlite.outermost(connection):
            yield True
    else:
        with atomic(using=using):
            yield True


def editor(using: str, position: int) -> Any:
    """Django's schema editor for this database; it never opens a transaction of its own."""
    connection: Any = connections[using]
    if connection.vendor == "sqlite":
        return salted(sqlite.SQLiteEditor(connection, atomic=False), position)
    cls = type("Editor", (UniqueNames, connection.SchemaEditorClass), {})
    return salted(cls(connection, atomic=False), position)


def settle(using: str) -> None:
    """PostgreSQL refuses to alter a table with deferred checks pending; SQLite has none to settle."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        connection.check_constraints()


def check_references(using: str, tables: list[str]) -> None:
    """Only SQLite's outermost transaction runs without enforcing; every other case checks by itself."""
    connection = connections[using]
    if connection.vendor == "sqlite" and not sqlite.foreign_keys_enforced(connection):
        sqlite.check_foreign_keys(connection, tables)


def _refuse_nested(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "mysql":
        raise SchemaRefused(
            "MariaDB and MySQL commit at every schema statement, so a model cannot be changed inside "
            "atomic(); save it outside"
        )
