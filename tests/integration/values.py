"""A valid value for every field type, as the field gives it back."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from typing import Any

NOON = datetime.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=datetime.UTC)
VALUES = {
    "BooleanField": (True, False),
    "DateField": (NOON.date(), datetime.date(1, 1, 1)),
    "DateTimeField": (NOON, datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)),
    "TimeField": (NOON.time(), datetime.time(23, 59, 59, 999999)),
    "DurationField": (datetime.timedelta(days=3, microseconds=1), datetime.timedelta(days=-1)),
    "UUIDField": (uuid.UUID(int=1), uuid.UUID(int=2**128 - 1)),
    "JSONField": ({"a": [1, None, "ü"]}, []),
    "BinaryField": (b"\x00\xff", b"%s"),
    "GenericIPAddressField": ("192.0.2.1", "2001:db8::1"),
    "DecimalField": (Decimal("1.50"), Decimal("-2.25")),
    "FloatField": (0.1, -1e300),
    "EmailField": ("a@example.org", "b@example.org"),
    "URLField": ("https://example.org/?a=%20", "http://example.org"),
    "SlugField": ("a-b", "c_d"),
    "FileField": ("a.txt", "b/c.txt"),
    "ImageField": ("a.png", "b/c.png"),
    "FilePathField": ("a.txt", "b.txt"),
    "CharField": ("O'B %s 100%% ü \U0001f600", "b"),
    "TextField": ("line\nline", "x" * 10_000),
}


def sample(field: Any, n: int = 0) -> Any:
    """The n-th valid value of a Django field: one of its choices where it has some."""
    if field.choices:
        return list(field.flatchoices)[n % len(field.flatchoices)][0]
    known = VALUES.get(type(field).__name__, (7, 8))
    value = known[n % len(known)]
    if isinstance(value, str) and field.max_length:
        return value[: field.max_length]
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-field.decimal_places)) % Decimal(10) ** (
            field.max_digits - field.decimal_places
        )
    return value
