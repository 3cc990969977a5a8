"""Lineage: the conversions that led from a field's former column to its present one. No Django.

A conversion is recorded as JSON: `source` and `column` are the attributes of the field in either column,
`backfill`, `on_error` and `error_value` what was said about rows that had no value, or one that did not fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from events.fold import evolve
from events.schema import FieldSchema, Frozen, ModelSchema
from events.types import Event, FieldAltered


@dataclass(slots=True)
class Trail:
    """The columns that a field left, the oldest first, each with what led to the next."""

    steps: list[tuple[str, tuple[Frozen, ...]]] = field(default_factory=list)

    def leave(self, storage: str, path: tuple[Frozen, ...]) -> None:
        """A column that was left before was come back to: what lies between is a detour."""
        known = next((n for n, (left, _) in enumerate(self.steps) if left == storage), len(self.steps))
        self.steps = [*self.steps[:known], (storage, path)]

    def since(self, storage: str) -> tuple[Frozen, ...]:
        """All conversions since a column was left; none if it never was."""
        left = [n for n, (column, _) in enumerate(self.steps) if column == storage]
        return tuple(one for _, path in self.steps[left[0] :] for one in path) if left else ()


def trails(model: ModelSchema | None, events: Iterable[Event]) -> dict[str, Trail]:
    """By field id: what became of the columns that a model had, after the events of its stream since."""
    found: dict[str, Trail] = {}
    for event in events:
        after = evolve(model, event)
        if isinstance(event, FieldAltered) and event.kept is not None and after is not None:
            changed = after.field(event.field_id)
            assert changed is not None
            kept = FieldSchema(**event.kept)
            trail = found.setdefault(event.field_id, Trail())
            trail.leave(kept.storage, _path(event, kept, changed))
        model = after
    return found


def _path(event: FieldAltered, kept: FieldSchema, changed: FieldSchema) -> tuple[Frozen, ...]:
    """A column that came back is related to the one it replaced by what had led from it to there."""
    if event.revived is not None:
        path: tuple[Frozen, ...] = event.revived["path"]
        return path
    said = {"backfill": event.backfill, "on_error": event.on_error, "error_value": event.error_value}
    return (Frozen({"source": Frozen(kept.attributes()), "column": Frozen(changed.attributes()), **said}),)
