"""The preflight: our own verdict over the rows, before any statement, the same on every database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from django.db import connections
from django.db.models import Count, Q

from events.diff import Handling
from events.exceptions import DataRefused, SchemaRefused
from events.schema import FieldSchema, ModelSchema, thaw
from events.types import FieldAdded, FieldAltered
from projections import fields
from projections.ddl import convert, physical
from projections.transition import Transition

Lookup: TypeAlias = Callable[[str], ModelSchema | None]

SAMPLES = 5
LONGEST_SAMPLE = 60


class Rows:
    """The rows of a model's table as it stands, asked in the terms of its schema."""

    def __init__(self, schema: ModelSchema, lookup: Lookup, using: str) -> None:
        self.schema = schema
        self.using = using
        self.model = physical.table_class(physical.table(schema), lookup)
        self.query = self.model._base_manager.using(using)

    def any(self) -> bool:
        return bool(self.query.exists())

    def name(self, column: FieldSchema) -> str:
        return physical.attribute(column.storage)

    def nulls(self, column: FieldSchema) -> int:
        return int(self.query.filter(**{f"{self.name(column)}__isnull": True}).count())

    def empty(self, old: FieldSchema, new: FieldSchema) -> int:
        """How many rows have '' where the new type has no such value: there it means no value."""
        if not convert.empties(old, new):
            return 0
        return int(self.query.filter(**{self.name(old): ""}).count())

    def failing(self, old: FieldSchema, new: FieldSchema) -> tuple[int, list[Any]]:
        return convert.failing(self.using, self.model, old, new)

    def duplicates(self, columns: list[FieldSchema]) -> tuple[int, list[Any]]:
        """How many combinations of values occur more than once; NULL is never equal to NULL."""
        names = [self.name(c) for c in columns]
        present = Q(*(Q(**{f"{name}__isnull": False}) for name in names))
        groups = self.query.filter(present).order_by().values_list(*names)
        repeated = groups.annotate(times=Count("pk")).filter(times__gt=1)
        return repeated.count(), [row[:-1] for row in repeated[:SAMPLES]]

    def exists(self, field: FieldSchema, key: Any, lookup: Lookup) -> bool:
        table, column = physical.table_of(field.related_model, lookup, self.schema)
        quote = connections[self.using].ops.quote_name
        with connections[self.using].cursor() as cursor:
            named = quote(column.db_column or "id")
            cursor.execute(
                f"SELECT 1 FROM {quote(table)} WHERE {named} = %s", [_stored(column, key, self.using)]
            )
            return cursor.fetchone() is not None

    def dangling(self, old: FieldSchema, new: FieldSchema, lookup: Lookup) -> tuple[int, list[Any]]:
        """Ids in a relation's column that the new target does not have."""
        target = physical.table_of(new.related_model, lookup, self.schema)
        quote = connections[self.using].ops.quote_name
        column, table = quote(old.column), quote(self.schema.db_table)
        condition = (
            f"FROM {table} WHERE {column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {quote(target[0])} AS t "
            f"WHERE t.{quote(target[1].db_column or 'id')} = {table}.{column})"
        )
        with connections[self.using].cursor() as cursor:
            cursor.execute(f"SELECT count(*) {condition}")
            count = int(cursor.fetchone()[0])
            cursor.execute(f"SELECT {column} {condition} LIMIT {SAMPLES}")
            return count, [row[0] for row in cursor.fetchall()]


def _stored(column: Any, key: Any, using: str) -> Any:
    return column.get_db_prep_value(column.to_python(key), connections[using])


def check_free(name: str, moving: set[str], using: str) -> None:
    """Refuse a table name that something else in the database has; tables that move away do not count."""
    connection = connections[using]
    with connection.cursor() as cursor:
        taken = {table.lower() for table in connection.introspection.table_names(cursor)} - moving
    if name.lower() in taken:
        raise SchemaRefused(
            f"the database has a table {name!r} that the registry does not own; choose another name",
            table=name,
        )


def counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def some(samples: list[Any]) -> str:
    """Samples for a message, each cut to a length that a line can hold."""
    return ", ".join(
        text if len(text := repr(value)) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"
        for value in samples
    )


def handling_of(done: Transition, field: FieldSchema) -> Handling:
    """What the change set said about existing rows of a field; saying nothing takes nothing back."""
    found = Handling()
    for recorded in done.events_of(field.id):
        event = recorded.event
        if isinstance(event, FieldAdded | FieldAltered) and event.backfill is not None:
            found = replace(found, backfill=thaw(event.backfill))
        if isinstance(event, FieldAltered) and event.kept is not None:
            found = replace(found, kept=FieldSchema(**event.kept))
        if isinstance(event, FieldAltered) and event.on_error != "fail":
            found = replace(found, on_error=event.on_error, error_value=thaw(event.error_value))
    return found


def check(
    before: ModelSchema, after: ModelSchema, handling: Mapping[str, Handling], lookup: Lookup, using: str
) -> None:
    """Refuse what rows stand in the way of; `before` is the table as it is now."""
    rows = Rows(before, lookup, using)
    if not rows.any():
        return
    old = {f.id: f for f in before.fields}
    for field in after.fields:
        if field.is_many_to_many:
            continue
        said = handling.get(field.id, Handling())
        if field.id not in old:
            _check_added(rows, field, said, lookup)
        elif old[field.id] != field:
            _check_altered(rows, old[field.id], field, said, lookup)
    _check_together(rows, before, after, handling)


def _check_added(rows: Rows, field: FieldSchema, said: Handling, lookup: Lookup) -> None:
    value = convert.existing_value(field, said)
    _check_backfill(rows, field, value, lookup)
    own = field.options.get("default_factory") == "uuid4"
    if value is None and not fields.nullable(field) and not _empty_will_do(field):
        _refuse_required(rows, field, int(rows.query.count()))
    if field.unique and value is not None and not own and rows.query.count() > 1:
        raise DataRefused(
            f"{_label(rows, field)}: {rows.query.count()} rows would all get {value!r}, but the field is "
            "unique; add it without unique, fill it, then make it unique",
            count=rows.query.count(),
            samples=[value],
        )


def _check_altered(rows: Rows, old: FieldSchema, new: FieldSchema, said: Handling, lookup: Lookup) -> None:
    if old.storage != new.storage:
        _check_converted(rows, old, new, said)
        return
    if convert.mode(old, new) == convert.FITS and old.type not in convert.KEYS:
        _check_fits(rows, old, new)
    needs_value = fields.nullable(old) and not fields.nullable(new) and not _empty_will_do(new)
    value = convert.existing_value(new, said)
    _check_backfill(rows, new, value, lookup)
    nulls = rows.nulls(old) if needs_value or new.unique else 0
    if needs_value and value is None and nulls:
        _refuse_required(rows, new, nulls)
    if old.type in convert.KEYS and old.related_model != new.related_model:
        _check_target(rows, old, new, lookup)
    if new.unique and not old.unique:
        _check_unique(rows, old, new, nulls if needs_value else 0)


def _check_fits(rows: Rows, old: FieldSchema, new: FieldSchema) -> None:
    count, samples = rows.failing(old, new)
    if count:
        _refuse_conversion(rows, new, count, samples)


def _check_converted(rows: Rows, old: FieldSchema, new: FieldSchema, said: Handling) -> None:
    """Values move to a new column: all must convert, unless the change set says what becomes of the rest."""
    if said.on_error == "keep" or old.is_many_to_many:
        return
    if new.type in convert.KEYS and old.type not in convert.KEYS:
        raise SchemaRefused(
            f"{_label(rows, new)}: {old.type} cannot become {new.type} yet; add a relation and fill it"
        )
    count, samples = rows.failing(old, new)
    if count and said.on_error == "fail":
        _refuse_conversion(rows, new, count, samples)
    missing = rows.nulls(old) + rows.empty(old, new) + (count if said.on_error == "null" else 0)
    needs_value = not fields.nullable(new) and not _empty_will_do(new)
    if missing and needs_value and convert.existing_value(new, said) is None:
        _refuse_required(rows, new, missing)


