"""Which values rows get while their table changes: the kinds of writing, and what converts into what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from events.diff import Handling
from events.schema import FieldSchema, ModelSchema, thaw
from projections import classes, conversions, fields
from projections.ddl import rows as target_rows
from projections.ddl.physical import Lookup, table_of
from projections.ddl.rows import Rows

FILL, EMPTY, CONVERT, EACH, LINK, UNLINK = "fill", "empty", "convert", "each", "link", "unlink"
PRUNE, DETACH = "prune", "detach"
# What was put aside by a conversion comes back.
REVERT, RELINK = "revert", "relink"
# Not a step: the value is the column's DEFAULT while it is added.
CONSTANT: Final = "constant"
FILLING: Final = frozenset({FILL, EMPTY, CONVERT, EACH, UNLINK, REVERT})

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


def rest(column: FieldSchema, said: Handling) -> Any:
    """What rows get that have no value in the end, where the column takes no NULL; None if it does."""
    if fields.nullable(column):
        return None
    value = existing(column, said)
    return "" if value is None and fields.takes_empty(column) else value


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
        yield (
            existing_only(out, dict(batch), column, rows.using, lookup, owner) if column.is_relation else out
        )


def existing_only(
    out: list[tuple[Any, Any, Exception | None]],
    former: dict[Any, Any],
    column: FieldSchema,
    using: str,
    lookup: Lookup,
    owner: ModelSchema,
) -> list[tuple[Any, Any, Exception | None]]:
    """A value becomes a reference only where the target has such a row."""
    wanted = [value for _, value, error in out if error is None]
    present = keys_present(column, wanted, using, lookup, owner)
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


def substitute(column: FieldSchema, said: Handling) -> Any:
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
