"""Types in groups: all types of a group hold the same kind of value, so they convert alike."""

from __future__ import annotations

from typing import Final

from events.schema import FieldSchema
from projections import fields

ANY_TEXT, WHOLE, FLOAT, DECIMAL, BOOLEAN = "text", "whole number", "float", "decimal", "boolean"
DATE, DATETIME, TIME, DURATION = "date", "date and time", "time", "duration"
UUID, JSON, ADDRESS, BINARY = "uuid", "json", "ip address", "binary"
REFERENCE, LINKS = "reference", "many-to-many"
ARRAY, RANGE, HSTORE = "array", "range", "hstore"
OTHER: Final = "third-party type"

GROUPS: Final[dict[str, str]] = {
    "CharField": ANY_TEXT,
    "TextField": ANY_TEXT,
    "SlugField": ANY_TEXT,
    "EmailField": ANY_TEXT,
    "URLField": ANY_TEXT,
    "FileField": ANY_TEXT,
    "ImageField": ANY_TEXT,
    "FilePathField": ANY_TEXT,
    "SmallIntegerField": WHOLE,
    "IntegerField": WHOLE,
    "BigIntegerField": WHOLE,
    "PositiveSmallIntegerField": WHOLE,
    "PositiveIntegerField": WHOLE,
    "PositiveBigIntegerField": WHOLE,
    "FloatField": FLOAT,
    "DecimalField": DECIMAL,
    "BooleanField": BOOLEAN,
    "DateField": DATE,
    "DateTimeField": DATETIME,
    "TimeField": TIME,
    "DurationField": DURATION,
    "UUIDField": UUID,
    "JSONField": JSON,
    "GenericIPAddressField": ADDRESS,
    "BinaryField": BINARY,
    "ForeignKey": REFERENCE,
    "OneToOneField": REFERENCE,
    "ManyToManyField": LINKS,
    "ArrayField": ARRAY,
    "IntegerRangeField": RANGE,
    "BigIntegerRangeField": RANGE,
    "DecimalRangeField": RANGE,
    "DateRangeField": RANGE,
    "DateTimeRangeField": RANGE,
    "HStoreField": HSTORE,
}

TEXT: Final = frozenset(name for name, group in GROUPS.items() if group == ANY_TEXT)
KEYS: Final = frozenset(name for name, group in GROUPS.items() if group == REFERENCE)


def group(column: FieldSchema) -> str:
    """A third-party whole number counts as one: its row has the limits of its nearest stock parent."""
    return GROUPS.get(column.type) or (WHOLE if limits(column) else OTHER)


def limits(column: FieldSchema) -> tuple[int, int] | None:
    row = fields.field_type(column.type)
    return None if row is None else row.limits


def element(array: FieldSchema) -> FieldSchema:
    """The schema that an array's elements have."""
    return FieldSchema(
        id="",
        name="element",
        storage="",
        type=array.options["base_field"],
        options=array.options.get("base_options", {}),
        required=True,
    )
