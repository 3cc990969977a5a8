"""Type changes: which pairs of types have a meaning, what becomes of a value, and the copying of values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.schema import FieldSchema
from projections import fields

Converter: TypeAlias = Callable[[Any], Any]

TEXT: Final = frozenset(
    {
        "CharField",
        "TextField",
        "SlugField",
        "EmailField",
        "URLField",
        "FileField",
        "ImageField",
        "FilePathField",
    }
)
KEYS: Final = frozenset({"ForeignKey", "OneToOneField"})
NUMBERS: Final = frozenset({"FloatField", "DecimalField"}) | {
    name for name, row in fields.STOCK.items() if row.limits is not None
}
SAME, FITS, CONVERT, REPLACE, REFUSE = "same", "fits", "convert", "replace", "refuse"


def mode(old: FieldSchema, new: FieldSchema) -> str:
    """How values get from one shape to another.

    same: they fit as they are. fits: if every row does. convert: into a new column, the old one is kept.
    replace: an empty new column, the old one is kept. refuse: there is no meaning.
    """
    if old.is_many_to_many or new.is_many_to_many:
        if old.type != new.type:
            return REFUSE
        return SAME if old.related_model == new.related_model else REPLACE
    if old.type in KEYS and new.type in KEYS:
        return SAME if old.related_model == new.related_model else FITS
    if old.type in TEXT and new.type in TEXT:
        return SAME if _length(new) >= _length(old) else FITS
    if old.type == new.type == "DecimalField":
        return SAME if _wider_decimal(old, new) else FITS
    if old.type == new.type:
        return SAME
    if limits(old) and limits(new):
        return SAME if _wider_range(old, new) else FITS
    return CONVERT if _meaning(old, new) else REFUSE


def limits(column: FieldSchema) -> tuple[int, int] | None:
    row = fields.field_type(column.type)
    return None if row is None else row.limits


def converter(old: FieldSchema, new: FieldSchema) -> Converter:
    """A function from a value of the old column to one of the new; it raises where there is none."""
    if new.type in KEYS:
        return _whole
    if new.type in TEXT:
        return _to_text(new)
    read = _reading(old)
    built: Any = fields.build(replace(new, help="", choices=(), default=None))

    def convert(value: Any) -> Any:
        return fields.parse(built, read(value, new))

    return convert


def _meaning(old: FieldSchema, new: FieldSchema) -> bool:
    if "BinaryField" in {old.type, new.type}:
        return False
    if old.type in TEXT or new.type in TEXT or "JSONField" in {old.type, new.type}:
        return True
    numeric = NUMBERS | KEYS | {"BooleanField"}
    moments = {"DateField", "DateTimeField"}
    if old.type in KEYS or new.type in KEYS:
        return bool(limits(old) or limits(new))
    return {old.type, new.type} <= numeric or {old.type, new.type} <= moments


def _length(column: FieldSchema) -> float:
    return float(column.options.get("max_length", "inf"))


def _wider_range(old: FieldSchema, new: FieldSchema) -> bool:
    (old_low, old_high), (new_low, new_high) = limits(old) or (0, 0), limits(new) or (0, 0)
    return new_low <= old_low and old_high <= new_high


def _wider_decimal(old: FieldSchema, new: FieldSchema) -> bool:
    scale, old_scale = new.options["decimal_places"], old.options["decimal_places"]
    whole, old_whole = new.options["max_digits"] - scale, old.options["max_digits"] - old_scale
    return bool(scale >= old_scale and whole >= old_whole)


def _to_text(new: FieldSchema) -> Converter:
    longest = _length(new)

    def convert(value: Any) -> str:
        text = _text(value)
        if len(text) > longest:
            raise ValidationError(f"{text!r} is longer than {longest:.0f}")
        return text

    return convert


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _reading(old: FieldSchema) -> Callable[[Any, FieldSchema], Any]:
    """What the new field is given to parse: text is trimmed, other values take their JSON form."""
    return _read_text if old.type in TEXT else _read_value


def _read_text(value: str, new: FieldSchema) -> Any:
    text = value.strip()
    if new.type == "JSONField":
        return json.loads(text, parse_constant=_no_constant)
    if new.type == "BooleanField":
        return _boolean(text.lower())
    return text


def _read_value(value: Any, new: FieldSchema) -> Any:
    if new.type == "JSONField":
        return value if isinstance(value, bool | int | float) else _text(value)
    if new.type == "BooleanField":
        return _boolean(value)
    if isinstance(value, bool):
        return int(value)
    if limits(new):
        return _whole(value)
    if new.type == "FloatField" and float(value) != value:
        raise ValidationError(f"{value!r} has no exact float")
    if new.type == "DateField" and isinstance(value, datetime):
        return _midnight(value)
    if new.type == "DateTimeField" and isinstance(value, date):
        return _local(datetime(value.year, value.month, value.day)).isoformat()  # noqa: DTZ001  # made local
    return str(value) if isinstance(value, Decimal | float) and new.type == "DecimalField" else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
    if value not in known:
        raise ValidationError(f"{value!r} is neither true nor false")
    return known[value]


def _whole(value: Any) -> int:
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValidationError(f"{value!r} is not a whole number")
    return number


def _local(moment: datetime) -> datetime:
    """A day begins at the project's own midnight."""
    return timezone.make_aware(moment) if settings.USE_TZ else moment


def _midnight(value: datetime) -> str:
    moment = timezone.make_naive(value) if timezone.is_aware(value) else value
    if moment.time() != time(0):
        raise ValidationError(f"{value.isoformat()} has a time of day")
    return moment.date().isoformat()


def empties(old: FieldSchema, new: FieldSchema) -> bool:
    """Whether '' of the old column means no value in the new one."""
    return old.type in TEXT and new.type not in TEXT
