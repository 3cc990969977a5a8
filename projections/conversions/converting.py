"""The converter of one change of type: from a value of the old column to one of the new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

from django.core.exceptions import ValidationError
from django.db import models

from events.schema import FieldSchema
from projections import fields
from projections.conversions import documents, numbers
from projections.conversions.groups import (
    ADDRESS,
    ANY_TEXT,
    ARRAY,
    DECIMAL,
    OTHER,
    RANGE,
    REFERENCE,
    TEXT,
    WHOLE,
    element,
    group,
)
from projections.conversions.modes import length
from projections.conversions.rules import BY_PAIR, as_it_is

Converter: TypeAlias = Callable[[Any], Any]

# Keys are at most 64-bit numbers; SQLite cannot even be asked for a larger one.
LARGEST_KEY: Final = 2**63 - 1

READ_WITHIN: Final[dict[str, Converter]] = {
    ANY_TEXT: documents.text_of,
    WHOLE: numbers.whole,
    DECIMAL: numbers.digits_of,
    ADDRESS: documents.text_of,
    RANGE: documents.json_of_range,
}


def converter(old: FieldSchema, new: FieldSchema, key: Any = None) -> Converter:
    """A function that converts one value without loss or raises ValidationError, ValueError or the like.

    `key` is the primary key field of the new relation's target; without one, keys are whole numbers. Whether
    the target has such a row is for the caller to see. None means no value, and so does JSON's null.
    """
    if group(old) == group(new) == ARRAY:
        return _elements(old, new)
    read, finish = _reader(old, new), _finisher(new, key)

    def convert(value: Any) -> Any:
        raw = None if value is None else read(value)
        return None if raw is None else finish(raw)

    return convert


def empties(old: FieldSchema, new: FieldSchema) -> bool:
    """Whether '' of the old column means no value in the new one."""
    return old.type in TEXT and new.type not in TEXT


def _reader(old: FieldSchema, new: FieldSchema) -> Converter:
    pair = group(old), group(new)
    if pair[0] == pair[1]:
        return READ_WITHIN.get(pair[0], as_it_is)
    rule = BY_PAIR[pair]
    return _serializer(old) if pair[0] == OTHER else rule.read


def _serializer(old: FieldSchema) -> Converter:
    """Only a third-party field knows how its values are written."""
    built: Any = fields.build(replace(old, name="value", help="", choices=(), default=None))
    built.set_attributes_from_name("value")
    return lambda value: documents.storable(str(built.value_to_string(SimpleNamespace(value=value))))


def _finisher(new: FieldSchema, key: Any) -> Converter:
    if group(new) == REFERENCE:
        return _to_key(key)
    if group(new) == ANY_TEXT:
        return _within_length(new)
    built: Any = fields.build(replace(new, help="", choices=(), default=None))
    # An address is stored in the spelling that the field makes of it.
    if group(new) == ADDRESS:
        return lambda raw: built.to_python(fields.parse(built, raw))
    return lambda raw: fields.parse(built, raw)


def _within_length(new: FieldSchema) -> Converter:
    longest = length(new)

    def convert(text: str) -> str:
        if len(text) > longest:
            raise ValidationError(f"{text!r} is longer than {longest:.0f}")
        return text

    return convert


def _to_key(key: Any) -> Converter:
    while key is not None and key.is_relation:
        key = key.target_field
    if key is None or isinstance(key, models.IntegerField):
        return _whole_key
    strip = not key.empty_strings_allowed

    def convert(raw: Any) -> Any:
        text = documents.text_of(raw)
        return fields.parse(key, text.strip() if strip else text)

    return convert


def _whole_key(raw: Any) -> int:
    found = numbers.whole_of_text(raw) if isinstance(raw, str) else numbers.whole(raw)
    if not -LARGEST_KEY <= found <= LARGEST_KEY:
        raise ValidationError(f"{found} is larger than any key")
    return found


def _elements(old: FieldSchema, new: FieldSchema) -> Converter:
    convert = converter(element(old), element(new))
    size = new.options.get("size")

    def convert_all(values: Any) -> list[Any]:
        if size is not None and len(values) > size:
            raise ValidationError(f"{values!r} has more than {size} elements")
        return [convert(value) for value in values]

    return convert_all
