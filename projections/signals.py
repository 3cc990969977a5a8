"""The twelve Dynamo signals, and which of them an event is announced by. Signals announce, never drive.

Model signals are sent with the class of the meta model as sender, field signals with the generated class.
Besides the arguments listed below each carries `events`, `position` and `actor`.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

pre_model_creation = Signal()  # new_model
post_model_creation = Signal()  # new_model
pre_model_update = Signal()  # old_model, new_model, old_schema, new_schema
post_model_update = Signal()  # old_model, new_model, old_schema, new_schema
pre_model_delete = Signal()  # old_model
post_model_delete = Signal()  # old_model
pre_field_creation = Signal()  # new_field
post_field_creation = Signal()  # new_field
pre_field_update = Signal()  # old_field, new_field
post_field_update = Signal()  # old_field, new_field
pre_field_delete = Signal()  # old_field
post_field_delete = Signal()  # old_field

SIGNALS: Final = {
    "pre_model_creation": pre_model_creation,
    "post_model_creation": post_model_creation,
    "pre_model_update": pre_model_update,
    "post_model_update": post_model_update,
    "pre_model_delete": pre_model_delete,
    "post_model_delete": post_model_delete,
    "pre_field_creation": pre_field_creation,
    "post_field_creation": post_field_creation,
    "pre_field_update": pre_field_update,
    "post_field_update": post_field_update,
    "pre_field_delete": pre_field_delete,
    "post_field_delete": post_field_delete,
}

ANNOUNCED_BY: Final = {
    "model.created": "model_creation",
    "model.renamed": "model_update",
    "model.altered": "model_update",
    "model.retired": "model_delete",
    "model.restored": "model_creation",
    "model.purged": "model_update",
    "field.added": "field_creation",
    "field.renamed": "field_update",
    "field.altered": "field_update",
    "field.reordered": "field_update",
    "field.retired": "field_delete",
    "field.restored": "field_creation",
    "field.purged": "field_update",
}


def frame_name(event_type: str) -> str:
    """What the stream calls an event: its signal after the fact, or a registry event's own name."""
    kind = ANNOUNCED_BY.get(event_type)
    return event_type.replace(".", "_") if kind is None else f"post_{kind}"
