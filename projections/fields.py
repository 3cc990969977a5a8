"""FieldSchema -> Django field, and JSON values -> values of that field."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy, deepcopy
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import gettext as _

from events.schema import FieldSchema, Frozen, thaw
from projections.field_types import (
    FACTORIES,
    INDEXABLE_LENGTH,
    LITERAL,
    ON_DELETE,
    POSTGRESQL,
    STOCK,
    FieldType,
    element_type,
    field_type,
    field_types,
)
from projections.own_fields import FilePathField

__all__ = [
    "FACTORIES",
    "INDEXABLE_LENGTH",
    "LITERAL",
    "POSTGRESQL",
    "STOCK",
    "FieldType",
    "build",
    "duplicate",
    "element_type",
    "field_type",
    "field_types",
    "nullable",
    "parse",
]

# Types whose fields differ by what stands in their schemas only: no setting, no field inside the field.
COPIED: Final = STOCK.keys() - {"FilePathField"}


def nullable(schema: FieldSchema) -> bool:
    """NULL is for optional values, except text, whose empty value is ''; unique text needs NULL again."""
    row = field_type(schema.type)
    return row is not None and _nullable(schema, row)


def _nullable(schema: FieldSchema, row: FieldType) -> bool:
    if schema.required or schema.is_many_to_many:
        return False
    return bool(schema.unique or not row.cls.empty_strings_allowed)


def takes_empty(schema: FieldSchema) -> bool:
    """Whether '' stands for no value: text has that where other types have NULL."""
    row = field_type(schema.type)
    return row is not None and row.is_text


def build(schema: FieldSchema, target: Any = None) -> models.Field[Any, Any]:
    """Make the Django field. `target` is the class or "app.Model" that a relation refers to."""
    row = field_type(schema.type)
    if row is None:
        raise LookupError(f"field type {schema.type!r} is not in the table of field types")
    if schema.is_relation:
        return _relation(schema, row, target)
    built = _value_field(schema, row)
    if schema.help:
        built.help_text = escape(schema.help)
    factory = schema.options.get("default_factory")
    if factory is not None:
        built.default = FACTORIES[factory]
    elif schema.default is not None:
        built.default = _default(built, schema.default)
    if schema.choices:
        built.choices = list(_choices(built, schema.choices))
    return built


def _relation(schema: FieldSchema, row: FieldType, target: Any) -> models.Field[Any, Any]:
    help_text = escape(schema.help) if schema.help else ""
    kwargs: dict[str, Any] = {**schema.options, "to": target, "blank": not schema.required}
    if schema.verbose_name:
        kwargs["verbose_name"] = schema.verbose_name
    if schema.is_many_to_many:
        many: Any = row.cls(db_table=schema.table, **kwargs)
        many.form_help = help_text
        links: models.Field[Any, Any] = many
        return links
    if schema.unique and schema.type != "OneToOneField":
        kwargs["unique"] = True
    kwargs["on_delete"] = ON_DELETE[kwargs["on_delete"]]
    kwargs.update(null=_nullable(schema, row), db_column=schema.column, help_text=help_text)
    key: models.Field[Any, Any] = row.cls(**kwargs)
    return key


def _value_field(schema: FieldSchema, row: FieldType) -> models.Field[Any, Any]:
    options = schema.options
    if "default_factory" in options:
        options = Frozen({name: value for name, value in options.items() if name != "default_factory"})
    made: Any = _copy if schema.type in COPIED else _made
    built: Any = made(row.name, options, not schema.required, _nullable(schema, row), schema.unique)
    if schema.verbose_name:
        built.verbose_name = built._verbose_name = schema.verbose_name
    built.db_column = schema.column
    field: models.Field[Any, Any] = built
    return field


def duplicate(original: models.Field[Any, Any]) -> Any:
    """A field like that one, as Django copies those of abstract models: making one takes far longer."""
    copied: Any = copy(original)
    copied.creation_counter = models.Field.creation_counter
    models.Field.creation_counter += 1
    return copied


def _copy(*given: Any) -> Any:
    return duplicate(_original(*given))


def _made(type_name: str, options: Frozen, blank: bool, null: bool, unique: bool) -> Any:
    row = field_type(type_name)
    assert row is not None
    return row.cls(blank=blank, null=null, unique=unique, **_arguments(row, dict(options)))


_original = lru_cache(maxsize=1_024)(_made)


def _arguments(row: FieldType, options: dict[str, Any]) -> dict[str, Any]:
    """The options as the class takes them, where that is not as they are recorded."""
    if issubclass(row.cls, FilePathField):
        return {**options, "path": _below_media(options.get("path", ""))}
    if "base_field" in options:
        element = STOCK[options["base_field"]].cls(**options.pop("base_options", {}))
        return {**options, "base_field": element}
    return options


def _below_media(folder: str) -> str:
    """Without a MEDIA_ROOT there is no folder: never the one that the process was started in."""
    root = str(settings.MEDIA_ROOT)
    return str(Path(root) / folder) if root else ""


def parse(built: models.Field[Any, Any], raw: Any) -> Any:
    """Turn a JSON value into the field's own, or raise ValidationError; text stays as it was given."""
    row = field_type(type(built).__name__)
    if row is not None and row.backend:
        reader: Any = built
        return reader.from_json(thaw(raw))
    _refuse_odd(built, raw, None if row is None else row.limits)
    if isinstance(built, models.JSONField):
        return thaw(raw)
    if type(built).__name__ not in STOCK:
        return built.clean(raw, None)
    if isinstance(raw, float) and isinstance(built, models.DecimalField):
        # Django would take the binary fraction next to it.
        raw = repr(raw)
    value = built.to_python(raw)
    if isinstance(value, str) or isinstance(built, models.GenericIPAddressField):
        built.run_validators(value)
        # Also an address, though a database gives it back in its one spelling: Django keeps what was written.
        return raw
    if isinstance(value, memoryview):
        # Databases give bytes back, and a memoryview can neither be copied nor pickled.
        value = bytes(value)
    _refuse_special(value)
    built.run_validators(value)
    return _in_project_time(value) if isinstance(value, datetime) else value


