"""The writers: each fills rows of a table while it changes, in one of the ways that a step may name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from django.db import connections
from django.utils.translation import gettext as _

from events.exceptions import DataRefused
from events.schema import ModelSchema
from projections import fields
from projections.ddl import physical, reverting, values
from projections.ddl.physical import Lookup, table_of
from projections.ddl.quoting import foreign, quoting
from projections.ddl.rows import Links, Rows
from projections.ddl.steps import Values


def write(step: Values, using: str, lookup: Lookup) -> None:
    """Do one step of writing; doing it again changes nothing more."""
    owner = lookup(step.schema_id)
    assert owner is not None
    WRITERS[step.kind](step, using, lookup, owner)


def take_back(step: Values, using: str, lookup: Lookup) -> None:
    """Only '' that became NULL has to come back: the column takes no NULL then. The rest is not looked at."""
    if step.kind == values.EMPTY:
        owner = lookup(step.schema_id)
        assert owner is not None
        Rows(step.table, [step.column], using, lookup, owner).fill_nulls(step.column, "")


def _fill(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """Give a value to rows that have none; text without a better one gets '', which for bytes is b''."""
    rows = Rows(step.table, [step.column], using, lookup, owner)
    value = values.existing(step.column, step.said)
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
    substitute = values.substitute(step.column, step.said)
    for batch in values.converted(rows, step.source, step.column, lookup, owner):
        failed = [value for _, value, error in batch if error is not None]
        if failed and step.said.on_error == "fail":
            raise DataRefused(
                _("%(value)r came in meanwhile and does not fit %(type)s")
                % {"value": failed[0], "type": step.column.type},
                count=len(failed),
                samples=failed[:1],
            )
        pairs = [(key, value if error is None else substitute) for key, value, error in batch]
        rows.write(step.column, [(key, value) for key, value in pairs if value is not None])
    _fill_rest(rows, step)


def _revert(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """A column that comes back has its own values; rows that were written since get theirs converted."""
    assert step.source is not None
    rows = Rows(step.table, [step.column], using, lookup, owner)
    if step.source.is_many_to_many:
        links = Links(step.source, using, lookup, owner)
        whole = reverting.references(rows, links, step.column, step.path, lookup, owner)
    else:
        columns = physical.table(owner).columns
        whole = reverting.outcomes(
            step.table, columns, step.path, step.source, step.column, step.said, using, lookup, owner
        )
    for batch in whole:
        written = [row for row in batch if row.written]
        failed = [row for row in written if row.error is not None]
        if failed and step.said.on_error == "fail":
            raise DataRefused(
                _("%(value)r came in meanwhile and does not fit %(type)s")
                % {"value": failed[0].value, "type": step.column.type},
                count=len(failed),
                samples=[failed[0].value],
            )
        rows.write(step.column, [(row.key, None if row.error else row.value) for row in written])
    _fill_rest(rows, step)


def _fill_rest(rows: Rows, step: Values) -> None:
    """Rows that have no value get what existing rows get, where the column takes no NULL."""
    value = values.rest(step.column, step.said)
    if value is not None:
        rows.fill_nulls(step.column, value)


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


def _relink(step: Values, using: str, lookup: Lookup, owner: ModelSchema) -> None:
    """A link table comes back with its links; rows whose reference was edited since have that one."""
    assert step.source is not None
    rows = Rows(step.table, [step.source], using, lookup, owner)
    links = Links(step.column, using, lookup, owner)
    for batch in reverting.relinked(rows, links, step.source, step.path):
        links.replace(batch)


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
    substitute = values.substitute(step.column, step.said)
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
    values.FILL: _fill,
    values.EMPTY: _empty,
    values.EACH: _each,
    values.CONVERT: _convert,
    values.LINK: _link,
    values.UNLINK: _unlink,
    values.REVERT: _revert,
    values.RELINK: _relink,
    values.PRUNE: _prune,
    values.DETACH: _detach,
}
