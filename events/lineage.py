"""Lineage: the conversions that led from a field's former column to its present one. No Django.

A conversion is recorded as JSON: `source` and `column` are the attributes of the field in either column,
`backfill`, `on_error` and `error_value` what was said about rows that had no value, or one that did not fit;
`filled` are values that rows without one got in that column later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from events.fold import evolve
from events.schema import FieldSchema, Frozen, ModelSchema
from events.types import Event, FieldAltered, FieldRestored


@dataclass(slots=True)
class Trail:
    """The columns that a field had, and by which conversions each two of them are related."""

    related: dict[frozenset[str], tuple[Frozen, ...]] = field(default_factory=dict)
    filled: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def relate(self, one: str, other: str, path: tuple[Frozen, ...]) -> None:
        self.related[frozenset((one, other))] = path

    def fill(self, column: FieldSchema, backfill: Any = None) -> None:
        """Rows without a value got one in place: what was said, or else the default."""
        value = column.default if backfill is None else backfill
        if value is not None:
            self.filled[column.storage] = (*self.filled.get(column.storage, ()), value)

    def forget(self, storage: str) -> None:
        """A column that was never filled, as its conversion failed."""
        self.related = {pair: path for pair, path in self.related.items() if storage not in pair}

    def between(self, start: str, end: str) -> tuple[Frozen, ...]:
        """The conversions that relate two columns, by as few steps as there are; none if nothing does."""
        reached: dict[str, tuple[Frozen, ...]] = {start: ()}
        waiting = [start]
        for at in waiting:
            for pair, path in self.related.items():
                if at in pair:
                    (other,) = pair - {at}
                    if other not in reached:
                        reached[other] = (*reached[at], *path)
                        waiting.append(other)
        return tuple(
            Frozen({**item, "filled": self.filled.get(item["column"]["storage"], ())})
            for item in reached.get(end, ())
        )


def trails(model: ModelSchema | None, events: Iterable[Event]) -> dict[str, Trail]:
    """By field id: what became of the columns that a model had, after the events of its stream since."""
    found: dict[str, Trail] = {}
    for event in events:
        after = evolve(model, event)
        if isinstance(event, FieldAltered) and after is not None:
            changed = after.field(event.field_id)
            assert changed is not None
            trail = found.setdefault(event.field_id, Trail())
            if event.kept is not None:
                kept = FieldSchema(**event.kept)
                trail.relate(kept.storage, changed.storage, _path(event, kept, changed))
            elif event.revived is not None and not _has_column(after, event.before["storage"]):
                # A conversion that failed on MariaDB, and was taken back with its column.
                trail.forget(event.before["storage"])
            elif event.revived is None and changed.required:
                trail.fill(changed, event.backfill)
        elif isinstance(event, FieldRestored) and event.backfill is not None and after is not None:
            restored = after.field(event.field_id)
            assert restored is not None
            found.setdefault(event.field_id, Trail()).fill(restored, event.backfill)
        model = after
    return found


def _has_column(model: ModelSchema, storage: str) -> bool:
    return any(f.storage == storage for f in (*model.fields, *model.retired_fields))


def _path(event: FieldAltered, kept: FieldSchema, changed: FieldSchema) -> tuple[Frozen, ...]:
    """A column that came back is related to the one it replaced by what had led from it to there."""
    if event.revived is not None:
        path: tuple[Frozen, ...] = event.revived["path"]
        return path
    said = {"backfill": event.backfill, "on_error": event.on_error, "error_value": event.error_value}
    return (Frozen({"source": Frozen(kept.attributes()), "column": Frozen(changed.attributes()), **said}),)
