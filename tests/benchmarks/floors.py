"""The floors: what no recorded change can do without, written with Django's schema editor and a cursor.

Each function gets ready without being timed and returns what is timed.
"""

from __future__ import annotations

import uuid
from typing import Any, TypeAlias

from django.db import connection, models
from django.db.transaction import atomic

from events.envelope import uuid7
from events.models import SchemaEvent
from tests.benchmarks import subjects
from tests.benchmarks.measure import Timed

Column: TypeAlias = "models.Field[Any, Any]"


class LogCopy:
    """A table with the columns, the indexes and the rows of the log, and rows like the log's last one."""

    def __init__(self) -> None:
        self.model = _like_the_log()
        quote = connection.ops.quote_name
        self.table, log = quote(self.model._meta.db_table), quote(SchemaEvent._meta.db_table)
        names = [field.column for field in SchemaEvent._meta.local_fields]
        columns = ", ".join(map(quote, names))
        places = ", ".join(["%s"] * len(names))
        self.statement = f"INSERT INTO {self.table} ({columns}) VALUES ({places})"
        with connection.schema_editor() as editor:
            editor.create_model(self.model)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {self.table} ({columns}) SELECT {columns} FROM {log}")
            cursor.execute(f"SELECT {columns} FROM {log} ORDER BY position DESC LIMIT 1")
            self.last = dict(zip(names, cursor.fetchone(), strict=True))

    def next_row(self) -> list[Any]:
        """The values of the next event: as long as the last one's, and new where they have to be."""
        self.last["position"] += 1
        self.last["stream_version"] += 1
        for name in ("event_id", "batch_id"):
            field = SchemaEvent._meta.get_field(name)
            self.last[name] = field.get_db_prep_value(uuid.UUID(uuid7()), connection)
        return list(self.last.values())

    def insert(self, row: list[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.statement, row)


def add_field_and_event(model: type[models.Model], column: Column, log: LogCopy) -> Timed:
    """One transaction, as on PostgreSQL."""
    row = log.next_row()

    def floor() -> None:
        with atomic(), connection.schema_editor(atomic=False) as editor:
            editor.add_field(model, column)
            log.insert(row)

    return floor


def alter_table_and_event(model: type[models.Model], column: Column, log: LogCopy) -> Timed:
    """One transaction with the statement itself, as on SQLite."""
    row = log.next_row()
    quote = connection.ops.quote_name
    type_of = column.db_type(connection)
    statement = f"ALTER TABLE {quote(model._meta.db_table)} ADD COLUMN {quote(column.column)} {type_of} NULL"

    def floor() -> None:
        with atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute(log.statement, row)

    return floor


def event_then_add_field(model: type[models.Model], column: Column, log: LogCopy) -> Timed:
    """Two transactions, as on MariaDB, which commits at every schema statement."""
    row = log.next_row()

    def floor() -> None:
        log.insert(row)
        with connection.schema_editor() as editor:
            editor.add_field(model, column)

    return floor


def then_row(change: Timed, model: type[models.Model], added: list[str]) -> Timed:
    """A change and then a row through a class with all columns that were added, the last one filled."""
    rows: Any = subjects.by_type("Stored", added, db_table=model._meta.db_table)

    def floor() -> None:
        change()
        rows.objects.create(**{added[-1]: 1})

    return floor


def _like_the_log() -> type[models.Model]:
    columns = {field.name: field.clone() for field in SchemaEvent._meta.local_fields}
    name = f"LogCopy{next(subjects.NUMBER)}"
    unique = models.UniqueConstraint(fields=("stream_id", "stream_version"), name=f"{name}_stream")
    return subjects.unregistered(name, columns, constraints=(unique,))
