"""JSON and text: how every value is written, and how text becomes JSON without losing anything."""

from __future__ import annotations

import json
import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError

from projections.conversions import moments
from projections.conversions.numbers import float_of, number_of_text

DEEPEST: Final = 100


def text_of(value: Any) -> str:
    """How a value is written: a JSON string as it is, other JSON as JSON."""
    return storable(_written(value))


def _written(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    if isinstance(value, date | time | timedelta):
        return moments.written(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def storable(text: str) -> str:
    """Some databases keep NUL and halves of characters and others do not, so none may."""
    if "\x00" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ValidationError(f"{text!r} has characters that no database stores")
    return text


def json_of(value: Any) -> Any:
    """A decimal, a date, a duration, a UUID becomes a string: JSON has no number or date as exact."""
    if isinstance(value, dict | bool | int) or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationError(f"{value!r} is not a number of JSON")
        return value
    if isinstance(value, list | tuple):
        return [json_of(item) for item in value]
    return text_of(value)


def json_of_range(value: Any) -> dict[str, Any]:
    if value.isempty:
        return {"empty": True}
    return {"lower": json_of(value.lower), "upper": json_of(value.upper), "bounds": value._bounds}


def json_of_text(text: str) -> Any:
    """Text that is JSON. Names given twice and digits that no float has would be lost, so they fail."""
    try:
        found = json.loads(
            text, parse_constant=_no_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_object
        )
    except RecursionError:
        raise ValidationError("the JSON is nested too deeply") from None
    _check(found, 0)
    return found


def _no_constant(name: str) -> Any:
    raise ValidationError(f"{name} is not JSON")


def _float(text: str) -> float:
    return float_of(number_of_text(text))


def _int(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValidationError(f"{text} is larger than the whole numbers of every database")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValidationError("the JSON gives a name twice")
    return found


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValidationError("the JSON is nested too deeply")
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, list | dict):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(item, depth + 1)


def kind(value: Any, *kinds: type) -> Any:
    """The JSON value, if it is of one of those kinds; true and false are no numbers."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join({"str": "string", "int": "number"}.get(k.__name__, k.__name__) for k in kinds)
        raise ValidationError(f"{value!r} is JSON of another kind than {wanted}")
    return value
