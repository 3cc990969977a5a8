"""The twelve signals; see projections.signals for their arguments."""

from __future__ import annotations

from projections.signals import (
    post_field_creation,
    post_field_delete,
    post_field_update,
    post_model_creation,
    post_model_delete,
    post_model_update,
    pre_field_creation,
    pre_field_delete,
    pre_field_update,
    pre_model_creation,
    pre_model_delete,
    pre_model_update,
)

__all__ = [
    "post_field_creation",
    "post_field_delete",
    "post_field_update",
    "post_model_creation",
    "post_model_delete",
    "post_model_update",
    "pre_field_creation",
    "pre_field_delete",
    "pre_field_update",
    "pre_model_creation",
    "pre_model_delete",
    "pre_model_update",
]
