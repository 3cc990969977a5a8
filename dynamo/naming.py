"""Physical names of tables and columns, live and retired. They are recorded, never derived again."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dynamo import validators
from events.envelope import uuid7
from events.schema import FieldSchema, ModelSchema


def table_name(app: str, name: str) -> str:
    table = f"{app}_{name.lower()}"
    if len(table) > validators.LONGEST_TABLE_NAME:
        raise ValidationError(
            {"name": _("the table name %(table)r is longer than all databases allow") % {"table": table}}
        )
    return table


def link_name(model: ModelSchema, field_name: str) -> str:
    """The link table of a many-to-many, as Django names it; long ones end in a hash."""
    name = f"{model.db_table}_{field_name}"
    if len(name) <= validators.LONGEST_TABLE_NAME:
        return name
    key = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: validators.LONGEST_TABLE_NAME - 9]}_{key}"


def column_name(field: FieldSchema) -> str:
    if field.is_many_to_many:
        return ""
    return f"{field.name}_id" if field.is_relation else field.name


def tombstone(field: FieldSchema, position: int) -> FieldSchema:
    """The field as its hidden self: values stay, under a name that nothing else takes."""
    name = f"zz_{field.storage.replace('-', '')[-8:]}_{position}"
    if field.is_many_to_many:
        return replace(field, table=name, retired=True)
    return replace(field, column=name, retired=True)


def kept_column(field: FieldSchema, position: int) -> FieldSchema:
    """The former column of a retyped field, as a retired field with an id of its own."""
    return replace(tombstone(field, position), id=uuid7(), unique_together=False)


def retired_model(model: ModelSchema, position: int) -> ModelSchema:
    """The tombstone of a model: its table and link tables under names that nothing else takes."""
    links = tuple(
        replace(f, table=tombstone(f, position).table) if f.is_many_to_many else f for f in model.fields
    )
    name = f"{validators.TOMBSTONE_PREFIX}{model.id.replace('-', '')[-8:]}_{position}"
    return replace(model, db_table=name, retired=True, fields=links)


def storage(field_id: str, model: ModelSchema) -> str:
    """The storage of a field's first column: its id, unless a column of a former field of that id is kept."""
    taken = any(f.storage == field_id for f in (*model.fields, *model.retired_fields))
    return uuid7() if taken else field_id


def link_columns(model: ModelSchema, target: str) -> tuple[str, str]:
    """The columns of a link table, as Django names them after its model and its target."""
    source, target = model.name.lower(), target.lower()
    if source == target:
        return f"from_{source}_id", f"to_{target}_id"
    return f"{source}_id", f"{target}_id"
