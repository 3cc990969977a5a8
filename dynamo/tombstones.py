"""Tombstones: what was retired and is kept, since when, with how many values; and those values as lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from dynamo import record, retired
from events import store
from events.schema import FieldSchema, ModelSchema
from projections import conf
from projections.ddl import physical
from projections.ddl.rows import Rows
from projections.registry import registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A retired model, or a column that a field had. `id` is what `restore` and `purge` take.

    `values` counts the rows of a model, the values of a column, or the links of a many-to-many.
    """

    id: str
    model_id: str
    label: str
    kind: str
    table: str
    column: str
    position: int
    since: datetime
    values: int

    @property
    def held(self) -> str:
        """How much there is, in words."""
        what = "row" if self.kind == "model" else "value"
        return f"{self.values} {what}" if self.values == 1 else f"{self.values} {what}s"

    @property
    def kept_until(self) -> datetime | None:
        """Until when it cannot be purged; None if it can be."""
        return retired.kept_until(self.since)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def tombstones(older_than: timedelta | None = None) -> list[Tombstone]:
    """Everything that was retired and not purged, the oldest first."""
    record.write_open()
    registry.ensure_loaded()
    found = _described(list(retired.every()))
    limit = None if older_than is None else datetime.now(UTC) - older_than
    return sorted((t for t in found if limit is None or t.since <= limit), key=lambda t: t.position)


def tombstone(what: str) -> Tombstone | None:
    """The one with that id."""
    registry.ensure_loaded()
    found = [(m, f) for m, f in retired.every() if what == (m.id if f is None else f.id)]
    return next(iter(_described(found)), None)


def lines(tombstone: Tombstone) -> Iterator[bytes]:
    """The values that a purge would drop, a JSON object per row; memory stays constant."""
    model = next(m for m, f in retired.every() if tombstone.id == (m.id if f is None else f.id))
    using = conf.database()
    columns = physical.table(model).columns
    if tombstone.kind == "model":
        wanted = list(columns.values())
    else:
        field = model.retired_field(tombstone.id)
        assert field is not None
        if field.is_many_to_many:
            yield from _links(field, using)
            return
        wanted = [field]
    rows = Rows(model.db_table, wanted, using, registry.schema, model)
    names = {column.storage: _name(column, wanted) for column in wanted}
    for batch in rows.whole(wanted):
        for key, values in batch:
            shown = {names[storage]: value for storage, value in values.items() if value is not None}
            if shown or tombstone.kind == "model":
                yield _line({"id": key, **shown})
    if tombstone.kind == "model":
        for field in (f for f in (*model.fields, *model.retired_fields) if f.is_many_to_many):
            yield from _links(field, using)


def _described(pairs: list[tuple[ModelSchema, FieldSchema | None]]) -> list[Tombstone]:
    times = store.times(conf.database(), {retired.retired_at(*pair) for pair in pairs})
    return [_tombstone(*pair, times) for pair in pairs]


def _tombstone(model: ModelSchema, field: FieldSchema | None, times: dict[int, str]) -> Tombstone:
    position = retired.retired_at(model, field)
    table, column = model.db_table, ""
    if field is not None:
        table, column = (field.table, "") if field.is_many_to_many else (table, field.column)
    return Tombstone(
        id=model.id if field is None else field.id,
        model_id=model.id,
        label=model.label if field is None else f"{model.label}.{field.name}",
        kind="model" if field is None else "field",
        table=table,
        column=column,
        position=position,
        since=datetime.fromisoformat(times[position]),
        values=_count(model, field),
    )


def _count(model: ModelSchema, field: FieldSchema | None) -> int:
    using = conf.database()
    if field is None:
        return Rows(model.db_table, (), using, registry.schema, model).count()
    if field.is_many_to_many:
        return Rows(field.table, (), using, registry.schema, model).count()
    return Rows(model.db_table, [field], using, registry.schema, model).count_values(field)


def _links(field: FieldSchema, using: str) -> Iterator[bytes]:
    for source, target in Rows.pairs(field.table, field.link_columns, using):
        yield _line({"field": field.name, "from": source, "to": target})


def _name(column: FieldSchema, wanted: list[FieldSchema]) -> str:
    """The field's name, or the column's where several were called that."""
    same = [one for one in wanted if one.name == column.name]
    return column.name if len(same) == 1 or not column.retired else column.column


def _line(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, default=_plain, option=orjson.OPT_APPEND_NEWLINE)


def _plain(value: Any) -> str:
    """What JSON has no word for: bytes as hexadecimal, all else as text."""
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)
