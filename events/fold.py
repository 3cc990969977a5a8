"""The fold: a model's schema is what its events say, one after the other. No Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

from events.exceptions import LogCorrupt
from events.schema import FieldSchema, Frozen, ModelSchema, Schema, in_order
from events.types import (
    Event,
    FieldAdded,
    FieldAltered,
    FieldEvent,
    FieldPurged,
    FieldRestored,
    FieldRetired,
    ModelCreated,
    ModelEvent,
    ModelPurged,
    Recorded,
    RegistryEvent,
)


def evolve(model: ModelSchema | None, event: Event) -> ModelSchema | None:
    """Apply one event to its model; None is a model that does not exist (yet, or any more)."""
    if isinstance(event, ModelCreated):
        if model is not None:
            raise LogCorrupt(f"model {event.stream_id} is created twice")
        return ModelSchema(**event.after, version=1)
    if model is None:
        raise LogCorrupt(f"{event.type} for model {event.stream_id}, which does not exist")
    after = _apply(event, model)
    return None if after is None else replace(after, version=model.version + 1)


def replay(events: Iterable[Recorded], start: Schema | None = None) -> Schema:
    """Fold recorded events, in position order, into a schema."""
    models: dict[str, Any] = dict(start.models) if start else {}
    position = start.position if start else 0
    for recorded in events:
        position = recorded.position
        advance(models, recorded)
    return Schema(position=position, models=Frozen(models))


def advance(models: dict[str, ModelSchema], recorded: Recorded) -> None:
    """Apply one recorded event to a mutable mapping of models by id."""
    event = recorded.event
    if isinstance(event, RegistryEvent):
        return
    try:
        after = evolve(models.get(event.stream_id), event)
    except (LogCorrupt, TypeError, ValueError, KeyError, AttributeError) as error:
        raise LogCorrupt(f"position {recorded.position}: {error}", position=recorded.position) from error
    if after is None:
        del models[event.stream_id]
    elif isinstance(event, ModelCreated):
        # A model that comes back after it was purged goes on in its stream.
        models[event.stream_id] = replace(after, version=recorded.stream_version)
    else:
        models[event.stream_id] = after


@singledispatch
def _apply(event: Event, model: ModelSchema) -> ModelSchema | None:
    raise LogCorrupt(f"no rule for {event.type}")


@_apply.register
def _(event: ModelEvent, model: ModelSchema) -> ModelSchema:
    attributes = dict(event.after)
    tables: Mapping[str, Any] = attributes.pop("tables", {})
    moved = tuple(replace(f, **tables.get(f.id, {})) for f in model.fields)
    return replace(model, **attributes, fields=moved)


@_apply.register
def _(event: ModelPurged, model: ModelSchema) -> None:
    return None


@_apply.register
def _(event: FieldEvent, model: ModelSchema) -> ModelSchema:
    field = replace(_live(model, event), **event.after)
    return model.with_field(field)


@_apply.register
def _(event: FieldAdded, model: ModelSchema) -> ModelSchema:
    return model.with_field(FieldSchema(**event.after))


@_apply.register
def _(event: FieldAltered, model: ModelSchema) -> ModelSchema:
    altered = model.with_field(replace(_live(model, event), **event.after))
    if event.revived is not None:
        altered = altered.without_retired(event.revived["id"])
    return altered if event.kept is None else altered.with_retired(FieldSchema(**event.kept))


@_apply.register
def _(event: FieldRetired, model: ModelSchema) -> ModelSchema:
    field = replace(_live(model, event), **event.after)
    return model.without_field(field.id).with_retired(field)


@_apply.register
def _(event: FieldRestored, model: ModelSchema) -> ModelSchema:
    field = replace(_retired(model, event), **event.after)
    return replace(model.without_retired(field.id), fields=in_order((*model.fields, field)))


@_apply.register
def _(event: FieldPurged, model: ModelSchema) -> ModelSchema:
    if model.field(event.field_id) is not None:
        return model.without_field(event.field_id)
    return model.without_retired(_retired(model, event).id)


def _live(model: ModelSchema, event: FieldEvent) -> FieldSchema:
    field = model.field(event.field_id)
    if field is None:
        raise LogCorrupt(f"{event.type} for field {event.field_id} that model {model.label} does not have")
    return field


def _retired(model: ModelSchema, event: FieldEvent) -> FieldSchema:
    field = model.retired_field(event.field_id)
    if field is None:
        raise LogCorrupt(f"{event.type} for field {event.field_id} that model {model.label} has not retired")
    return field
