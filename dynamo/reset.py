"""Forget everything: for `flush`, and with it every TransactionTestCase of a project."""

from __future__ import annotations

from django.db import connections

from events import fold, store
from projections.ddl import inspect


def generated_tables(using: str) -> list[str]:
    """The tables that the log made, tombstones included, as far as they are there."""
    schema = fold.replay(store.read(using))
    names = [name for model in schema.models.values() for name in inspect.expected(model, schema)]
    connection = connections[using]
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
    return [name for name in names if name in present]


def drop(using: str, tables: list[str]) -> None:
    connection = connections[using]
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
