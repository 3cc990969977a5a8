"""Columns that come back from before a conversion: which rows still have the value that came of theirs.

Both columns are there, and so are those between them unless they were purged. A row whose columns follow from
one another as the conversions say was not edited since: its original value stands. Any other was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from events.diff import Handling
from events.schema import FieldSchema, Frozen, ModelSchema, thaw
from projections import classes, conversions, fields
from projections.ddl import values
from projections.ddl.physical import Lookup
from projections.ddl.rows import Rows


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row has in the column that comes back.

    `written` says that it is not what was there. With an `error`, `value` is what does not convert.
    """

    key: Any
    value: Any
    written: bool = False
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One conversion of the past, as a question about two values of a row."""

    source: str
    column: str
    holds: Callable[[Any, Any], bool]


def outcomes(
    table: str,
    columns: Mapping[str, FieldSchema],
    path: tuple[Frozen, ...],
    source: FieldSchema,
    column: FieldSchema,
    using: str,
    lookup: Lookup,
    owner: ModelSchema,
) -> Iterator[list[Outcome]]:
    """Every row's outcome, in batches; `columns` are those of the table as it is, by storage id."""
    links = [_link(item) for item in path]
    known = all(link.source in columns and link.column in columns for link in links)
    needed = {source.storage, column.storage}
    if known:
        needed |= {storage for link in links for storage in (link.source, link.column)}
    rows = Rows(table, [columns[storage] for storage in sorted(needed)], using, lookup, owner)
    back = _back(source, column)
    for batch in rows.whole([columns[storage] for storage in sorted(needed)]):
        out: list[Outcome] = []
        for key, found in batch:
            if known and all(link.holds(found[link.source], found[link.column]) for link in links):
                out.append(Outcome(key, found[column.storage]))
            else:
                out.append(_converted(key, found[source.storage], back))
        yield _referring(out, column, using, lookup, owner) if column.is_relation else out


def _converted(key: Any, value: Any, back: Callable[[Any], Any]) -> Outcome:
    try:
        return Outcome(key, back(value), written=True)
    except values.NO_VALUE as error:
        return Outcome(key, value, written=True, error=error)


def _referring(
    out: list[Outcome], column: FieldSchema, using: str, lookup: Lookup, owner: ModelSchema
) -> list[Outcome]:
    """A converted value becomes a reference only where the target has such a row."""
    wanted = [row.value for row in out if row.written and row.error is None and row.value is not None]
    present = values.keys_present(column, wanted, using, lookup, owner) if wanted else set()
    return [
        row
        if not row.written or row.error is not None or row.value is None or row.value in present
        else Outcome(
            row.key, row.value, written=True, error=LookupError(f"the target has no row {row.value!r}")
        )
        for row in out
    ]


def _back(source: FieldSchema, column: FieldSchema) -> Callable[[Any], Any]:
    """From the present column to the one that comes back, where that direction has a meaning."""
    if conversions.mode(source, column) in (conversions.REFUSE, conversions.REPLACE):
        return _no_way_back
    key = classes.key_of(column.related_model) if column.is_relation else None
    convert = conversions.converter(source, column, key)

    def back(value: Any) -> Any:
        return (
            None if value is None or (value == "" and conversions.empties(source, column)) else convert(value)
        )

    return back


def _no_way_back(value: Any) -> Any:
    if value is None or value == "":
        return None
    raise ValueError(f"{value!r} has no counterpart")


def _link(item: Frozen) -> Link:
    source, column = FieldSchema(**item["source"]), FieldSchema(**item["column"])
    said = Handling(
        backfill=thaw(item["backfill"]), on_error=item["on_error"], error_value=thaw(item["error_value"])
    )
    convert = forward(source, column, said)

    def holds(old: Any, new: Any) -> bool:
        expected = convert(old)
        if expected == new or (_is_nothing(expected) and (_is_nothing(new) or new == filled)):
            return True
        # Whether the target had such a row at that time is not known any more.
        return column.is_relation and new == substitute and said.on_error in ("null", "value")

    filled = None if fields.nullable(column) else values.existing(column, said)
    substitute = values.substitute(column, said)
    return Link(source.storage, column.storage, holds)


def forward(source: FieldSchema, column: FieldSchema, said: Handling) -> Callable[[Any], Any]:
    """What the conversion made of a value; None for none."""
    if said.on_error == "keep" or conversions.mode(source, column) == conversions.REPLACE:
        return lambda value: None
    key = classes.key_of(column.related_model) if column.is_relation else None
    convert = conversions.converter(source, column, key)
    substitute = values.substitute(column, said)

    def converted(value: Any) -> Any:
        if value is None or (value == "" and conversions.empties(source, column)):
            return None
        try:
            return convert(value)
        except values.NO_VALUE:
            return substitute

    return converted


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""