def _in_project_time(moment: datetime) -> datetime:
    """A time without a zone is UTC, so that a recorded default means the same wherever it is replayed."""
    if settings.USE_TZ:
        return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return timezone.make_naive(moment, UTC) if timezone.is_aware(moment) else moment


def _refuse_odd(built: models.Field[Any, Any], raw: Any, limits: tuple[int, int] | None) -> None:
    if isinstance(built, models.JSONField):
        return
    if raw is None or isinstance(raw, dict | tuple | list):
        raise ValidationError(_("%(raw)r is not a single value") % {"raw": raw})
    if isinstance(raw, bool) != isinstance(built, models.BooleanField):
        raise ValidationError(
            _("%(raw)r: true and false are for BooleanField, and nothing else is") % {"raw": raw}
        )
    if limits is not None:
        _refuse_not_whole(raw, *limits)
    elif not isinstance(raw, str) and not isinstance(
        built, models.FloatField | models.DecimalField | models.BooleanField
    ):
        raise ValidationError(_("%(raw)r must be text") % {"raw": raw})


def _refuse_not_whole(raw: Any, low: int, high: int) -> None:
    try:
        number = int(raw)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError(_("%(raw)r is not a whole number") % {"raw": raw}) from None
    if isinstance(raw, float) and raw != number:
        raise ValidationError(_("%(raw)r is not a whole number") % {"raw": raw})
    if not low <= number <= high:
        raise ValidationError(
            _("%(raw)r is outside %(low)s to %(high)s") % {"raw": raw, "low": low, "high": high}
        )


def _refuse_special(value: Any) -> None:
    finite = getattr(value, "is_finite", None)
    special = not finite() if finite is not None else isinstance(value, float) and value - value != 0
    if special:
        raise ValidationError(_("%(value)r is not a finite number") % {"value": value})


def _default(built: models.Field[Any, Any], raw: Any) -> Any:
    value = parse(built, raw)
    # A mutable default is made anew for every row, else rows would share it.
    return partial(deepcopy, value) if isinstance(value, dict | list) else value


def _choices(built: models.Field[Any, Any], choices: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, tuple):
            yield value, list(_choices(built, label))
        else:
            yield parse(built, value), label
