"""Targets of relations: what people name, found among the models that are and those that are meant."""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from events.schema import FieldSchema, ModelSchema
from projections import classes, fields

# App labels whose models stay by themselves.
PRIVATE_LABELS: Final = frozenset({"dynamo", "dynamo_events"})
TARGET: Final = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)?\Z")


class Catalogue(Protocol):
    """The schemas as the open change set sees them."""

    def model(self, model_id: str) -> ModelSchema | None: ...
    def named(self, app: str, name: str) -> ModelSchema | None: ...


def target(value: Any, row: fields.FieldType, model: ModelSchema, catalogue: Catalogue) -> str:
    """A relation's target: a generated model's id, or "app.Model" of a hand-written one."""
    if not row.is_relation:
        if value not in (None, ""):
            raise ValidationError(
                {
                    "related_model": _("%(type)s is not a relation and has no related model")
                    % {"type": row.name}
                }
            )
        return ""
    if not isinstance(value, str) or not value:
        raise ValidationError(
            {
                "related_model": _("%(type)s needs a related model, such as 'self' or 'app.Model'")
                % {"type": row.name}
            }
        )
    if value == "self":
        return model.id
    if not TARGET.match(value):
        raise ValidationError(
            {"related_model": _("%(value)r is not 'self', 'Model' or 'app.Model'") % {"value": value}}
        )
    app, _dot, name = value.rpartition(".")
    return _resolve(app or model.app, name, model, catalogue)


def _resolve(app: str, name: str, model: ModelSchema, catalogue: Catalogue) -> str:
    if (app, name.lower()) == model.key:
        return model.id
    found = catalogue.named(app, name)
    if found is not None:
        return found.id
    cls = classes.hand_written(f"{app}.{name}") if app in apps.all_models else None
    if cls is None:
        raise ValidationError(
            {"related_model": _("there is no model %(app)s.%(name)s") % {"app": app, "name": name}}
        )
    if cls._meta.swapped:
        raise ValidationError(
            {
                "related_model": _("%(app)s.%(name)s was swapped for %(swapped)s; refer to that")
                % {"app": app, "name": name, "swapped": cls._meta.swapped}
            }
        )
    if app in PRIVATE_LABELS or cls._meta.auto_created or not cls._meta.managed:
        raise ValidationError(
            {
                "related_model": _("%(app)s.%(name)s cannot be the target of a relation")
                % {"app": app, "name": name}
            }
        )
    return cls._meta.label


def text(field: FieldSchema, model: ModelSchema, catalogue: Catalogue) -> str:
    """A relation's target as people name it."""
    if not field.is_relation:
        return ""
    if field.related_model == model.id:
        return "self"
    if "." in field.related_model:
        return field.related_model
    found = catalogue.model(field.related_model)
    return field.related_model if found is None else found.label
