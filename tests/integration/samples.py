"""Values of every field type: an ordinary one, edges, and what stands for them in JSON."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from projections.field_types import STOCK

# Quotes, backslashes, percent signs, a tab and a character beyond the Basic Multilingual Plane.
ODD: Final = 'O\'B "q" \\ 100% %s %% {0} :x ? ü\t\U0001f600'
# Texts that some collations take for equal.
ALIKE: Final = ("a", "A", "a ", "ä", "\U0001f600", "\U0001f601")
PATH, DIGITS = {"path": "files"}, {"max_digits": 12, "decimal_places": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`given` are two values as JSON and as Python; `values` are distinct, the first one ordinary."""

    values: tuple[Any, ...]
    given: tuple[tuple[Any, Any], tuple[Any, Any]]
    options: dict[str, Any] = field(default_factory=dict)


def _text(length: int, one: str, other: str, **options: Any) -> Sample:
    values = ("ordinary", ODD, *ALIKE, "\U0001f600" * length)
    return Sample(values=values, given=((one, one), (other, other)), options=options)


def _whole(name: str) -> Sample:
    low, high = STOCK[name].limits or (0, 0)
    return Sample(values=(7, low, high), given=((5, 5), (6, 6)))


STOCK_SAMPLES: Final[dict[str, Sample]] = {
    "CharField": _text(255, "O'B %s 100%% \\", "\U0001f600"),
    "EmailField": _text(254, "a@example.org", "b@example.org"),
    "SlugField": _text(50, "a-b", "c_d"),
    "URLField": _text(200, "https://example.org/%20", "http://example.org/?a=%s"),
    "TextField": _text(10_000, '"quoted"\n%d', ODD),
    "FileField": _text(100, "a.txt", "b/c.txt"),
    "ImageField": _text(100, "a.png", "b/c.png"),
    "FilePathField": _text(100, "a.txt", "b.txt", **PATH),
    **{name: _whole(name) for name, row in STOCK.items() if row.limits},
    "FloatField": Sample(
        values=(0.1, -1.7976931348623157e308, 2.2250738585072014e-308, 0.0, 1e22),
        given=((0.5, 0.5), (-2, -2.0)),
    ),
    "DecimalField": Sample(
        values=tuple(map(Decimal, ("1.5000", "-99999999.9999", "0.0001", "0.0000"))),
        given=(("2.5", Decimal("2.5000")), (3, Decimal("3.0000"))),
        options=DIGITS,
    ),
    "BooleanField": Sample(values=(True, False), given=((True, True), (False, False))),
    "DateField": Sample(
        values=(date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)),
        given=(("2000-02-29", date(2000, 2, 29)), ("1900-01-01", date(1900, 1, 1))),
    ),
    "DateTimeField": Sample(
        values=(
            datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC),
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(1000, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
        given=(
            ("2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
            ("2024-02-29T00:00:00.000001+01:00", datetime(2024, 2, 28, 23, 0, 0, 1, tzinfo=UTC)),
        ),
    ),
    "TimeField": Sample(
        values=(time(12, 30, 15, 123456), time(0), time(23, 59, 59, 999999)),
        given=(("12:30:00", time(12, 30)), ("00:00:00.000001", time(0, 0, 0, 1))),
    ),
    "DurationField": Sample(
        values=(
            timedelta(days=3, microseconds=1),
            timedelta(microseconds=-1),
            timedelta(0),
            timedelta(days=-106_751_991),
            timedelta(days=106_751_991),
        ),
        given=(("1 02:00:00", timedelta(days=1, hours=2)), ("-00:00:01", timedelta(seconds=-1))),
    ),
    "UUIDField": Sample(
        values=(uuid.UUID(int=2**100 + 1), uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)),
        given=((str(uuid.UUID(int=5)), uuid.UUID(int=5)), (uuid.UUID(int=6).hex, uuid.UUID(int=6))),
    ),
    "JSONField": Sample(
        values=({"a": [1, None, ODD]}, [], {}, "", 0, False, True, 1.5, "12", [{}, [[]]]),
        given=(({"b": 1}, {"b": 1}), ([], [])),
    ),
    "BinaryField": Sample(
        values=(b"\x00\xff%s'\"\\", bytes(range(256))), given=(("AP8=", b"\x00\xff"), ("JXM=", b"%s"))
    ),
    "GenericIPAddressField": Sample(
        values=("192.0.2.1", "2001:db8::1", "::", "255.255.255.255", ":".join(["ffff"] * 8)),
        given=(("2001:DB8:0::2", "2001:db8::2"), ("192.0.2.2", "192.0.2.2")),
    ),
}


def _postgresql() -> Iterator[tuple[str, Sample]]:
    """The types of a range's ends come with the driver."""
    from django.db.backends.postgresql.psycopg_any import Range

    def ranges(low: Any, high: Any, raw: Any) -> Sample:
        values = (Range(low, high), Range(empty=True), Range(None, low, "()"), Range(high, None, "[)"))
        given = ((raw, Range(low, high)), ({"empty": True}, Range(empty=True)))
        return Sample(values=values, given=given)

    yield (
        "ArrayField",
        Sample(
            values=([1, -2], [], [2**31 - 1, -(2**31)], [0] * 100),
            given=(([5], [5]), ([], [])),
            options={"base_field": "IntegerField"},
        ),
    )
    yield "IntegerRangeField", ranges(1, 5, [1, 5])
    yield "BigIntegerRangeField", ranges(-(2**40), 2**62, [-(2**40), 2**62])
    yield "DecimalRangeField", ranges(Decimal("0.5"), Decimal("1e20"), ["0.5", "100000000000000000000"])
    yield "DateRangeField", ranges(date(1, 1, 2), date(9999, 12, 31), ["0001-01-02", "9999-12-31"])
    moments = datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 2, 29, 0, 0, 0, 1, tzinfo=UTC)
    yield "DateTimeRangeField", ranges(*moments, [m.isoformat() for m in moments])


ON_POSTGRESQL: Final = connection.vendor == "postgresql"
SAMPLES: Final = {**STOCK_SAMPLES, **(dict(_postgresql()) if ON_POSTGRESQL else {})}
