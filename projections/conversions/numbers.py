"""Numbers and truth values: read exactly or not at all."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError

# Python's own readers also take underscores, other scripts' digits, "nan" and "inf".
WHOLE: Final = re.compile(r"[+-]?[0-9]+")
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
TRUTH: Final = {"true": True, "false": False, "1": True, "0": False}
# No column is that wide; written out, a larger exponent would take all memory.
LARGEST_EXPONENT: Final = 400


def whole(value: Any) -> int:
    """2.0 and Decimal('2.00') are whole, 1.7 is not."""
    number = int(value)
    if number != value:
        raise ValidationError(f"{value!r} is not a whole number")
    return number


def whole_of_text(text: str) -> int:
    if not WHOLE.fullmatch(text.strip()):
        raise ValidationError(f"{text!r} is not a whole number")
    return int(text)


def number_of_text(text: str) -> Decimal:
    if not NUMBER.fullmatch(text.strip()):
        raise ValidationError(f"{text!r} is not a number")
    return Decimal(text.strip())


def decimal_of(value: Any) -> Decimal:
    """A float stands for its shortest decimal: 0.1 is 0.1, not the binary fraction next to it."""
    if isinstance(value, Decimal):
        return value
    return Decimal(repr(value) if isinstance(value, float) else value)


def float_of(value: Any) -> float:
    """The float that is this number, or that at least is written like it."""
    number = decimal_of(value)
    result = float(number)
    if not math.isfinite(result) or (Decimal(result) != number and Decimal(repr(result)) != number):
        raise ValidationError(f"{value!r} has no exact float")
    return result


def digits_of(value: Any) -> str:
    """The number's digits without an exponent or trailing zeros, so that 1.50 fits one decimal place."""
    number = decimal_of(value)
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise ValidationError(f"{value!r} is not a number of any decimal field")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def truth(value: Any) -> bool:
    if value not in (0, 1):
        raise ValidationError(f"{value!r} is neither 0 nor 1")
    return bool(value)


def truth_of_text(text: str) -> bool:
    found = TRUTH.get(text.strip().lower())
    if found is None:
        raise ValidationError(f"{text!r} is neither true nor false")
    return found
