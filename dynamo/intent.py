"""Intent: the attributes that people set on the two meta models, made into schema values and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from dynamo import field_rules, naming, targets, validators
from dynamo.targets import Catalogue
from events.envelope import uuid7
from events.schema import FieldSchema, Frozen, ModelSchema, thaw
from projections import classes, conf, conversions, fields

MODEL_ATTRIBUTES: Final = ("name", "description", "app", "admin", "options")
FIELD_ATTRIBUTES: Final = (
    "name",
    "verbose_name",
    "type",
    "related_model",
    "description",
    "order",
    "unique_together",
    "unique",
    "help",
    "choices",
    "default",
    "required",
    "options",
)
MODEL_OPTIONS: Final = ("verbose_name", "verbose_name_plural", "ordering", "display")


class NextFree(int):
    """The order of a field that says none: after the last one."""

    def __repr__(self) -> str:
        return "next free"


NEXT_FREE: Final = NextFree(-1)


def collect(*checks: Callable[[], Any]) -> None:
    """Run every check and raise what failed together, by attribute."""
    errors: dict[str, list[str]] = {}
    for check in checks:
        try:
            check()
        except ValidationError as error:
            found = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
            for name, messages in found.items():
                errors.setdefault(name, []).extend(messages)
    if errors:
        raise ValidationError(errors)


def checked(given: Mapping[str, Any], rules: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Apply one validator to each attribute; raise all errors together."""
    out: dict[str, Any] = {}

    def apply(name: str, rule: Callable[[Any], Any]) -> Callable[[], None]:
        def run() -> None:
            try:
                out[name] = rule(given[name])
            except ValidationError as error:
                raise ValidationError({name: error.messages}) from None

        return run

    collect(*(apply(name, rule) for name, rule in rules.items()))
    return out


# -- models ----------------------------------------------------------------------------------------


def model_schema(
    given: Mapping[str, Any], current: ModelSchema | None, model_id: str, catalogue: Catalogue
) -> ModelSchema:
    """Make a model's schema from its row; physical names follow the name."""
    rules = {
        "name": validators.model_name,
        "description": validators.text,
        "app": _app,
        "admin": validators.flag,
        "options": model_options,
    }
    values = checked(given, rules)
    table = naming.table_name(values["app"], values["name"])
    if current is None:
        return ModelSchema(id=model_id, db_table=table, **values)
    renamed = replace(current, db_table=table, **values)
    return replace(renamed, fields=tuple(with_link(f, renamed, catalogue) for f in current.fields))


def model_row(schema: ModelSchema) -> dict[str, Any]:
    """The attributes that a model's row shows."""
    return {name: thaw(getattr(schema, name)) for name in MODEL_ATTRIBUTES}


def _app(value: Any) -> str:
    label = conf.default_app() if value in (None, "") else validators.app_label(value)
    if label in targets.PRIVATE_LABELS:
        raise ValidationError(_("the label %(label)r belongs to the registry itself") % {"label": label})
    if label not in apps.app_configs:
        raise ValidationError(
            _("%(label)r is neither an installed app nor listed in DYNAMO_APPS; add it there to use it")
            % {"label": label}
        )
    return label


def model_options(value: Any) -> Frozen:
    given = {} if value in (None, "") else value
    if not isinstance(given, dict):
        raise ValidationError(_("%(value)r must be a JSON object of options") % {"value": value})
    unknown = [name for name in given if name not in MODEL_OPTIONS]
    if unknown:
        raise ValidationError(
            _("unknown option %(given)r; there are %(names)s")
            % {"given": unknown[0], "names": ", ".join(MODEL_OPTIONS)}
        )
    out: dict[str, Any] = {}
    for name in ("verbose_name", "verbose_name_plural", "display"):
        if given.get(name):
            with field_rules.naming_option(name):
                out[name] = validators.label(given[name])
    if given.get("ordering"):
        out["ordering"] = _ordering(given["ordering"])
    return Frozen(out)


