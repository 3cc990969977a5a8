"""What converts to what, and what does not: by pairs of types, written by hand."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

DAY = date(2024, 2, 29)
MIDNIGHT = datetime(2024, 2, 29, tzinfo=UTC)
NOON = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
EASTERN = timezone(timedelta(hours=-5))
ONE = uuid.UUID(int=1)
LONG_ADDRESS, ADDRESS = "2001:DB8:0:0::1", "2001:db8::1"
FIVE_TWO = {"max_digits": 5, "decimal_places": 2}
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "DecimalField": FIVE_TWO,
    "CharField": {"max_length": 20},
    "ArrayField": {"base_field": "IntegerField"},
}

# (old type, new type): (value, expected) pairs, then values that fail.
EXAMPLES: Final[dict[tuple[str, str], tuple[list[tuple[Any, Any]], list[Any]]]] = {
    ("CharField", "IntegerField"): (
        [("12", 12), (" -7 ", -7), ("+7", 7), ("007", 7), ("-2147483648", -(2**31))],
        ["", " ", "abc", "1.0", "1e3", "1_000", "٣", "2147483648", "--1", "0x10"],
    ),
    ("CharField", "FloatField"): (
        [("0.1", 0.1), ("-1e300", -1e300), (" 5 ", 5.0), (".5", 0.5)],
        ["nan", "inf", "1e999", "1e-9999", "1_0", "0.1000000000000000055", "9007199254740993", "x", ""],
    ),
    ("CharField", "DecimalField"): (
        [
            ("1.50", Decimal("1.5")),
            ("1.500", Decimal("1.5")),
            ("1.5e2", Decimal(150)),
            ("-0.01", Decimal("-0.01")),
        ],
        ["1.555", "1234", "NaN", "Infinity", "1_0", "1e999", "1e999999999", "x", ""],
    ),
    ("CharField", "BooleanField"): (
        [("true", True), (" FALSE ", False), ("1", True), ("0", False)],
        ["yes", "no", "t", "on", "2", "", "None"],
    ),
    ("CharField", "DateField"): (
        [("2024-02-29", DAY), (" 2024-02-29\n", DAY)],
        ["2023-02-29", "29.02.2024", "02/03/2024", "2024-02-29T00:00:00", "today", ""],
    ),
    ("CharField", "DateTimeField"): (
        [
            ("2024-02-29T12:30:00Z", NOON),
            ("2024-02-29 12:30", NOON),
            ("2024-02-29T07:30:00-05:00", NOON),
            ("2024-02-29", MIDNIGHT),
        ],
        ["2024-02-30T00:00:00", "2024-02-29T12:30:00.1234567", "12:30", "now", ""],
    ),
    ("CharField", "TimeField"): (
        [
            ("12:30", time(12, 30)),
            ("23:59:59.999999", time(23, 59, 59, 999999)),
            ("12:30:00.0000000", time(12, 30)),
        ],
        ["24:01", "12:30+02:00", "12:30Z", "12:30:00.0000001", "noon", ""],
    ),
    ("CharField", "DurationField"): (
        [
            ("1 02:00:00", timedelta(days=1, hours=2)),
            ("P1DT2H", timedelta(days=1, hours=2)),
            ("-1 00:00:00", -timedelta(days=1)),
        ],
        ["1 day and a bit", "00:00:00.0000001", "", "P", "-P", "PT"],
    ),
    ("CharField", "UUIDField"): ([(f" {ONE} ", ONE), (ONE.hex, ONE)], ["1", "x" * 20, ""]),
    ("CharField", "GenericIPAddressField"): (
        [("192.0.2.1", "192.0.2.1"), (LONG_ADDRESS, ADDRESS)],
        ["192.0.2.256", "192.0.2", "host", ""],
    ),
    ("TextField", "JSONField"): (
        [
            ('{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
            ('"abc"', "abc"),
            ("12", 12),
            ("true", True),
            ("null", None),
            ("0.1", 0.1),
        ],
        [
            *(
                "{",
                "abc",
                "",
                "NaN",
                "-Infinity",
                "{'a': 1}",
                '{"a": 1, "a": 2}',
                "1e999",
                "0.1000000000000000055",
            ),
            *(str(2**63), '"\\u0000"', '{"\\ud800": 1}', "[" * 200 + "]" * 200, "[" * 100_000),
        ],
    ),
    ("CharField", "ForeignKey"): ([(" 12 ", 12)], ["x", "1.0", "", str(2**63)]),
    ("IntegerField", "CharField"): ([(-12, "-12")], []),
    ("FloatField", "CharField"): ([(0.1, "0.1"), (2.0, "2.0"), (1e22, "1e+22")], [-1.2345678901234567e-300]),
    ("DecimalField", "CharField"): (
        [(Decimal("1.50"), "1.50"), (Decimal("0E-10"), "0.0000000000")],
        [Decimal(10**20)],
    ),
    ("BooleanField", "CharField"): ([(True, "true"), (False, "false")], []),
    ("DateField", "CharField"): ([(DAY, "2024-02-29")], []),
    ("DateTimeField", "TextField"): (
        [(NOON, "2024-02-29T12:30:00+00:00"), (NOON.astimezone(EASTERN), "2024-02-29T12:30:00+00:00")],
        [],
    ),
    ("DateTimeField", "CharField"): ([], [NOON]),
    ("TimeField", "CharField"): ([(time(12, 30), "12:30:00")], []),
    ("DurationField", "CharField"): ([(timedelta(days=1, hours=2), "1 02:00:00")], []),
    ("UUIDField", "TextField"): ([(ONE, "00000000-0000-0000-0000-000000000001")], []),
    ("UUIDField", "CharField"): ([], [ONE]),
    ("GenericIPAddressField", "CharField"): ([(ADDRESS, ADDRESS)], []),
    ("JSONField", "CharField"): (
        [
            ({"b": "ü", "a": [1]}, '{"a": [1], "b": "ü"}'),
            ("abc", "abc"),
            (True, "true"),
            (1.5, "1.5"),
            ([], "[]"),
        ],
        ["x" * 21, "\x00", "\ud800", {"long": "enough to fail"}],
    ),
    ("IntegerField", "JSONField"): ([(12, 12)], []),
    ("FloatField", "JSONField"): ([(0.1, 0.1)], [float("nan"), float("inf")]),
    ("DecimalField", "JSONField"): ([(Decimal("1.50"), "1.50")], []),
    ("BooleanField", "JSONField"): ([(True, True)], []),
    ("DateField", "JSONField"): ([(DAY, "2024-02-29")], []),
    ("DateTimeField", "JSONField"): ([(NOON, "2024-02-29T12:30:00+00:00")], []),
    ("TimeField", "JSONField"): ([(time(12, 30), "12:30:00")], []),
    ("DurationField", "JSONField"): ([(timedelta(seconds=1), "00:00:01")], []),
    ("UUIDField", "JSONField"): ([(ONE, str(ONE))], []),
    ("GenericIPAddressField", "JSONField"): ([(ADDRESS, ADDRESS)], []),
    ("JSONField", "IntegerField"): ([(12, 12), (2.0, 2)], [True, "12", 1.5, [1], {}, 2**31]),
    ("JSONField", "FloatField"): ([(0.1, 0.1), (3, 3.0)], [True, "0.1", 2**53 + 1, []]),
    ("JSONField", "DecimalField"): (
        [(1.5, Decimal("1.5")), (0.1, Decimal("0.1")), ("1.50", Decimal("1.5")), (3, Decimal(3))],
        [True, "x", "NaN", 1.555, 1234, []],
    ),
    ("JSONField", "BooleanField"): ([(True, True), (False, False)], [1, 0, "true", []]),
    ("JSONField", "DateField"): ([("2024-02-29", DAY)], ["x", 20240229, ["2024-02-29"]]),
    ("JSONField", "DateTimeField"): ([("2024-02-29T12:30:00Z", NOON)], ["x", 1709209800, True]),
    ("JSONField", "TimeField"): ([("12:30", time(12, 30))], ["x", 12, "12:30Z"]),
    ("JSONField", "DurationField"): ([("00:00:01", timedelta(seconds=1))], ["x", 1, "0:00:00.0000001"]),
    ("JSONField", "UUIDField"): ([(str(ONE), ONE)], ["x", 1, []]),
    ("JSONField", "GenericIPAddressField"): ([(LONG_ADDRESS, ADDRESS)], ["x", 1]),
    ("JSONField", "ForeignKey"): ([(12, 12), ("12", 12)], [True, 1.5, "x", [1], 2**63]),
    ("FloatField", "IntegerField"): ([(2.0, 2), (-0.0, 0)], [1.7, 1e10, float("nan"), float("inf")]),
    ("DecimalField", "IntegerField"): ([(Decimal("2.00"), 2)], [Decimal("1.50"), Decimal("1e10")]),
    ("BooleanField", "IntegerField"): ([(True, 1), (False, 0)], []),
    ("BigIntegerField", "FloatField"): ([(2**53, float(2**53)), (2**62, float(2**62))], [2**53 + 1]),
    ("DecimalField", "FloatField"): ([(Decimal("0.10"), 0.1)], [Decimal("0.12345678901234567890")]),
    ("BooleanField", "FloatField"): ([(True, 1.0)], []),
    ("IntegerField", "DecimalField"): ([(-12, Decimal(-12))], [1000]),
    ("FloatField", "DecimalField"): (
        [(0.1, Decimal("0.1")), (1.0, Decimal(1))],
        [0.125, 1000.0, float("nan"), 1e300],
    ),
    ("BooleanField", "DecimalField"): ([(True, Decimal(1))], []),
    ("IntegerField", "BooleanField"): ([(1, True), (0, False)], [2, -1]),
    ("FloatField", "BooleanField"): ([(1.0, True)], [0.5, float("nan")]),
    ("DecimalField", "BooleanField"): ([(Decimal("0.00"), False)], [Decimal("0.01")]),
    ("DateField", "DateTimeField"): ([(DAY, MIDNIGHT)], []),
    ("DateTimeField", "DateField"): ([(MIDNIGHT, DAY), (MIDNIGHT.astimezone(EASTERN), DAY)], [NOON]),
    ("ForeignKey", "CharField"): ([(12, "12"), ("de", "de")], ["x" * 21]),
    ("ForeignKey", "IntegerField"): ([(12, 12), ("12", 12)], ["de", ONE, 2**31]),
    ("ForeignKey", "UUIDField"): ([(ONE, ONE), (str(ONE), ONE)], [12, "de"]),
    ("OneToOneField", "JSONField"): ([(12, 12), (ONE, str(ONE))], []),
    ("IntegerField", "OneToOneField"): ([(12, 12)], []),
    ("UUIDField", "ForeignKey"): ([], [ONE]),
    ("ArrayField", "JSONField"): ([([1, 2], [1, 2]), ([], [])], []),
    ("JSONField", "ArrayField"): ([([1, 2], [1, 2])], [{}, "1,2", [1, "x"], [None], [True], [2**31]]),
    ("HStoreField", "JSONField"): ([({"a": "1", "b": None}, {"a": "1", "b": None})], []),
    ("JSONField", "HStoreField"): ([({"a": "1", "b": None}, {"a": "1", "b": None})], [{"a": 1}, [], "x"]),
}
