"""The preflight: our own verdict over the rows, before any statement, the same on every database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connections
from django.utils.translation import gettext as _

from events.diff import Handling
from events.exceptions import DataRefused, SchemaRefused
from events.schema import FieldSchema, ModelSchema
from projections import conversions, fields
from projections.ddl import engine, judging, physical, refusals, reverting, values
from projections.ddl.judging import Verdict
from projections.ddl.physical import Lookup
from projections.ddl.rows import Links, Rows


@dataclass(kw_only=True)
class Preflight:
    """The rows of one model's table as they are, held against the schema that is meant.

    `counts` says, by field id, how many rows each writing concerns; plans show them.
    """

    before: ModelSchema
    after: ModelSchema
    handling: Mapping[str, Handling]
    lookup: Lookup
    using: str
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    @cached_property
    def total(self) -> int:
        return self.rows().count()

    def rows(self, *columns: FieldSchema) -> Rows:
        return Rows(self.before.db_table, columns, self.using, self.lookup, self.before)

    def said(self, column: FieldSchema) -> Handling:
        return self.handling.get(column.id, Handling())


def check(preflight: Preflight) -> list[DataRefused]:
    """What rows stand in the way of, field by field. Fields that did not change ask the database nothing."""
    found: list[DataRefused] = []
    old = {f.id: f for f in (*preflight.before.retired_fields, *preflight.before.fields)}
    for new in preflight.after.fields:
        former = old.get(new.id)
        if former is not new or preflight.before.retired:
            with _collected(found):
                _check_field(preflight, former, new)
    with _collected(found):
        _check_together(preflight)
    return found


@contextmanager
def _collected(found: list[DataRefused]) -> Iterator[None]:
    try:
        yield
    except DataRefused as refusal:
        found.append(refusal)


def _check_field(preflight: Preflight, former: FieldSchema | None, new: FieldSchema) -> None:
    if former is None:
        _check_added(preflight, new)
    elif former != new or preflight.before.retired:
        _check_altered(preflight, former, new)


def check_free(name: str, moving: set[str], using: str) -> None:
    """Refuse a table name that something else in the database has; tables that move away do not count."""
    connection = connections[using]
    with connection.cursor() as cursor:
        taken = {table.lower() for table in connection.introspection.table_names(cursor)}
        taken -= {table.lower() for table in moving}
    if name.lower() in taken:
        raise SchemaRefused(
            _("the database has a table %(name)r that the registry does not own; choose another name")
            % {"name": name},
            table=name,
        )


def _check_added(preflight: Preflight, new: FieldSchema) -> None:
    if new.is_many_to_many:
        return
    said = preflight.said(new)
    value = values.existing(new, said)
    own = _differs_by_row(new)
    if value is None:
        if not own and not fields.nullable(new) and not _empty_will_do(new) and preflight.total:
            refusals.required(preflight.before, new, preflight.total)
        return
    if preflight.total:
        _note(preflight, new, filled=preflight.total)
        _check_backfill(preflight, new, value)
    if new.is_unique and not own and preflight.total > 1:
        refusals.same_value(preflight.before, new, value, preflight.total)


def _check_altered(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    if old.storage != new.storage:
        if preflight.said(new).path and not new.is_many_to_many:
            _check_reverted(preflight, old, new)
        else:
            _check_converted(preflight, old, new)
        return
    if new.is_many_to_many:
        return
    mode = conversions.mode(old, new)
    if mode == conversions.FITS and old.type not in conversions.KEYS:
        engine.hold(preflight.using, preflight.before.db_table)
        verdict = judging.failing(preflight.rows(old), old, new, preflight.lookup, preflight.before)
        _note(preflight, new, fits=verdict.total - verdict.count, fails=verdict.count)
        refusals.conversion(preflight.before, new, verdict)
    _check_nulls(preflight, old, new)
    returning = old.retired or preflight.before.retired
    if old.type in conversions.KEYS and (old.related_model != new.related_model or returning):
        _check_target(preflight, old, new)


def _check_nulls(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    """NULLs of a column that takes none any more, and duplicates of one that becomes unique."""
    took_null = old.retired or fields.nullable(old)
    fills = took_null and not fields.nullable(new)
    becomes_unique = new.is_unique and (old.retired or not old.is_unique)
    if not fills and not becomes_unique:
        return
    value = values.existing(new, preflight.said(new))
    nulls = judging.nulls(preflight.rows(old), old)
    needs_value = fills and not _empty_will_do(new)
    if needs_value and nulls:
        if value is None:
            refusals.required(preflight.before, new, nulls)
        _check_backfill(preflight, new, value)
    if fills and nulls:
        _note(preflight, new, filled=nulls)
    if becomes_unique:
        _check_unique(preflight, old, new, nulls if needs_value else 0, value)


def _check_converted(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    """Values move to a new column: all must convert, unless the change set says what becomes of the rest."""
    said = preflight.said(new)
    if new.is_many_to_many:
        if said.path and not old.is_many_to_many:
            _check_relinked(preflight, old, new)
        return
    if said.on_error == "keep":
        # It starts like a new one.
        _check_added(preflight, new)
        return
    if old.is_many_to_many:
        verdict = judging.several(preflight.using, old, preflight.total)
    else:
        verdict = judging.failing(preflight.rows(old), old, new, preflight.lookup, preflight.before)
    _note(preflight, new, converts=verdict.total - verdict.count, fails=verdict.count)
    if said.on_error == "fail":
        refusals.conversion(preflight.before, new, verdict)
    if new.is_unique:
        _check_distinct(preflight, old, new, verdict)
    if said.on_error == "value" and verdict.count:
        _check_backfill(preflight, new, said.error_value)
    if not fields.nullable(new) and not _empty_will_do(new):
        _check_missing(preflight, new, verdict)


def _check_reverted(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    """A column comes back with its values; what was written into the later one since must convert back."""
    said, before = preflight.said(new), preflight.before
    former = physical.table(before).columns[new.storage]
    whole = _returning(preflight, old, former, new)
    verdict, missing, overwritten = judging.reverting(whole, compare=new.is_unique)
    if not former.retired and said.on_error == "fail":
        # Somebody restored this column under another name, and it has values of its own.
        refusals.overwritten(before, former, new, overwritten)
    lost = verdict.count + (0 if former.retired else overwritten.count)
    _note(preflight, new, converts=verdict.total - verdict.count, fails=lost)
    if said.on_error == "fail":
        refusals.conversion(before, new, verdict)
    refusals.repeated(before, new, verdict)
    missing -= 0 if said.on_error == "null" else verdict.count
    if missing and not fields.nullable(new) and not _empty_will_do(new):
        value = values.existing(new, said)
        if value is None:
            refusals.required(before, new, missing)
        _check_backfill(preflight, new, value)
        _note(preflight, new, filled=missing)
        if new.is_unique and missing + verdict.seen[value] > 1:
            refusals.same_value(before, new, value, missing + verdict.seen[value])


def _returning(
    preflight: Preflight, old: FieldSchema, former: FieldSchema, new: FieldSchema
) -> Iterator[list[reverting.Outcome]]:
    before, using, lookup = preflight.before, preflight.using, preflight.lookup
    said = preflight.said(new)
    if old.is_many_to_many:
        links = Links(old, using, lookup, before)
        return reverting.references(preflight.rows(former), links, former, said.path, lookup, before)
    columns = physical.table(before).columns
    return reverting.outcomes(before.db_table, columns, said.path, old, new, said, using, lookup, before)


def _check_relinked(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    """Links come back; rows whose reference was edited since get that one instead."""
    before, said = preflight.before, preflight.said(new)
    former = next(f for f in (*before.retired_fields, *before.fields) if f.storage == new.storage)
    links = Links(former, preflight.using, preflight.lookup, before)
    edited = sum(map(len, reverting.relinked(preflight.rows(old), links, old, said.path)))
    _note(preflight, new, converts=edited)


def _check_distinct(preflight: Preflight, old: FieldSchema, new: FieldSchema, verdict: Verdict) -> None:
    """What rows get from a conversion must differ where the field is unique."""
    said = preflight.said(new)
    refusals.repeated(preflight.before, new, verdict)
    if said.on_error == "value" and verdict.count:
        value = values.substitute(new, said)
        others = verdict.seen[value]
        if verdict.count + others > 1:
            refusals.same_value(preflight.before, new, said.error_value, verdict.count + others)
    if old.is_many_to_many and said.on_error != "keep":
        refusals.repeated(preflight.before, new, judging.shared(preflight.using, old))


def _check_missing(preflight: Preflight, new: FieldSchema, verdict: Verdict) -> None:
    """Rows that have no value after a conversion need one where the field is required."""
    said = preflight.said(new)
    missing = preflight.total - verdict.total + (verdict.count if said.on_error == "null" else 0)
    value = values.existing(new, said)
    if missing and value is None:
        refusals.required(preflight.before, new, missing)
    if missing:
        _check_backfill(preflight, new, value)
        _note(preflight, new, filled=missing)
    if new.is_unique and (missing > 1 or (missing and verdict.seen[value])):
        refusals.same_value(preflight.before, new, value, missing + verdict.seen[value])


def _check_backfill(preflight: Preflight, new: FieldSchema, value: Any) -> None:
    """A relation's value for existing rows must be the key of a row that is there."""
    if value is None or not new.is_relation:
        return
    if not values.keys_present(new, [value], preflight.using, preflight.lookup, preflight.before):
        refusals.no_row(preflight.before, new, value, preflight.total)