def _ordering(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValidationError(_("ordering must be a list of field names, each with an optional '-'"))
    return tuple(value)


def check_model_options(model: ModelSchema) -> None:
    """Ordering and display must name fields of the model."""
    names = {f.name for f in model.fields if not f.is_many_to_many} | {"id", "pk"}
    for item in model.options.get("ordering", ()):
        if item.removeprefix("-") not in names:
            raise ValidationError(
                {
                    "options": _("ordering names %(item)r, which %(model)s does not have")
                    % {"item": item, "model": model.label}
                }
            )
    shown = model.options.get("display")
    if shown and shown not in names:
        raise ValidationError(
            {
                "options": _("display names %(shown)r, which %(model)s does not have")
                % {"shown": shown, "model": model.label}
            }
        )


def follow_name(model: ModelSchema, old: str, new: str | None) -> ModelSchema:
    """Keep ordering and display true when a field is renamed (or, with None, retired)."""
    options = dict(model.options)
    if options.get("display") == old:
        options["display"] = new
    items = (_followed(item, old, new) for item in options.get("ordering", ()))
    options["ordering"] = tuple(item for item in items if item)
    kept = {name: value for name, value in options.items() if value}
    return replace(model, options=Frozen(kept)) if kept != dict(model.options) else model


def _followed(item: str, old: str, new: str | None) -> str | None:
    if item.removeprefix("-") != old:
        return item
    return None if new is None else item.replace(old, new)


# -- fields ----------------------------------------------------------------------------------------


def field_schema(
    given: Mapping[str, Any],
    current: FieldSchema | None,
    model: ModelSchema,
    catalogue: Catalogue,
    field_id: str,
) -> FieldSchema:
    """Make a field's schema from its row; `placed` then decides which column it has."""
    rules: dict[str, Callable[[Any], Any]] = {
        "name": validators.field_name,
        "verbose_name": validators.label,
        "description": validators.text,
        "help": validators.text,
        "order": validators.order,
        "required": validators.flag,
        "unique": validators.flag,
        "unique_together": validators.flag,
        "choices": field_rules.choices,
        "default": validators.json_value,
        "type": field_rules.field_type,
    }
    values = checked(_with_order(given, model), rules)
    row: fields.FieldType = values.pop("type")
    values["type"] = row.name
    values["related_model"] = targets.target(given["related_model"], row, model, catalogue)
    values["options"] = _options(given["options"], current, row, required=values["required"])
    values["choices"] = _typed_choices(values["choices"], row)
    own = naming.storage(field_id, model) if current is None else current.storage
    made = FieldSchema(id=field_id, storage=own, **values)
    made = with_link(replace(made, column=naming.column_name(made)), model, catalogue)
    collect(lambda: field_rules.values(made, row), lambda: field_rules.constraints(made, row))
    return made


def with_link(field: FieldSchema, model: ModelSchema, catalogue: Catalogue) -> FieldSchema:
    """A many-to-many's link table carries the names of its model, of itself and of its target."""
    if not field.is_many_to_many:
        return field
    target = targets.text(field, model, catalogue)
    columns = naming.link_columns(model, model.name if target == "self" else target.rpartition(".")[2])
    return replace(field, table=naming.link_name(model, field.name), link_columns=columns)


def field_row(field: FieldSchema, model: ModelSchema, catalogue: Catalogue) -> dict[str, Any]:
    """The attributes that a field's row shows."""
    out = {name: thaw(getattr(field, name)) for name in FIELD_ATTRIBUTES}
    out["related_model"] = targets.text(field, model, catalogue)
    return out


def placed(made: FieldSchema, current: FieldSchema, *, on_error: str) -> tuple[FieldSchema, bool]:
    """Decide where the values of an altered field live: in its column, or in a new one beside the old.

    Returns the field with its storage, and whether the former column is kept as a tombstone.
    """
    how = conversions.mode(current, made)
    if how == conversions.REFUSE:
        raise ValidationError(
            {
                "type": _(
                    "there is no meaningful way from %(old)s to %(new)s. Add a new field and retire this one."
                )
                % {"old": current.type, "new": made.type}
            }
        )
    spared = how == conversions.FITS and on_error != "fail"
    moves = spared or how not in (conversions.SAME, conversions.FITS) or _other_key(current, made)
    return replace(made, storage=uuid7() if moves else current.storage), moves


def _other_key(current: FieldSchema, made: FieldSchema) -> bool:
    """Whether a relation's new target has keys of another kind, which its column cannot hold."""
    if made.type not in conversions.KEYS or current.type not in conversions.KEYS:
        return False
    return _key_kind(current) != _key_kind(made)


def _key_kind(relation: FieldSchema) -> str:
    key = classes.key_of(relation.related_model)
    return "whole number" if isinstance(key, models.IntegerField) else str(key.get_internal_type())


def _with_order(given: Mapping[str, Any], model: ModelSchema) -> Mapping[str, Any]:
    if not isinstance(given["order"], NextFree):
        return given
    last = max((f.order for f in model.fields), default=-1)
    return {**given, "order": last + 1}


def _options(value: Any, current: FieldSchema | None, row: fields.FieldType, *, required: bool) -> Frozen:
    """Options that nobody touched follow a change of type or of `required`."""
    if current is not None and isinstance(value, Mapping) and dict(value) == dict(current.options):
        value = dict(value)
        if current.type != row.name:
            value = {name: option for name, option in value.items() if name in row.options}
        default = field_rules.default_on_delete(required=current.required)
        if value.get("on_delete") == default and current.required != required:
            del value["on_delete"]
    try:
        return field_rules.options(thaw(value), row, required=required)
    except ValidationError as error:
        raise ValidationError({"options": error.messages}) from None


def _typed_choices(pairs: tuple[Any, ...], row: fields.FieldType) -> tuple[Any, ...]:
    """A comma-separated text names numbers as text; a number field needs them as numbers."""
    if row.limits is None:
        return pairs
    return tuple(
        (_as_number(value), name) if not isinstance(name, tuple) else (value, name) for value, name in pairs
    )


def _as_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) else value
