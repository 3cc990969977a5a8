"""Options of each type made wider and narrower, and what becomes of a value: None if it does not fit."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from tests.integration.samples import SAMPLES

Fits = Callable[[Any], Any]


def as_it_is(value: Any) -> Any:
    return value


def up_to(length: int) -> Fits:
    return lambda text: text if len(text) <= length else None


def digits(whole: int, places: int) -> Fits:
    """The value with as many decimal places, if it has neither more digits than those nor more before."""

    def fit(value: Decimal) -> Decimal | None:
        step = Decimal(1).scaleb(-places)
        same = value % step == 0 and abs(value) < 10**whole
        return value.quantize(step) if same else None

    return fit


def protocol(version: int) -> Fits:
    return lambda text: text if ipaddress.ip_address(text).version == version else None


def _text(type_name: str, length: int, *others: dict[str, Any]) -> list[tuple[dict[str, Any], Fits]]:
    options = SAMPLES[type_name].options
    lengths = (length + 100, length, 768, length - 1, 6)
    found = [({**options, "max_length": n}, up_to(n)) for n in lengths]
    return found + [({**options, "max_length": length, **other}, as_it_is) for other in others]


def _decimal(whole: int, places: int) -> tuple[dict[str, Any], Fits]:
    return {"max_digits": whole + places, "decimal_places": places}, digits(whole, places)


STAMPS: Final[list[tuple[dict[str, Any], Fits]]] = [
    ({"auto_now": True}, as_it_is),
    ({"auto_now_add": True}, as_it_is),
    ({}, as_it_is),
]
OPTION_CHANGES: Final[dict[str, list[tuple[dict[str, Any], Fits]]]] = {
    "CharField": _text("CharField", 255),
    "EmailField": _text("EmailField", 254),
    "SlugField": _text("SlugField", 50, {"allow_unicode": True}),
    "URLField": _text("URLField", 200),
    "FileField": _text("FileField", 100, {"upload_to": "covers/%Y"}),
    "ImageField": _text("ImageField", 100, {"upload_to": "covers"}),
    "FilePathField": _text("FilePathField", 100, {"path": "other"}, {"recursive": True}),
    "DecimalField": [
        _decimal(10, 4),
        _decimal(9, 5),
        _decimal(8, 4),
        _decimal(7, 4),
        _decimal(8, 3),
        _decimal(8, 0),
    ],
    "DateField": [*STAMPS, ({"default_factory": "today"}, as_it_is)],
    "DateTimeField": [*STAMPS, ({"default_factory": "now"}, as_it_is)],
    "TimeField": STAMPS,
    "UUIDField": [({"default_factory": "uuid4"}, as_it_is), ({}, as_it_is)],
    "JSONField": [({"default_factory": "list"}, as_it_is), ({"default_factory": "dict"}, as_it_is)],
    "GenericIPAddressField": [
        ({"unpack_ipv4": True}, as_it_is),
        ({"protocol": "IPv4"}, protocol(4)),
        ({"protocol": "IPv6"}, protocol(6)),
        ({"protocol": "both"}, as_it_is),
    ],
    "ArrayField": [
        ({"base_field": "BigIntegerField"}, as_it_is),
        ({"base_field": "IntegerField"}, as_it_is),
        ({"base_field": "IntegerField", "size": 100}, as_it_is),
        ({"base_field": "IntegerField", "size": 99}, lambda v: v if len(v) < 100 else None),
        (
            {"base_field": "SmallIntegerField", "size": 100},
            lambda v: v if all(abs(n) < 2**15 for n in v) else None,
        ),
        ({"base_field": "IntegerField"}, as_it_is),
    ],
}
