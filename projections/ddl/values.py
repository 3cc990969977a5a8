"""What is written into the rows of a table while it changes: fills, conversions and copied links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.utils import timezone

from events.diff import Handling
from events.exceptions import DataRefused
from events.schema import FieldSchema, ModelSchema, thaw
from projections import classes, conversions, fields
from projections.ddl import rows as target_rows
from projections.ddl.physical import Lookup, table_of
from projections.ddl.quoting import foreign, quoting
from projections.ddl.rows import Rows
from projections.ddl.steps import Values

FILL, EMPTY, CONVERT, EACH, LINK, UNLINK = "fill", "empty", "convert", "each", "link", "unlink"
PRUNE, DETACH = "prune", "detach"
# Not a step: the value is the column's DEFAULT while it is added.
CONSTANT: Final = "constant"
FILLING: Final = frozenset({FILL, EMPTY, CONVERT, EACH, UNLINK})

# Options that make a value.
STAMPS: Final = frozenset({"auto_now", "auto_now_add", "default_factory"})

# What a converter raises for a value that has no counterpart.
NO_VALUE: Final = (ValidationError, ValueError, ArithmeticError, TypeError)


def existing(column: FieldSchema, said: Handling) -> Any:
    """The one value that existing rows get: the backfill, else the default; None if there is neither."""
    if column.is_relation:
        return said.backfill
    if said.backfill is None and column.default is None and not STAMPS & column.options.keys():
        return None
    built: Any = fields.build(replace(column, help="", choices=()))
    if said.backfill is not None:
        return fields.parse(built, said.backfill)
    if built.has_default():
        return built.get_default()
    if getattr(built, "auto_now", False) or getattr(built, "auto_now_add", False):
        return _stamp(built)
    return None


def write(step: Values, using: str, lookup: Lookup) -> None:
    """Do one step of writing; doing it again changes nothing more."""
    owner = lookup(step.schema_id)
    assert owner is not None
    WRITERS[step.kind](step, using, lookup, owner)


def take_back(step: Values, using: str, lookup: Lookup) -> None:
    """Only '' that became NULL has to come back: the column takes no NULL then. The rest is not looked at."""
    if step.kind == EMPTY:
        owner = lookup(step.schema_id)
        assert owner is not None
        Rows(step.table, [step.column], using, lookup, owner).fill_nulls(step.column, "")


def _fill(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Give a value to rows that have none; text without a better one gets '', which for bytes is b''."""
    rows = Rows(step.table, [step.column], using, lookup, owner)
    value = existing(step.column, step.said)
    optional = not step.column.required and step.said.backfill is None
    if value is None or (optional and fields.takes_empty(step.column)):
        # NULL stood for no value, and still does: a default is for rows to come.
        value = fields.build(replace(step.column, help="", choices=(), default=None)).get_default()
    rows.fill_nulls(step.column, value)