def _refuse_conversion(rows: Rows, new: FieldSchema, count: int, samples: list[Any]) -> None:
    raise DataRefused(
        f"{_label(rows, new)}: {counted(count, 'value does', 'values do')} not fit {new.type}, "
        f"such as {some(samples)}; correct them, or "
        'set on_error to "null", "keep", or "value" with an error_value',
        count=count,
        samples=samples,
    )


def _check_backfill(rows: Rows, field: FieldSchema, value: Any, lookup: Lookup) -> None:
    """A relation's value for existing rows must be the key of a row that is there."""
    if value is None or not field.is_relation:
        return
    if not rows.exists(field, value, lookup):
        raise DataRefused(
            f"{_label(rows, field)}: the target has no row {value!r} for existing rows to refer to",
            count=int(rows.query.count()),
            samples=[value],
        )


def _check_target(rows: Rows, old: FieldSchema, new: FieldSchema, lookup: Lookup) -> None:
    count, samples = rows.dangling(old, new, lookup)
    if count:
        raise DataRefused(
            f"{_label(rows, new)}: {counted(count, 'row refers', 'rows refer')} to ids that the new target "
            f"does not have, such as {some(samples)}; empty or correct them first",
            count=count,
            samples=samples,
        )


def _check_unique(rows: Rows, old: FieldSchema, new: FieldSchema, filled: int) -> None:
    count, samples = rows.duplicates([old])
    if old.type in convert.TEXT and fields.nullable(new):
        samples = [s for s in samples if s[0] != ""]
        count = count if samples else 0
    if count or filled > 1:
        raise DataRefused(
            f"{_label(rows, new)} cannot be unique: "
            f"{counted(count or filled, 'value occurs', 'values occur')} more than once, "
            f"such as {some(samples)}; make them differ first",
            count=count or filled,
            samples=samples,
        )


def _check_together(
    rows: Rows, before: ModelSchema, after: ModelSchema, handling: Mapping[str, Handling]
) -> None:
    new = [f for f in after.fields if f.unique_together]
    old = [f.storage for f in before.fields if f.unique_together]
    if not new or [f.storage for f in new] == old:
        return
    known = {f.storage for f in before.fields}
    ids = {f.id for f in before.fields}
    fresh = [f for f in new if f.storage not in known]
    if any(f.id in ids or _stays_empty(f, handling.get(f.id, Handling())) for f in fresh):
        # A converted member's values are for the database to hold; NULL is never equal to NULL.
        return
    present = [f for f in new if f.storage in known]
    count, samples = rows.duplicates(present) if present else (max(int(rows.query.count()) - 1, 0), [])
    if count:
        raise DataRefused(
            f"{after.label}: {', '.join(f.name for f in new)} cannot be unique together: {count} pairs "
            f"occur more than once, such as {some(samples)}; make them differ first",
            count=count,
            samples=samples,
        )


def _stays_empty(field: FieldSchema, said: Handling) -> bool:
    """Whether existing rows have NULL in a new field."""
    return convert.existing_value(field, said) is None and fields.nullable(field)


def _empty_will_do(field: FieldSchema) -> bool:
    """Optional text takes '' where other fields need a value."""
    row = fields.field_type(field.type)
    return row is not None and row.is_text and not field.required


def _refuse_required(rows: Rows, field: FieldSchema, count: int) -> None:
    raise DataRefused(
        f"{_label(rows, field)} is required, and {counted(count, 'row has', 'rows have')} no value for it; "
        "say with backfill what they get, or give the field a default",
        count=count,
        samples=[],
    )


def _label(rows: Rows, field: FieldSchema) -> str:
    return f"{rows.schema.label}.{field.name}"
