"""The rows of one table, read and written by storage id through Django's own fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from django.apps.registry import Apps
from django.db import connections, models
from django.db.models.functions import Collate
from django.db.transaction import atomic

from events.schema import FieldSchema
from projections import fields
from projections.ddl.physical import Lookup, exact_collation, table_of
from projections.ddl.quoting import quoted

BATCH: Final = 1_000

# Rows in one statement: each takes three parameters, and SQLite may be built to take no more than 999.
AT_ONCE: Final = 250


class Rows:
    """A table seen through some of its columns; `field` and `query` speak of them by storage id."""

    def __init__(
        self, table: str, columns: Iterable[FieldSchema], using: str, lookup: Lookup, owner: Any
    ) -> None:
        self.using = using
        self.connection: Any = connections[using]
        apps = Apps()
        body: dict[str, Any] = {"id": models.BigAutoField(primary_key=True)}
        self._strict: dict[str, Any] = {}
        for column in columns:
            # Read as what the column takes while it changes, written as what it takes in the end.
            self._strict[column.storage] = _field(column, lookup, owner)
            body[attribute(column)] = _relaxed(_field(column, lookup, owner))
        meta = {"apps": apps, "app_label": "physical", "db_table": table}
        body["Meta"] = type("Meta", (), meta)
        model: Any = type("Row", (models.Model,), {"__module__": __name__, **body})
        self.model = model
        self.query: Any = model._base_manager.using(using)
        self.table = table

    def field(self, column: FieldSchema) -> Any:
        return self.model._meta.get_field(attribute(column))

    def exactly(self, column: FieldSchema) -> Any:
        """The column's value for comparison, where text differs as it does in a unique column."""
        value, collation = models.F(attribute(column)), exact_collation(self.connection)
        is_text = str(self.field(column).db_type(self.connection)).startswith("varchar")
        return Collate(value, collation) if collation and is_text and not column.is_relation else value

    def any(self) -> bool:
        return bool(self.query.exists())

    def count(self) -> int:
        return int(self.query.count())

    def count_values(self, column: FieldSchema) -> int:
        """How many rows have a value; what is stored for an empty text is none."""
        name = attribute(column)
        rows = self.query.filter(**{f"{name}__isnull": False})
        if fields.takes_empty(column):
            rows = rows.exclude(**{name: ""})
        return int(rows.count())

    @staticmethod
    def pairs(table: str, columns: tuple[str, ...], using: str) -> Iterator[tuple[Any, ...]]:
        """The links of a link table, batch by batch."""
        connection = connections[using]
        key, left, right, name = (quoted(connection, one) for one in ("id", *columns, table))
        last: Any = None
        while True:
            after = "" if last is None else f"WHERE {key} > %s "
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {key}, {left}, {right} FROM {name} {after}ORDER BY {key} LIMIT {BATCH}",
                    [] if last is None else [last],
                )
                batch = cursor.fetchall()
            yield from (row[1:] for row in batch)
            if len(batch) < BATCH:
                return
            last = batch[-1][0]

    def batches(self, column: FieldSchema) -> Iterator[list[tuple[Any, Any]]]:
        """Keys and values of the rows that have one, batch by batch, so that memory stays constant."""
        name = attribute(column)
        rows = self.query.filter(**{f"{name}__isnull": False}).order_by("pk").values_list("pk", name)
        last = None
        while True:
            batch = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
            # None here is a JSON null, which is no value either.
            yield [(key, value) for key, value in batch if value is not None]
            if len(batch) < BATCH:
                return
            last = batch[-1][0]

    def whole(self, columns: list[FieldSchema]) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
        """Keys of all rows with their values by storage id, batch by batch."""
        names = [attribute(column) for column in columns]
        rows = self.query.order_by("pk").values_list("pk", *names)
        last = None
        while True:
            batch = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
            yield [
                (key, dict(zip((c.storage for c in columns), found, strict=True))) for key, *found in batch
            ]
            if len(batch) < BATCH:
                return
            last = batch[-1][0]

    def keys_without(self, column: FieldSchema) -> Iterator[list[Any]]:
        """Keys of the rows that have no value; each batch is asked for when the one before is written."""
        empty = self.query.filter(**{f"{attribute(column)}__isnull": True}).order_by("pk")
        while batch := list(empty.values_list("pk", flat=True)[:BATCH]):
            yield batch

    def write(self, column: FieldSchema, pairs: list[tuple[Any, Any]]) -> None:
        """Set a column of many rows, given as (key, value): in a few statements, and one transaction."""
        stored = [(key, self._stored(column, value)) for key, value in pairs]
        with atomic(using=self.using, savepoint=False), self.connection.cursor() as cursor:
            for start in range(0, len(stored), AT_ONCE):
                self._write_some(cursor, column, stored[start : start + AT_ONCE])

    def _write_some(self, cursor: Any, column: FieldSchema, stored: list[tuple[Any, Any]]) -> None:
        key = self._quote("id")
        cases = f"CASE {key} {' '.join(['WHEN %s THEN %s'] * len(stored))} END"
        if self.connection.vendor == "postgresql":
            # It takes bare literals for text.
            cases = f"CAST({cases} AS {self._strict[column.storage].db_type(self.connection)})"
        where = f"WHERE {key} IN ({', '.join(['%s'] * len(stored))})"
        update = f"UPDATE {self._quote(self.table)} SET {self._quote(column.column)} = {cases} {where}"
        cursor.execute(update, [*(value for pair in stored for value in pair), *(key for key, _ in stored)])

    def fill_nulls(self, column: FieldSchema, value: Any) -> None:
        self.fill(column, value, f"{self._quote(column.column)} IS NULL")

    def fill(self, column: FieldSchema, value: Any, condition: str) -> None:
        """Set a column of the rows for which a condition in SQL holds."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"{self._set(column)} WHERE {condition}", [self._stored(column, value)])

    def empty_to_null(self, column: FieldSchema) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(f"{self._set(column)} WHERE {self._quote(column.column)} = %s", [None, ""])

    def _set(self, column: FieldSchema) -> str:
        return f"UPDATE {self._quote(self.table)} SET {self._quote(column.column)} = %s"

    def _stored(self, column: FieldSchema, value: Any) -> Any:
        return self._strict[column.storage].get_db_prep_save(value, self.connection)

    def _quote(self, name: str) -> str:
        return quoted(self.connection, name)


class Links:
    """A link table: the keys that each row of one side is linked to."""

    def __init__(self, column: FieldSchema, using: str, lookup: Lookup, owner: Any) -> None:
        self.using = using
        self.key = key_field(table_of(column.related_model, lookup, owner)[2])
        self.key.db_column = column.link_columns[1]
        meta = {"apps": Apps(), "app_label": "physical", "db_table": column.table}
        body: dict[str, Any] = {
            "__module__": __name__,
            "id": models.BigAutoField(primary_key=True),
            "source": models.BigIntegerField(db_column=column.link_columns[0]),
            "target": self.key,
            "Meta": type("Meta", (), meta),
        }
        made: Any = type("Link", (models.Model,), body)
        self.model = made
        self.query = made._base_manager.using(using)

    def of(self, keys: list[Any]) -> dict[Any, list[Any]]:
        """What those rows are linked to, by row."""
        found: dict[Any, list[Any]] = {}
        for start in range(0, len(keys), AT_ONCE):
            part = self.query.filter(source__in=keys[start : start + AT_ONCE]).order_by("pk")
            for source, target in part.values_list("source", "target"):
                found.setdefault(source, []).append(target)
        return found

    def replace(self, pairs: list[tuple[Any, Any]]) -> None:
        """Link each row to one other, or to none."""
        with atomic(using=self.using, savepoint=False):
            for start in range(0, len(pairs), AT_ONCE):
                part = pairs[start : start + AT_ONCE]
                self.query.filter(source__in=[source for source, _ in part]).delete()
                made = [self.model(source=one, target=other) for one, other in part if other is not None]
                self.query.bulk_create(made)


def present(table: str, column: str, key: Any, wanted: list[Any], using: str) -> set[Any]:
    """Those of the wanted values that a table has in its key column."""
    made = key_field(key)
    made.primary_key, made.db_column = True, column
    meta = {"apps": Apps(), "app_label": "physical", "db_table": table}
    body: dict[str, Any] = {"__module__": __name__, "key": made, "Meta": type("Meta", (), meta)}
    model: Any = type("Target", (models.Model,), body)
    values = {made.to_python(value): value for value in wanted}
    found = model._base_manager.using(using).filter(pk__in=list(values)).values_list("pk", flat=True)
    return {values[value] for value in found}


def attribute(column: FieldSchema) -> str:
    return f"c{column.storage.replace('-', '')}"


def key_field(key: Any) -> Any:
    """A field that reads and writes values of a key, without being one."""
    if isinstance(key, models.AutoField | models.BigAutoField | models.SmallAutoField):
        return models.BigIntegerField()
    made = key.clone()
    made.primary_key = made._unique = False
    return made


def _field(column: FieldSchema, lookup: Lookup, owner: Any) -> Any:
    if not column.is_relation:
        return fields.build(replace(column, help="", choices=()))
    made = key_field(table_of(column.related_model, lookup, owner)[2])
    made.db_column = column.column
    return made


def _relaxed(made: Any) -> Any:
    made.null, made._unique, made.db_index = True, False, False
    made.default = models.NOT_PROVIDED
    return made
