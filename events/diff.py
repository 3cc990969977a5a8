"""The diff: two schemas of one model, compared by stable id, as the events between them. No Django."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from events.fold import evolve
from events.schema import FieldSchema, Frozen, ModelSchema, changed
from events.types import (
    Event,
    FieldAdded,
    FieldAltered,
    FieldPurged,
    FieldRenamed,
    FieldReordered,
    FieldRestored,
    FieldRetired,
    ModelAltered,
    ModelCreated,
    ModelPurged,
    ModelRenamed,
    ModelRestored,
    ModelRetired,
)

NAMING = frozenset({"name", "app", "db_table"})
FIELD_NAMING = frozenset({"name", "column", "table", "link_columns"})
PRESENTATION = frozenset({"verbose_name", "description", "help", "choices", "default"})
TYPING = frozenset({"type", "related_model", "storage"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What the change set says about the rows of one field.

    `kept` is the former column of a field that gets another one. `path` are the conversions that led from a
    column that comes back to the one that is there; see `events.lineage`.
    """

    backfill: Any = None
    on_error: str = "fail"
    error_value: Any = None
    kept: FieldSchema | None = None
    path: tuple[Frozen, ...] = ()


def diff(
    before: ModelSchema | None, after: ModelSchema | None, handling: Mapping[str, Handling] | None = None
) -> Iterator[Event]:
    """Yield the events that lead from one schema of a model to another, retirements first.

    `handling` is by the id of a field, or of the model for what concerns all of its rows.
    """
    if after is None:
        if before is not None:
            yield ModelPurged(stream_id=before.id, before=Frozen(before.attributes()))
        return
    if before is None:
        yield ModelCreated(stream_id=after.id, after=Frozen(after.attributes()))
        before = ModelSchema(**after.attributes())
    else:
        events = list(_model_events(before, after, (handling or {}).get(after.id, Handling())))
        yield from events
        for event in events:
            before = evolve(before, event) or before
    yield from _field_events(before, after, handling or {})


def _model_events(before: ModelSchema, after: ModelSchema, said: Handling) -> Iterator[Event]:
    old, new = before.attributes(), after.attributes()
    moved = changed(old, new)
    if "retired" in moved:
        if after.retired:
            yield _moved(ModelRetired, before, after, moved)
        else:
            yield _moved(ModelRestored, before, after, moved, on_error=said.on_error)
        return
    if moved & NAMING:
        yield _moved(ModelRenamed, before, after, moved & NAMING)
    if moved - NAMING:
        yield ModelAltered(stream_id=after.id, **_sides(old, new, moved - NAMING))


def _moved(
    cls: type[Any], before: ModelSchema, after: ModelSchema, names: frozenset[str], **said: Any
) -> Event:
    """A model that changes its name takes its link tables with it: `tables`, by field id."""
    sides = {key: dict(side) for key, side in _sides(before.attributes(), after.attributes(), names).items()}
    old, new = ({f.id: _link(f) for f in m.fields if f.table} for m in (before, after))
    tables = [key for key in new if key in old and new[key] != old[key]]
    if tables:
        sides["before"]["tables"] = {key: old[key] for key in tables}
        sides["after"]["tables"] = {key: new[key] for key in tables}
    event: Event = cls(stream_id=after.id, **sides, **said)
    return event


def _link(field: FieldSchema) -> dict[str, Any]:
    return {"table": field.table, "link_columns": field.link_columns}


