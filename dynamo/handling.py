"""What a save says about the rows that are there: backfill, on_error and error_value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dynamo import field_rules, validators
from events.diff import Handling
from events.schema import FieldSchema, freeze
from projections import classes, fields

ON_ERROR: Final = ("fail", "null", "value", "keep")


def check(field: FieldSchema, said: Handling) -> None:
    """The values for existing rows are held to the same rules as any default."""
    if said.on_error not in ON_ERROR:
        raise ValidationError(
            _("on_error must be one of %(names)s, not %(on_error)r")
            % {"names": ", ".join(ON_ERROR), "on_error": said.on_error}
        )
    row = field_rules.field_type(field.type)
    substitute = said.error_value if said.on_error == "value" else None
    if row.is_relation:
        _check_key(field, said)
    for name, value in (("backfill", said.backfill), ("error_value", substitute)):
        if value is not None and not row.is_relation:
            _check_value(name, replace(field, default=value, options=_without_stamps(field)), row)
    if said.on_error == "value" and substitute is None:
        raise ValidationError({"error_value": _('on_error="value" needs an error_value')})
    if said.on_error != "value" and said.error_value is not None:
        raise ValidationError({"error_value": _('an error_value needs on_error="value"')})
    if said.on_error == "null" and field.required and said.backfill is None:
        raise ValidationError(_('on_error="null" needs required to be false, or a backfill'))


def _check_value(name: str, field: FieldSchema, row: fields.FieldType) -> None:
    """Hold a value to the rules of a default, and name it as what it is."""
    try:
        validators.json_value(field.default)
        field_rules.values(field, row)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def _check_key(field: FieldSchema, said: Handling) -> None:
    """Values for existing rows of a relation are keys of its target."""
    if field.is_many_to_many and (said.on_error not in ("fail", "keep") or said.backfill is not None):
        raise ValidationError(_("a many-to-many needs no values for existing rows: they have no links"))
    for name, value in (("backfill", said.backfill), ("error_value", said.error_value)):
        if value is not None:
            _check_one_key(field, name, value)


def _check_one_key(field: FieldSchema, name: str, value: Any) -> None:
    key = classes.key_of(field.related_model)
    refusal = ValidationError({name: _("%(value)r is not a key of the target") % {"value": value}})
    try:
        parsed = key.to_python(value)
    except (ValidationError, TypeError, ValueError):
        raise refusal from None
    if isinstance(value, bool | float) or (isinstance(parsed, int) and not 0 <= parsed < 2**63):
        raise refusal


def _without_stamps(field: FieldSchema) -> Any:
    stamps = {"auto_now", "auto_now_add", "default_factory"}
    return freeze({name: value for name, value in field.options.items() if name not in stamps})
