"""Duplicating: a new model that has the fields of another one, and none of its rows."""

from __future__ import annotations

from typing import Any, Final

from dynamo import record
from dynamo.models import MetaField, MetaModel

# What the admin calls a model's rows: two models that are called the same could not be told apart.
OWN_OPTIONS: Final = ("verbose_name", "verbose_name_plural")
LONGEST: Final = 59


def duplicate(model: MetaModel, name: str) -> MetaModel:
    """Record the new model with all its fields as one change set, and return its row.

    Raises what saving such rows would raise.
    """
    given = {attribute: getattr(model, attribute) for attribute in model.ATTRIBUTES}
    options = {key: value for key, value in model.options.items() if key not in OWN_OPTIONS}
    with record.change_set(reason=f"duplicate {model}"):
        made = MetaModel(**{**given, "name": name, "options": options})
        made.save()
        for field in model.fields.all():
            MetaField(meta_model=made, **_attributes(field, made)).save()
    return made


def _attributes(field: MetaField, made: MetaModel) -> dict[str, Any]:
    """The target has one attribute for each way back, so the new one is called after the new model."""
    found = {attribute: getattr(field, attribute) for attribute in field.ATTRIBUTES}
    way_back = field.options.get("related_name", "+")
    if way_back != "+":
        found["options"] = {**field.options, "related_name": f"{made.name.lower()}_{way_back}"[:LONGEST]}
    return found
