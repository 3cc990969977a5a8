"""Differences: what separates two moments of the schema, compared by stable id, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from dynamo import moments, wording
from dynamo.moments import At
from events.diff import diff as events_between
from events.schema import Frozen, ModelSchema, Schema, thaw
from events.types import Event, FieldEvent

ADDED, REMOVED, RENAMED, CHANGED, MOVED = "added", "removed", "renamed", "changed", "moved"
KINDS: Final = {
    "model.created": ADDED,
    "model.purged": REMOVED,
    "model.renamed": RENAMED,
    "model.altered": CHANGED,
    "field.added": ADDED,
    "field.purged": REMOVED,
    "field.renamed": RENAMED,
    "field.altered": CHANGED,
    "field.reordered": MOVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. `model` and `field` are names as they are on the later side, else on the earlier.

    `before` and `after` hold the attributes that differ; for what was added or removed, all of them.
    """

    kind: str
    sentence: str
    model: str
    field: str
    model_id: str
    field_id: str
    before: Frozen
    after: Frozen

    def as_dict(self) -> dict[str, Any]:
        return {name: thaw(getattr(self, name)) for name in self.__slots__}


def diff(a: At | Schema, b: At | Schema = None) -> list[Difference]:
    """What separates two moments, or schemas, model by model; from `a` to `b`, which is now unless given.

    Only what is live counts: what is retired is not there. Physical names do not count either.
    """
    before, after = (one if isinstance(one, Schema) else moments.schema(one) for one in (a, b))
    keys = {m.id: (m.app, m.name) for schema in (before, after) for m in schema.live()}
    found: list[Difference] = []
    for model_id in sorted(keys, key=lambda key: (keys[key], key)):
        found += between(before.models.get(model_id), after.models.get(model_id), before, after)
    return found


def between(
    old: ModelSchema | None, new: ModelSchema | None, before: Schema, after: Schema
) -> Iterator[Difference]:
    """What separates two schemas of one model."""
    old, new = _live(old), _live(new)
    for event in events_between(old, new):
        sides = [model for model in (new, old) if model is not None]
        label = sides[0].label
        field = _field_name(event, sides)
        shown = _shown(event, before, after)
        if shown is not None:
            yield Difference(
                kind=KINDS[event.type],
                sentence=wording.happened(shown, label, field),
                model=label,
                field=field,
                model_id=event.stream_id,
                field_id=event.field_id if isinstance(event, FieldEvent) else "",
                before=shown.before,
                after=shown.after,
            )


def _live(model: ModelSchema | None) -> ModelSchema | None:
    """Without tombstones and physical names, so that they make no difference."""
    if model is None or model.retired:
        return None
    fields = tuple(replace(f, storage="", column="", table="", link_columns=()) for f in model.fields)
    return replace(model, db_table="", fields=fields, retired_fields=())


def _shown(event: Event, before: Schema, after: Schema) -> Event | None:
    """The event with targets by name; None for one that says nothing to a reader."""
    left, right = _readable(event.before, before), _readable(event.after, after)
    return replace(event, before=left, after=right) if left or right else None


def _readable(side: Frozen, schema: Schema) -> Frozen:
    out = {name: value for name, value in side.items() if name not in wording.PHYSICAL}
    target = out.get("related_model")
    if target and "." not in target:
        known = schema.models.get(target)
        out["related_model"] = target if known is None else known.label
    return Frozen(out)


def _field_name(event: Event, sides: list[ModelSchema]) -> str:
    if not isinstance(event, FieldEvent):
        return ""
    return next((f.name for model in sides if (f := model.field(event.field_id)) is not None), event.field_id)
