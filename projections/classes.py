"""ModelSchema -> class: made once, then changed in place so that whoever holds it keeps a valid class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from django.apps import apps
from django.db import models
from django.utils.module_loading import import_string
from django.utils.text import camel_case_to_spaces, format_lazy

from events.schema import FieldSchema, ModelSchema
from projections import conf, fields, relations
from projections.generated import GeneratedModel

Lookup: TypeAlias = Callable[[str], ModelSchema | None]

MODULE: Final = "projections.generated"
CHOSEN: Final = ("verbose_name", "verbose_name_plural", "ordering")
KEY: Final = models.BigAutoField(verbose_name="ID", primary_key=True, auto_created=True, serialize=False)


def create(schema: ModelSchema, lookup: Lookup, registry: Any) -> type[models.Model]:
    """Make the class and register it with `registry`, an app registry or a facade of one."""
    attributes: dict[str, Any] = {"__module__": MODULE, "dynamo_id": schema.id, "id": fields.duplicate(KEY)}
    # What is not chosen, Django derives as `verbose_name` and `verbose_name_plural` below do.
    chosen = {name: schema.options[name] for name in CHOSEN if schema.options.get(name)}
    named = {"app_label": schema.app, "db_table": schema.db_table, **chosen}
    attributes["Meta"] = type("Meta", (), {"apps": registry, "constraints": constraints(schema), **named})
    for field in schema.fields:
        attributes[field.name] = django_field(field, schema, lookup)
    attributes["dynamo_display"] = display(schema)
    made: type[models.Model] = type(schema.name, bases(schema), attributes)
    return made


def update(
    model: Any, before: ModelSchema, after: ModelSchema, lookup: Lookup, renamed: frozenset[str]
) -> None:
    """Bring a class that is in use up to its schema, keeping its identity.

    `renamed` are the ids of models that changed their name in the same transition: link tables and
    accessors carry those names.
    """
    former = {f.id: f for f in before.fields}
    here = {f.dynamo_id: f for f in own_fields(model)}
    kept = {f.id for f in after.fields if f.id in here and _stays(former.get(f.id), f, after.id, renamed)}
    gone = [here[key] for key in former if key in here and key not in kept]
    fresh = [f for f in after.fields if f.id not in kept]
    if gone or fresh:
        order = {f.id: index for index, f in enumerate(after.fields)}
        made = [_named(django_field(f, after, lookup), f.name) for f in fresh]
        relations.swap(model, gone, made, lambda f: order.get(getattr(f, "dynamo_id", ""), -1))
    describe(model, before, after)


def _stays(former: FieldSchema | None, field: FieldSchema, model_id: str, renamed: frozenset[str]) -> bool:
    """Whether the class's field is what it should be; one that is new in the schema was made of that."""
    if former is None:
        return True
    if former is not field and not former.is_like(field):
        return False
    moved = model_id in renamed or (field.is_many_to_many and field.related_model in renamed)
    return not (moved and field.is_relation)


def _named(field: Any, name: str) -> Any:
    field.name = name
    return field


def own_fields(model: Any) -> list[Any]:
    """The Django fields that stand for FieldSchemas: all but the primary key."""
    every = (*model._meta.local_fields, *model._meta.local_many_to_many)
    return [f for f in every if hasattr(f, "dynamo_id")]


def name_class(model: Any, schema: ModelSchema) -> None:
    wanted = bases(schema)
    if model.__bases__ != wanted:
        # The project names bases by label, and the label may just have changed.
        model.__bases__ = wanted
    model.__name__ = model.__qualname__ = schema.name
    relations.renew(
        model,
        object_name=schema.name,
        model_name=schema.name.lower(),
        app_label=schema.app,
        db_table=schema.db_table,
    )
    for field in model._meta.local_fields:
        # Django keeps each column's expression with its table's name on the field.
        field.__dict__.pop("cached_col", None)


def describe(model: Any, before: ModelSchema, after: ModelSchema) -> None:
    """Set what does not concern fields: names for people, ordering, constraints, `__str__`."""
    together = [[(f.storage, f.name) for f in m.fields if f.unique_together] for m in (before, after)]
    if (before.options, before.name) != (after.options, after.name) or together[0] != together[1]:
        relations.renew(
            model,
            verbose_name=verbose_name(after),
            verbose_name_plural=verbose_name_plural(after),
            ordering=tuple(after.options.get("ordering", ())),
            constraints=constraints(after),
        )
    model.dynamo_display = display(after)
    model.__doc__ = f"{after.name}({', '.join(['id', *(f.name for f in after.fields)])})"


def django_field(field: FieldSchema, model: ModelSchema, lookup: Lookup) -> Any:
    made = fields.build(field, target_label(field, model, lookup) if field.is_relation else None)
    made.dynamo_id = field.id  # type: ignore[attr-defined]  # our mark on Django's object
    return relations.fresh(made) if field.is_relation else made


def target_label(field: FieldSchema, model: ModelSchema, lookup: Lookup) -> str:
    """The "app.Model" that a relation refers to, under its present name."""
    if field.related_model == model.id:
        return "self"
    if "." in field.related_model:
        return field.related_model
    target = lookup(field.related_model)
    if target is None:
        raise LookupError(f"{model.label}.{field.name} refers to model {field.related_model}, which is gone")
    return target.label


def bases(schema: ModelSchema) -> tuple[type, ...]:
    """The project's own base of this model, named in its settings, before ours."""
    path = conf.get("DYNAMO_MODEL_BASES").get(schema.label)
    return (GeneratedModel,) if path is None else (import_string(path), GeneratedModel)


def verbose_name(schema: ModelSchema) -> str:
    return str(schema.options.get("verbose_name") or camel_case_to_spaces(schema.name))


def verbose_name_plural(schema: ModelSchema) -> Any:
    return schema.options.get("verbose_name_plural") or format_lazy("{}s", verbose_name(schema))


def display(schema: ModelSchema) -> str:
    """The field shown by `__str__`: the chosen one, else the first text field."""
    chosen = schema.options.get("display")
    if chosen:
        return str(chosen)
    rows = ((f.name, fields.field_type(f.type)) for f in schema.fields)
    return next((name for name, row in rows if row is not None and row.is_text), "")


def constraints(schema: ModelSchema) -> list[Any]:
    """All fields flagged unique_together form one constraint."""
    names = [f.name for f in schema.fields if f.unique_together]
    return [models.UniqueConstraint(fields=names, name=together_name(schema))] if names else []


def together_name(schema: ModelSchema) -> str:
    return f"together_{schema.id.replace('-', '')}"


def hand_written(label: str) -> type[models.Model] | None:
    """The class of a hand-written model, or None; generated models are not looked at."""
    app_label, _, name = label.partition(".")
    entries = apps.all_models.get(app_label, {})
    return dict.get(entries, name.lower())


def key_of(reference: str) -> Any:
    """The primary key field that a relation refers to, past keys that are relations themselves."""
    target = hand_written(reference) if "." in reference else None
    key: Any = models.BigAutoField(primary_key=True) if target is None else target._meta.pk
    while key.remote_field:
        key = key.target_field
    return key
