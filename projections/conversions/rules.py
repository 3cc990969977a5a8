"""The rules: one for each way between two groups of types, with the sentence that the docs show.

A rule turns a value of the old type into what the new field is then given to parse, or raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError

from projections.conversions import documents, moments, numbers
from projections.conversions.documents import kind
from projections.conversions.groups import (
    ADDRESS,
    ANY_TEXT,
    ARRAY,
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    FLOAT,
    HSTORE,
    JSON,
    LINKS,
    OTHER,
    RANGE,
    REFERENCE,
    TIME,
    UUID,
    WHOLE,
)

CONVERT, LINK, UNLINK = "convert", "link", "unlink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    olds: tuple[str, ...]
    news: tuple[str, ...]
    read: Callable[[Any], Any]
    says: str
    mode: str = CONVERT


def stripped(text: str) -> str:
    """Fields accept the empty text for no value; here it would be a value that nobody gave."""
    found = text.strip()
    if not found:
        raise ValidationError("the text is empty")
    return found


def from_json(read: Callable[[Any], Any], *kinds: type) -> Callable[[Any], Any]:
    return lambda value: read(kind(value, *kinds))


def key_or_number(value: Any) -> Any:
    """A key that is text, as hand-written models have, is read as text."""
    return numbers.whole_of_text(value) if isinstance(value, str) else numbers.whole(value)


def decimal_of_json(value: Any) -> str:
    found = kind(value, int, float, str)
    return numbers.digits_of(numbers.number_of_text(found) if isinstance(found, str) else found)


def as_it_is(value: Any) -> Any:
    return value


def never(value: Any) -> Any:
    raise ValidationError("links are copied in the database, not value by value")


RULES: Final = (
    Rule(
        olds=(ANY_TEXT,),
        news=(WHOLE,),
        read=numbers.whole_of_text,
        says="Digits with an optional sign. Leading zeros and spaces around it are not kept.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(FLOAT,),
        read=lambda text: numbers.float_of(numbers.number_of_text(text)),
        says="A number that a float is written like: 0.1 converts, a number with 20 digits does not.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(DECIMAL,),
        read=lambda text: numbers.digits_of(numbers.number_of_text(text)),
        says="A number that has no more digits and decimal places than the field; zeros at the end are free.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(BOOLEAN,),
        read=numbers.truth_of_text,
        says="true, false, 1 or 0, in any case and with spaces around it.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(DATE, DURATION),
        read=moments.exact,
        says="ISO 8601; for durations also Django's own form, such as `1 02:00:00`.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(TIME,),
        read=moments.time_of_text,
        says="ISO 8601 without a time zone.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(DATETIME,),
        read=moments.moment_of_text,
        says="ISO 8601. Without a time zone it is a time in the project's `TIME_ZONE`, and one that clocks "
        "show twice or never there does not convert.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(UUID, ADDRESS, OTHER),
        read=stripped,
        says="What the field itself accepts.",
    ),
    Rule(
        olds=(ANY_TEXT,),
        news=(JSON,),
        read=documents.json_of_text,
        says="Text that is JSON; other text does not become a string. `null` becomes no value. "
        "Names given twice, and numbers with more digits than a float keeps, do not convert.",
    ),
    Rule(
        olds=(WHOLE, FLOAT, DECIMAL, UUID, ADDRESS, OTHER),
        news=(ANY_TEXT,),
        read=documents.text_of,
        says="As it is written: `12`, `0.1`, `1.50`, `2001:db8::1`. Text that is too long does not convert.",
    ),
    Rule(
        olds=(BOOLEAN,),
        news=(ANY_TEXT,),
        read=documents.text_of,
        says="`true` or `false`.",
    ),
    Rule(
        olds=(DATE, DATETIME, TIME, DURATION),
        news=(ANY_TEXT,),
        read=documents.text_of,
        says="ISO 8601, moments in UTC; durations as `1 02:00:00`.",
    ),
    Rule(
        olds=(JSON,),
        news=(ANY_TEXT,),
        read=documents.text_of,
        says="A string becomes its text, everything else JSON text with sorted names. Back again, a string "
        "is read as JSON: `abc` fails, `12` is a number.",
    ),
    Rule(
        olds=(WHOLE, FLOAT, BOOLEAN, OTHER),
        news=(JSON,),
        read=documents.json_of,
        says="A number, true or false; a third-party value as the string that its field writes.",
    ),
    Rule(
        olds=(DECIMAL, DATE, DATETIME, TIME, DURATION, UUID, ADDRESS),
        news=(JSON,),
        read=documents.json_of,
        says="A string, written as it is in text.",
    ),
    Rule(
        olds=(JSON,),
        news=(WHOLE,),
        read=from_json(numbers.whole, int, float),
        says="A number without a fraction; a string of digits does not convert.",
    ),
    Rule(
        olds=(JSON,),
        news=(FLOAT,),
        read=from_json(numbers.float_of, int, float),
        says="A number.",
    ),
    Rule(
        olds=(JSON,),
        news=(DECIMAL,),
        read=decimal_of_json,
        says="A number, or a string that is one, since decimals become strings in JSON.",
    ),
    Rule(
        olds=(JSON,),
        news=(BOOLEAN,),
        read=from_json(as_it_is, bool),
        says="true or false.",
    ),
    Rule(
        olds=(JSON,),
        news=(DATE, DURATION),
        read=from_json(moments.exact, str),
        says="A string in the form that text has to have.",
    ),
    Rule(
        olds=(JSON,),
        news=(TIME,),
        read=from_json(moments.time_of_text, str),
        says="A string in the form that text has to have.",
    ),
    Rule(
        olds=(JSON,),
        news=(DATETIME,),
        read=from_json(moments.moment_of_text, str),
        says="A string in the form that text has to have.",
    ),
    Rule(
        olds=(JSON,),
        news=(UUID, ADDRESS, OTHER),
        read=from_json(stripped, str),
        says="A string in the form that text has to have.",
    ),
    Rule(
        olds=(FLOAT, DECIMAL, BOOLEAN),
        news=(WHOLE,),
        read=numbers.whole,
        says="A number without a fraction, within the limits of the type; false is 0, true is 1.",
    ),
    Rule(
        olds=(WHOLE, DECIMAL, BOOLEAN),
        news=(FLOAT,),
        read=numbers.float_of,
        says="A number that a float holds exactly or is written like.",
    ),
    Rule(
        olds=(WHOLE, FLOAT, BOOLEAN),
        news=(DECIMAL,),
        read=numbers.digits_of,
        says="A number that has no more digits and decimal places than the field.",
    ),
    Rule(
        olds=(WHOLE, FLOAT, DECIMAL),
        news=(BOOLEAN,),
        read=numbers.truth,
        says="0 or 1.",
    ),
    Rule(
        olds=(DATE,),
        news=(DATETIME,),
        read=moments.start_of_day,
        says="The start of that day in the project's `TIME_ZONE`.",
    ),
    Rule(
        olds=(DATETIME,),
        news=(DATE,),
        read=moments.day_of_moment,
        says="The day, if the moment is its start in the project's `TIME_ZONE`.",
    ),
    Rule(
        olds=(REFERENCE,),
        news=(ANY_TEXT,),
        read=documents.text_of,
        says="The key of the row that is referred to, as text.",
    ),
    Rule(
        olds=(REFERENCE,),
        news=(WHOLE,),
        read=key_or_number,
        says="The key of the row that is referred to, if it is a whole number.",
    ),
    Rule(
        olds=(REFERENCE,),
        news=(UUID,),
        read=documents.text_of,
        says="The key of the row that is referred to, if it is a UUID.",
    ),
    Rule(
        olds=(REFERENCE,),
        news=(JSON,),
        read=documents.json_of,
        says="The key of the row that is referred to, a number or a string.",
    ),
    Rule(
        olds=(ANY_TEXT, WHOLE, UUID),
        news=(REFERENCE,),
        read=as_it_is,
        says="A key, in the form of the target's keys, of a row that the target has.",
    ),
    Rule(
        olds=(JSON,),
        news=(REFERENCE,),
        read=from_json(as_it_is, int, str),
        says="A number or a string that is the key of a row that the target has.",
    ),
    Rule(
        olds=(REFERENCE,),
        news=(LINKS,),
        read=never,
        mode=LINK,
        says="Each reference becomes one link. The target stays the same: change it before or after.",
    ),
    Rule(
        olds=(LINKS,),
        news=(REFERENCE,),
        read=never,
        mode=UNLINK,
        says="A row's only link becomes its reference; a row with several does not convert. The target "
        "stays the same: change it before or after.",
    ),
    Rule(
        olds=(ARRAY,),
        news=(JSON,),
        read=documents.json_of,
        says="A list, with each element as JSON.",
    ),
    Rule(
        olds=(HSTORE,),
        news=(JSON,),
        read=as_it_is,
        says="An object of strings.",
    ),
    Rule(
        olds=(RANGE,),
        news=(JSON,),
        read=documents.json_of_range,
        says='`{"lower": 1, "upper": 5, "bounds": "[)"}`, or `{"empty": true}`.',
    ),
    Rule(
        olds=(JSON,),
        news=(ARRAY,),
        read=from_json(as_it_is, list),
        says="A list whose elements the element type accepts.",
    ),
    Rule(
        olds=(JSON,),
        news=(HSTORE,),
        read=from_json(as_it_is, dict),
        says="An object whose values are strings or null.",
    ),
    Rule(
        olds=(JSON,),
        news=(RANGE,),
        read=from_json(as_it_is, dict, list),
        says="An object as a range writes it, or a list of the two ends.",
    ),
)

BY_PAIR: Final = {(old, new): rule for rule in RULES for old in rule.olds for new in rule.news}