def _empty(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Only NULL may occur more than once in a unique column, so '' becomes NULL."""
    Rows(step.table, [step.column], using, lookup, owner).empty_to_null(step.column)


def _each(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Give every row that has none a value of its own."""
    rows = Rows(step.table, [step.column], using, lookup, owner)
    factory = fields.FACTORIES[step.column.options["default_factory"]]
    for keys in rows.keys_without(step.column):
        rows.write(step.column, [(key, factory()) for key in keys])


def _convert(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Fill a new column from the one it replaces; rows without a value get what existing rows get."""
    assert step.source is not None
    rows = Rows(step.table, [step.source, step.column], using, lookup, owner)
    substitute = _substitute(step.column, step.said)
    for batch in converted(rows, step.source, step.column, lookup, owner):
        failed = [value for _, value, error in batch if error is not None]
        if failed and step.said.on_error == "fail":
            raise DataRefused(
                f"{failed[0]!r} came in meanwhile and does not fit {step.column.type}",
                count=len(failed),
                samples=failed[:1],
            )
        pairs = [(key, value if error is None else substitute) for key, value, error in batch]
        rows.write(step.column, [(key, value) for key, value in pairs if value is not None])
    value = existing(step.column, step.said)
    if value is None and not fields.nullable(step.column) and fields.takes_empty(step.column):
        value = ""
    if value is not None and not fields.nullable(step.column):
        rows.fill_nulls(step.column, value)


def converted(
    rows: Rows, source: FieldSchema, column: FieldSchema, lookup: Lookup, owner: ModelSchema
) -> Iterator[list[tuple[Any, Any, Exception | None]]]:
    """Yield batches of (key, new value, None) or, where there is none, (key, old value, error)."""
    key = classes.key_of(column.related_model) if column.is_relation else None
    convert = conversions.converter(source, column, key)
    for batch in rows.batches(source):
        out: list[tuple[Any, Any, Exception | None]] = []
        for row, value in batch:
            if value == "" and conversions.empties(source, column):
                continue
            try:
                made = convert(value)
            except NO_VALUE as error:
                out.append((row, value, error))
            else:
                if made is not None:
                    out.append((row, made, None))
        yield _existing_only(out, batch, column, rows, lookup, owner) if column.is_relation else out


def _existing_only(
    out: list[tuple[Any, Any, Exception | None]],
    batch: list[tuple[Any, Any]],
    column: FieldSchema,
    rows: Rows,
    lookup: Lookup,
    owner: ModelSchema,
) -> list[tuple[Any, Any, Exception | None]]:
    """A value becomes a reference only where the target has such a row."""
    wanted = [value for _, value, error in out if error is None]
    present = keys_present(column, wanted, rows.using, lookup, owner)
    former = dict(batch)
    return [
        (key, value, None)
        if error is None and value in present
        else (key, former[key], error or ValidationError(f"the target has no row {value!r}"))
        for key, value, error in out
    ]


def keys_present(
    column: FieldSchema, keys: list[Any], using: str, lookup: Lookup, owner: ModelSchema
) -> set[Any]:
    """Those of the keys that the relation's target has."""
    table, key_column, key = table_of(column.related_model, lookup, owner)
    return target_rows.present(table, key_column, key, keys, using)


def _link(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Each reference becomes one link."""
    assert step.source is not None
    quote = quoting(connections[using])
    link, (source, target) = quote(step.column.table), map(quote, step.column.link_columns)
    table, reference = quote(step.table), quote(step.source.column)
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {link} ({source}, {target}) SELECT t.{quote('id')}, t.{reference} FROM {table} t "
            f"WHERE t.{reference} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {link} l "
            f"WHERE l.{source} = t.{quote('id')} AND l.{target} = t.{reference})"
        )


def _unlink(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """A row's only link becomes its reference; rows with several get what was said for them."""
    assert step.source is not None
    quote = quoting(connections[using])
    link, (source, target) = quote(step.source.table), map(quote, step.source.link_columns)
    table, column, key = quote(step.table), quote(step.column.column), quote("id")
    own = f"FROM {link} l WHERE l.{source} = {table}.{key}"
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = (SELECT l.{target} {own} LIMIT 1) "
            f"WHERE (SELECT count(*) {own}) = 1"
        )
    rows = Rows(step.table, [step.column], using, lookup, owner)
    substitute = _substitute(step.column, step.said)
    if substitute is not None:
        rows.fill(step.column, substitute, f"(SELECT count(*) {own}) > 1")
    if step.said.backfill is not None and step.column.required:
        rows.fill_nulls(step.column, step.said.backfill)


def _prune(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Links of rows that were deleted while the field was retired are links to nothing."""
    quote = quoting(connections[using])
    link = quote(step.column.table)
    target, key, _ = table_of(step.column.related_model, lookup, owner)
    there, its_key = (foreign(connections[using], name) for name in (target, key))
    ends = zip(step.column.link_columns, ((quote(step.table), quote("id")), (there, its_key)), strict=True)
    with connections[using].cursor() as cursor:
        for side, (table, column) in ends:
            cursor.execute(_lost(f"DELETE FROM {link}", link, quote(side), table, column))


def _detach(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """References to rows that were deleted while the field was retired become none."""
    quote = quoting(connections[using])
    table, column = quote(step.table), quote(step.column.column)
    target, key, _ = table_of(step.column.related_model, lookup, owner)
    there, its_key = (foreign(connections[using], name) for name in (target, key))
    with connections[using].cursor() as cursor:
        cursor.execute(_lost(f"UPDATE {table} SET {column} = NULL", table, column, there, its_key))


def _lost(start: str, table: str, column: str, target: str, key: str) -> str:
    """A statement over the rows whose reference has no target. MariaDB reads its own target from a copy."""
    present = f"SELECT * FROM (SELECT {key} FROM {target}) AS t"
    return f"{start} WHERE {column} IS NOT NULL AND {column} NOT IN ({present})"


WRITERS: Final[dict[str, Callable[[Values, str, Lookup, ModelSchema], None]]] = {
    FILL: _fill,
    EMPTY: _empty,
    EACH: _each,
    CONVERT: _convert,
    LINK: _link,
    UNLINK: _unlink,
    PRUNE: _prune,
    DETACH: _detach,
}


def _substitute(column: FieldSchema, said: Handling) -> Any:
    if said.on_error != "value":
        return None
    if column.is_relation:
        return said.error_value
    built: Any = fields.build(replace(column, help="", choices=()))
    return fields.parse(built, thaw(said.error_value))


def _stamp(built: Any) -> Any:
    moment = timezone.now()
    if isinstance(built, models.DateTimeField):
        return moment
    return moment.date() if isinstance(built, models.DateField) else moment.time()
