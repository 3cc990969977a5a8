"""FieldSchema -> Django field, and JSON values -> values of that field."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.html import escape

from events.schema import FieldSchema, thaw
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
    "element_type",
    "field_type",
    "field_types",
    "nullable",
    "parse",
]


def nullable(schema: FieldSchema) -> bool:
    """NULL is for optional values, except text, whose empty value is ''; unique text needs NULL again."""
    row = field_type(schema.type)
    if schema.required or row is None or schema.is_many_to_many:
        return False
    return schema.unique or not row.cls.empty_strings_allowed


def takes_empty(schema: FieldSchema) -> bool:
    """Whether '' stands for no value: text has that where other types have NULL."""
    row = field_type(schema.type)
    return row is not None and row.is_text


def build(schema: FieldSchema, target: Any = None) -> models.Field[Any, Any]:
    """Make the Django field. `target` is the class or "app.Model" that a relation refers to."""
    row = field_type(schema.type)
    if row is None:
        raise LookupError(f"field type {schema.type!r} is not in the table of field types")
    kwargs: dict[str, Any] = {
        "blank": not schema.required,
        "help_text": escape(schema.help) if schema.help else "",
    }
    if schema.verbose_name:
        kwargs["verbose_name"] = schema.verbose_name
    options = dict(schema.options)
    factory = options.pop("default_factory", None)
    if schema.is_many_to_many:
        many: Any = row.cls(to=target, db_table=schema.table, **options, **{**kwargs, "help_text": ""})
        many.form_help = kwargs["help_text"]
        relation: models.Field[Any, Any] = many
        return relation
    kwargs["null"] = nullable(schema)
    kwargs["db_column"] = schema.column
    if schema.unique and schema.type != "OneToOneField":
        kwargs["unique"] = True
    if row.is_relation:
        on_delete = ON_DELETE[options.pop("on_delete")]
        key: models.Field[Any, Any] = row.cls(to=target, on_delete=on_delete, **options, **kwargs)
        return key
    built: models.Field[Any, Any] = row.cls(**_arguments(row, options), **kwargs)
    if factory is not None:
        built.default = FACTORIES[factory]
    elif schema.default is not None:
        built.default = _default(built, schema.default)
    if schema.choices:
        built.choices = list(_choices(built, schema.choices))
    return built


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
        raise ValidationError(f"{raw!r} is not a single value")
    if isinstance(raw, bool) != isinstance(built, models.BooleanField):
        raise ValidationError(f"{raw!r}: true and false are for BooleanField, and nothing else is")
    if limits is not None:
        _refuse_not_whole(raw, *limits)
    elif not isinstance(raw, str) and not isinstance(
        built, models.FloatField | models.DecimalField | models.BooleanField
    ):
        raise ValidationError(f"{raw!r} must be text")


def _refuse_not_whole(raw: Any, low: int, high: int) -> None:
    try:
        number = int(raw)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError(f"{raw!r} is not a whole number") from None
    if isinstance(raw, float) and raw != number:
        raise ValidationError(f"{raw!r} is not a whole number")
    if not low <= number <= high:
        raise ValidationError(f"{number} is outside {low} to {high}")


def _refuse_special(value: Any) -> None:
    finite = getattr(value, "is_finite", None)
    special = not finite() if finite is not None else isinstance(value, float) and value - value != 0
    if special:
        raise ValidationError(f"{value!r} is not a finite number")


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