def _check_target(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> None:
    verdict = judging.dangling(preflight.using, preflight.before, old, new, preflight.lookup)
    returning = old.retired or preflight.before.retired
    if returning and preflight.said(new).on_error == "null":
        _note(preflight, new, lost=verdict.count)
        return
    refusals.dangling(preflight.before, new, verdict)


def _check_unique(preflight: Preflight, old: FieldSchema, new: FieldSchema, filled: int, value: Any) -> None:
    verdict = judging.duplicates(preflight.rows(old), [old])
    if old.type in conversions.TEXT and fields.nullable(new):
        samples = [s for s in verdict.samples if s[0] != ""]
        empty = any(s[0] == "" for s in verdict.samples)
        verdict = Verdict(count=verdict.count - empty, samples=samples, total=verdict.total)
    taken = filled == 1 and value is not None and judging.has(preflight.rows(old), old, value)
    if verdict.count or filled > 1 or taken:
        samples = verdict.samples or [value]
        refusals.not_unique(preflight.before, new, verdict.count or filled, samples)


def _check_together(preflight: Preflight) -> None:
    before, after = preflight.before, preflight.after
    new = [f for f in after.fields if f.unique_together]
    old = {f.id: f.storage for f in before.fields if f.unique_together}
    if not new or {f.id: f.storage for f in new} == old:
        return
    known = {f.storage: f for f in (*before.retired_fields, *before.fields)}
    if any((_differs_by_row(f) and f.storage not in known) or preflight.said(f).path for f in new):
        # What comes back differs by row, and is for the database to compare.
        return
    if all(
        known.get(f.storage) in before.fields and not _is_filled(preflight, known[f.storage], f) for f in new
    ):
        present = [known[f.storage] for f in new]
        verdict = judging.duplicates(preflight.rows(*present), present)
    else:
        members = [_member(preflight, f) for f in new]
        if any(source is not None and source.is_many_to_many for source, _ in members):
            # Links that become references are for the database to compare.
            return
        columns = [source for source, _ in members if source is not None]
        verdict = judging.combined(preflight.rows(*columns), members)
    refusals.not_together(after, [f.name for f in new], verdict)


def _is_filled(preflight: Preflight, old: FieldSchema, new: FieldSchema) -> bool:
    """Whether rows that have no value get one in the same column."""
    return (old.retired or fields.nullable(old)) and not fields.nullable(new)


def _member(preflight: Preflight, new: FieldSchema) -> judging.Member:
    """What a member of a combination will be: from its own column, from another, or the same everywhere."""
    before, said = preflight.before, preflight.said(new)
    former = before.field(new.id)
    own = {f.storage: f for f in (*before.retired_fields, *before.fields)}.get(new.storage)
    value = values.existing(new, said)
    if value is None and not fields.nullable(new) and fields.takes_empty(new):
        value = ""
    if own is None and (former is None or said.on_error == "keep"):
        # A new column: all rows get the same.
        return None, lambda _: value
    source = own
    made: Callable[[Any], Any] = _as_it_is
    if own is None and former is not None:
        source, made = former, reverting.forward(former, new, said)
    filled = None if fields.nullable(new) else value
    assert source is not None
    return source, lambda present: filled if (result := made(present)) is None else result


def _as_it_is(value: Any) -> Any:
    return value


def _note(preflight: Preflight, new: FieldSchema, **counts: int) -> None:
    preflight.counts.setdefault(new.id, {}).update(counts)


def _differs_by_row(column: FieldSchema) -> bool:
    return bool(column.options.get("default_factory") == "uuid4")


def _empty_will_do(column: FieldSchema) -> bool:
    """Optional text takes '' where other fields need a value."""
    return fields.takes_empty(column) and not column.required
