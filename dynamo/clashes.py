"""Names that would get in each other's way: within a model, between models, and on relations' targets."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

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
                {
                    "name": _("there is a model %(other)s already; names differ in more than case")
                    % {"other": other.label}
                }
            )
    if classes.hand_written(model.label) is not None:
        raise ValidationError(
            {
                "name": _("%(model)s is a model in the project's code; choose another name")
                % {"model": model.label}
            }
        )
    for neighbour in holders:
        for field in neighbour.fields:
            if field.is_many_to_many and link_key(neighbour, field) == model.key:
                raise ValidationError(
                    {
                        "name": _("Django names the link table of %(neighbour)s.%(field)s %(model)s")
                        % {"neighbour": neighbour.label, "field": field.name, "model": model.name}
                    }
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
                    {
                        "name": _("%(model)s has the field %(taken)r already; %(name)r is taken")
                        % {"model": model.label, "taken": taken[name], "name": name}
                    }
                )
            taken[name] = field.name
    for field in model.fields:
        for name in generated_names(field):
            if name in taken:
                raise ValidationError(
                    {
                        "name": _("%(taken)r is a method that %(field)r generates")
                        % {"taken": taken[name], "field": field.name}
                    }
                )
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
                        "options": _(
                            "%(where)s and %(other)s would both be found from their target as %(name)r; "
                            "give one of them another options['related_name'], or '+' for no way back"
                        )
                        % {"where": where, "other": f"{other_model.label}.{other.name}", "name": name}
                    }
                )
    taken = _taken(model, field, name, catalogue)
    if taken:
        raise ValidationError(
            {
                "options": _(
                    "%(where)s: its target has %(name)r already, %(taken)s; set options['related_name'] to "
                    "another name, or to '+' for no way back"
                )
                % {"where": where, "name": name, "taken": taken}
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
        return _("as part of Django's model API")
    target = model if field.related_model == model.id else catalogue.model(field.related_model)
    for other in () if target is None else target.fields:
        if name in {other.name, other.column} or name.lower() in generated_names(other):
            return _("from its field %(field)r") % {"field": other.name}
    return ""


def _taken_by_hand(model: ModelSchema, field: FieldSchema, name: str) -> str:
    """Also by a relation to a class that the target inherits from, or is a proxy of."""
    target: Any = classes.hand_written(field.related_model)
    if name in SET_ON_USERS and target._meta.label == settings.AUTH_USER_MODEL:
        return _("which authentication sets on users")
    present = getattr_static(target, name, None)
    return "" if present is None or accessors.is_of(present, model, field) else _("in its code")


def _check_incoming(model: ModelSchema, catalogue: Catalogue) -> None:
    """A new or renamed field must not replace an accessor that other models put on this one."""
    for name in {n for f in model.fields for n in (f.name, f.column)} - {""}:
        for other in catalogue.putting(model.id, name):
            for field in _putting(other, model.id, name) if other.id != model.id else ():
                raise ValidationError(
                    {
                        "name": _(
                            "%(other)s.%(field)s refers to %(model)s by a name that one of its fields has; "
                            "rename the field, or set that relation's related_name"
                        )
                        % {"other": other.label, "field": field.name, "model": model.label}
                    }
                )


def _check_link(model: ModelSchema, field: FieldSchema, catalogue: Catalogue) -> None:
    for other in (*catalogue.linking(model.app), model):
        for its in other.fields:
            if its.id != field.id and its.is_many_to_many and its.table == field.table:
                raise ValidationError(
                    {
                        "name": _("%(other)s.%(its)s has a link table %(table)r already")
                        % {"other": other.label, "its": its.name, "table": its.table}
                    }
                )
    app, name = link_key(model, field)
    generated = catalogue.named(app, name)
    if generated is not None or name in dict.keys(apps.all_models.get(app, {})):
        raise ValidationError(
            {
                "name": _("%(model)s.%(field)s: its link table would be named like %(app)s.%(name)s")
                % {"model": model.label, "field": field.name, "app": app, "name": name}
            }
        )