def _field_events(
    before: ModelSchema, after: ModelSchema, handling: Mapping[str, Handling]
) -> Iterator[Event]:
    old = {f.id: f for f in before.fields}
    new = {f.id: f for f in after.fields}
    gone = {f.id: f for f in before.retired_fields}
    kept = {f.id: f for f in after.retired_fields}
    for field_id, field in old.items():
        if field_id not in new:
            yield _gone(after.id, field, kept.get(field_id))
    for field_id, field in gone.items():
        if field_id in new:
            said = handling.get(field_id, Handling())
            words = {"backfill": said.backfill, "on_error": said.on_error}
            yield _changed(FieldRestored, after.id, field, new[field_id], **words)
        elif field_id not in kept and not _is_revived(field, old, new):
            yield FieldPurged(stream_id=after.id, field_id=field_id, before=Frozen(field.attributes()))
    revived = {f.storage: f.id for f in gone.values() if f.id not in kept and f.id not in new}
    converted = {said.kept.id for said in handling.values() if said.kept is not None}
    for field_id in sorted(kept.keys() - old.keys() - gone.keys() - converted):
        yield from _kept_after_all(after.id, kept[field_id])
    for field_id, field in new.items():
        if field_id in old:
            said = handling.get(field_id, Handling())
            moved = old[field_id].storage != field.storage
            came = revived.get(field.storage) if moved else None
            yield from _altered(after.id, old[field_id], field, said, came)
        elif field_id not in gone:
            yield _added(after.id, field, handling.get(field_id, Handling()))


def _is_revived(gone: FieldSchema, old: Mapping[str, FieldSchema], new: Mapping[str, FieldSchema]) -> bool:
    """Whether a live field has this kept column as its own again."""
    moved = (f for f in new.values() if f.id in old and old[f.id].storage != f.storage)
    return any(f.storage == gone.storage for f in moved)


def _gone(model_id: str, field: FieldSchema, kept: FieldSchema | None) -> Event:
    """A live field is retired, or was never to be: then it goes with its column."""
    if kept is not None:
        return _changed(FieldRetired, model_id, field, kept)
    return FieldPurged(stream_id=model_id, field_id=field.id, before=Frozen(field.attributes()))


def _kept_after_all(model_id: str, field: FieldSchema) -> Iterator[Event]:
    """A purge that is taken back before anything was dropped."""
    live = replace(field, retired=False)
    yield _added(model_id, live, Handling())
    yield _changed(FieldRetired, model_id, live, field)


def _added(model_id: str, field: FieldSchema, handling: Handling) -> FieldAdded:
    attributes = Frozen(field.attributes())
    return FieldAdded(stream_id=model_id, field_id=field.id, after=attributes, backfill=handling.backfill)


def _changed(cls: type[Any], model_id: str, old: FieldSchema, new: FieldSchema, **said: Any) -> Event:
    before, after = old.attributes(), new.attributes()
    sides = _sides(before, after, changed(before, after))
    event: Event = cls(stream_id=model_id, field_id=new.id, **sides, **said)
    return event


def _altered(
    model_id: str, old: FieldSchema, new: FieldSchema, handling: Handling, revived: str | None
) -> Iterator[Event]:
    if old is new:
        # Most fields of a changed model are the very same object.
        return
    before, after = old.attributes(), new.attributes()
    moved = changed(before, after)
    if moved & FIELD_NAMING:
        names = moved & FIELD_NAMING
        yield FieldRenamed(stream_id=model_id, field_id=new.id, **_sides(before, after, names))
    if "order" in moved:
        order = frozenset({"order"})
        yield FieldReordered(stream_id=model_id, field_id=new.id, **_sides(before, after, order))
    rest = moved - FIELD_NAMING - {"order"}
    if rest:
        yield FieldAltered(
            stream_id=model_id,
            field_id=new.id,
            kind=_kind(rest),
            destructive=handling.on_error != "fail",
            backfill=handling.backfill,
            on_error=handling.on_error,
            error_value=handling.error_value,
            kept=None if handling.kept is None else Frozen(handling.kept.attributes()),
            revived=None if revived is None else Frozen({"id": revived, "path": handling.path}),
            **_sides(before, after, rest),
        )


def _kind(names: frozenset[str]) -> str:
    if names & TYPING:
        return "type"
    return "presentation" if names <= PRESENTATION else "constraint"


def _sides(old: dict[str, Any], new: dict[str, Any], names: frozenset[str]) -> dict[str, Frozen]:
    return {
        "before": Frozen({name: old[name] for name in names}),
        "after": Frozen({name: new[name] for name in names}),
    }
