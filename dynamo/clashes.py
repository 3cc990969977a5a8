"""Names that would get in each other's way: within a model, between models, and on relations' targets."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError

from dynamo import validators
from dynamo.overlay import Catalogue
from events.names import accessor, link_key
from events.schema import FieldSchema, ModelSchema
from projections import accessors, classes

# Attributes that Django sets on instances of the user model, which no class shows.
SET_ON_USERS: Final = frozenset({"backend"})


def check_model(model: ModelSchema, catalogue: Catalogue) -> None:
    """A model's name must be free among generated, hand-written and link-table models of its app."""
    holders = list(catalogue.holders(*model.key))
    for other in holders:
        if other.key == model.key and other.id != model.id:
            raise ValidationError(
                {"name": f"there is a model {other.label} already; names differ in more than case"}
            )
    if classes.hand_written(model.label) is not None:
        raise ValidationError(
            {"name": f"{model.label} is a model in the project's code; choose another name"}
        )
    for neighbour in holders:
        for field in neighbour.fields:
            if field.is_many_to_many and link_key(neighbour, field) == model.key:
                raise ValidationError(
                    {"name": f"Django names the link table of {neighbour.label}.{field.name} {model.name}"}
                )
    for field in model.fields:
        if field.is_many_to_many:
            _check_link(model, field, catalogue)


def check_fields(model: ModelSchema, catalogue: Catalogue) -> None:
    """Names and columns of a model's fields differ, and nothing that Django generates collides."""
    taken: dict[str, str] = {}
    for field in model.fields:
        for name in {field.name.lower(), field.column.lower()} - {""}:
            if name in taken:
                raise ValidationError(
                    {"name": f"{model.label} has the field {taken[name]!r} already; {name!r} is taken"}
                )
            taken[name] = field.name
    for field in model.fields:
        for name in generated_names(field):
            if name in taken:
                raise ValidationError({"name": f"{taken[name]!r} is a method that {field.name!r} generates"})
    for field in model.fields:
        if field.is_relation:
            check_relation(model, field, catalogue)
        if field.is_many_to_many:
            _check_link(model, field, catalogue)
    _check_incoming(model, catalogue)


def generated_names(field: FieldSchema) -> Iterator[str]:
    if field.choices:
        yield f"get_{field.name}_display".lower()
    if field.type in {"DateField", "DateTimeField"}:
        yield f"get_next_by_{field.name}".lower()
        yield f"get_previous_by_{field.name}".lower()


def check_relation(model: ModelSchema, field: FieldSchema, catalogue: Catalogue) -> None:
    """The way back of a relation must not replace anything that its target has."""
    name = accessor(model, field)
    if not name:
        return
    where = f"{model.label}.{field.name}"
    others = (m for m in catalogue.putting(field.related_model, name) if m.id != model.id)
    for other_model in (*others, model):
        for other in _putting(other_model, field.related_model, name):
            if other.id != field.id:
                raise ValidationError(
                    {
                        "options": f"{where} and {other_model.label}.{other.name} would both be found from "
                        f"their target as {name!r}; give one of them another options['related_name'], or "
                        "'+' for no way back"
                    }
                )
    taken = _taken(model, field, name, catalogue)
    if taken:
        raise ValidationError(
            {
                "options": f"{where}: its target has {name!r} already, {taken}; set options['related_name'] "
                "to another name, or to '+' for no way back"
            }
        )


def _putting(model: ModelSchema, reference: str, name: str) -> Iterator[FieldSchema]:
    """The relations of a model that put an attribute of that name on what they refer to."""
    return (f for f in model.fields if f.related_model == reference and accessor(model, f) == name)


def _taken(model: ModelSchema, field: FieldSchema, name: str, catalogue: Catalogue) -> str:
    """What of the target has that name; '' if nothing has."""
    if "." in field.related_model:
        return _taken_by_hand(model, field, name)
    if name in validators.MODEL_API:
        return "as part of Django's model API"
    target = model if field.related_model == model.id else catalogue.model(field.related_model)
    for other in () if target is None else target.fields:
        if name in {other.name, other.column} or name.lower() in generated_names(other):
            return f"from its field {other.name!r}"
    return ""


def _taken_by_hand(model: ModelSchema, field: FieldSchema, name: str) -> str:
    """Also by a relation to a class that the target inherits from, or is a proxy of."""
    target: Any = classes.hand_written(field.related_model)
    if name in SET_ON_USERS and target._meta.label == settings.AUTH_USER_MODEL:
        return "which authentication sets on users"
    present = getattr_static(target, name, None)
    return "" if present is None or accessors.is_of(present, model, field) else "in its code"


def _check_incoming(model: ModelSchema, catalogue: Catalogue) -> None:
    """A new or renamed field must not replace an accessor that other models put on this one."""
    for name in {n for f in model.fields for n in (f.name, f.column)} - {""}:
        for other in catalogue.putting(model.id, name):
            for field in _putting(other, model.id, name) if other.id != model.id else ():
                raise ValidationError(
                    {
                        "name": f"{other.label}.{field.name} refers to {model.label} by a name that one of "
                        "its fields has; rename the field, or set that relation's related_name"
                    }
                )


def _check_link(model: ModelSchema, field: FieldSchema, catalogue: Catalogue) -> None:
    for other in (*catalogue.linking(model.app), model):
        for its in other.fields:
            if its.id != field.id and its.is_many_to_many and its.table == field.table:
                raise ValidationError(
                    {"name": f"{other.label}.{its.name} has a link table {its.table!r} already"}
                )
    app, name = link_key(model, field)
    generated = catalogue.named(app, name)
    if generated is not None or name in dict.keys(apps.all_models.get(app, {})):
        raise ValidationError(
            {"name": f"{model.label}.{field.name}: its link table would be named like {app}.{name}"}
        )
