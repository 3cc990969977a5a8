"""The twelve signals around a change set: pre_* before the tables change, post_* after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.apps.registry import Apps
from django.db import models
from django.dispatch import Signal

from dynamo import intent
from events.schema import FieldSchema, ModelSchema
from events.types import Context, Recorded
from projections import classes, fields, stream
from projections.generated import GeneratedModel
from projections.registry import registry
from projections.signals import ANNOUNCED_BY, SIGNALS
from projections.transition import Change, Transition


def before(transition: Transition, context: Context) -> None:
    """Send pre_* inside the transaction; a receiver that raises refuses the whole change set."""
    for signal, sender, arguments in _calls("pre", transition, context):
        signal.send(sender=sender, **arguments)


def after(transition: Transition, context: Context) -> None:
    """Send post_* once it is committed; a receiver that raises is logged and stops nothing."""
    stream.wake()
    for signal, sender, arguments in _calls("post", transition, context):
        signal.send_robust(sender=sender, **arguments)


def _calls(
    when: str, transition: Transition, context: Context
) -> Iterator[tuple[Signal, Any, dict[str, Any]]]:
    for key, recorded in _grouped(transition):
        kind = ANNOUNCED_BY[recorded[0].type]
        signal = SIGNALS[f"{when}_{kind}"]
        if not signal.receivers:
            continue
        model_id, field_id = key
        change = transition.changes[model_id]
        common = {"events": recorded, "position": recorded[-1].position, "actor": context.actor}
        if field_id is None:
            arguments = _model_arguments(when, kind, change)
            yield signal, apps.get_model("dynamo", "MetaModel"), {**arguments, **common}
        else:
            arguments = _field_arguments(kind, change, field_id, transition)
            yield signal, _sender(when, change), {**arguments, **common}


def _grouped(transition: Transition) -> Iterator[tuple[tuple[str, str | None], tuple[Recorded, ...]]]:
    """One announcement per model or field and kind, however many events it took."""
    groups: dict[tuple[str, str | None, str], list[Recorded]] = {}
    for recorded in transition.events:
        kind = ANNOUNCED_BY.get(recorded.type)
        # A purge is announced to nobody: for the process, the field or model went when it was retired.
        if kind is not None and not recorded.type.endswith(".purged"):
            field_id = getattr(recorded.event, "field_id", None)
            groups.setdefault((recorded.stream_id, field_id, kind), []).append(recorded)
    for (model_id, field_id, _), found in groups.items():
        yield (model_id, field_id), tuple(found)


def _model_arguments(when: str, kind: str, change: Change) -> dict[str, Any]:
    old = _model(change.before, live=when == "pre")
    new = _model(change.after, live=when == "post")
    if kind == "model_creation":
        return {"new_model": new}
    if kind == "model_delete":
        return {"old_model": old}
    schemas = {"old_schema": change.before, "new_schema": change.after}
    return {"old_model": old, "new_model": new, **schemas}


def _field_arguments(kind: str, change: Change, field_id: str, transition: Transition) -> dict[str, Any]:
    old = _row(change.before, field_id, transition.before)
    new = _row(change.after, field_id, transition.after)
    if kind == "field_creation":
        return {"new_field": new}
    if kind == "field_delete":
        return {"old_field": old}
    return {"old_field": old, "new_field": new}


def _sender(when: str, change: Change) -> Any:
    """The generated class, so that receivers can ask for one model's fields."""
    if when == "post" or change.before is None:
        return _model(change.after, live=True)
    return _model(change.before, live=True)


def _model(schema: ModelSchema | None, *, live: bool) -> Any:
    """The class in use, or a detached one that shows a former or coming shape."""
    if schema is None:
        return None
    found = registry.model_class(schema.id) if live else None
    return found if found is not None else detached(schema)


def detached(schema: ModelSchema) -> type[models.Model]:
    """A class of that shape which no registry knows; its relations lead nowhere."""
    scratch = Apps()
    body_fields = {f.name: _detached_field(f) for f in schema.fields if not f.is_many_to_many}
    meta = type("Meta", (), {"apps": scratch, "app_label": schema.app, "db_table": schema.db_table})
    body = {"__module__": classes.MODULE, "Meta": meta, "dynamo_id": schema.id, **body_fields}
    return type(schema.name, (GeneratedModel,), body)


def _detached_field(field: FieldSchema) -> Any:
    if field.is_relation:
        return models.BigIntegerField(db_column=field.column, null=True)
    return fields.build(field)


def _row(schema: ModelSchema | None, field_id: str, lookup: Any) -> Any:
    """An unsaved MetaField with the attributes of that field."""
    field = None if schema is None else schema.field(field_id) or schema.retired_field(field_id)
    if schema is None or field is None:
        return None
    cls = apps.get_model("dynamo", "MetaField")
    attributes = intent.field_row(field, schema, _Lookup(lookup))
    return cls(pk=UUID(field.id), meta_model_id=UUID(schema.id), **attributes)


class _Lookup:
    def __init__(self, lookup: Any) -> None:
        self.model = lookup

    def named(self, app: str, name: str) -> ModelSchema | None:
        return registry.schema_of(app, name)
