"""Type changes: which have a meaning, and what becomes of a value. Exactly the same, or an error."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import example, given
from hypothesis import strategies as st

from events.schema import FieldSchema
from projections import conversions, fields
from projections.conversions import CONVERT, FITS, LINK, REFUSE, REPLACE, SAME, UNLINK
from projections.conversions.groups import GROUPS, OTHER, RANGE
from projections.conversions.modes import MODES
from projections.conversions.rules import BY_PAIR
from tests.unit.conversion_examples import EXAMPLES, OPTIONS
from tests.unit.schemas import a_field

FAILS = (ValidationError, ValueError, ArithmeticError, TypeError)


def field(type_name: str, **attributes: Any) -> FieldSchema:
    """A field with the options of the examples; others may be given."""
    options = {**fields.LITERAL[type_name].defaults, **OPTIONS.get(type_name, {})}
    named = {key: attributes.pop(key) for key in ("related_model", "required") if key in attributes}
    return a_field(type=type_name, options={**options, **attributes}, **named)


def spelled(column: FieldSchema) -> str:
    return f"{column.type} {column.related_model} {dict(column.options)}"


def converted(old: str, new: str, value: Any) -> Any:
    return conversions.converter(field(old), field(new))(value)


# -- modes -----------------------------------------------------------------------------------------


def test_every_pair_of_types_has_a_mode_and_a_sentence():
    pairs = conversions.table()
    assert {(pair.old, pair.new) for pair in pairs} == {
        (a, b) for a in fields.LITERAL for b in fields.LITERAL
    }
    assert len(pairs) == len(fields.LITERAL) ** 2
    assert {pair.mode for pair in pairs} <= set(MODES)
    assert all(pair.says.endswith(".") for pair in pairs)


def test_a_type_stays_the_same_as_itself():
    assert {pair.mode for pair in conversions.table() if pair.old == pair.new} == {SAME}


@pytest.mark.parametrize(
    ("old", "new", "mode"),
    [
        (field("CharField"), field("CharField", max_length=20), SAME),
        (field("CharField"), field("TextField"), SAME),
        (field("CharField"), field("EmailField", max_length=20), SAME),
        (field("TextField"), field("CharField"), FITS),
        (field("CharField"), field("SlugField", max_length=19), FITS),
        (field("FileField", max_length=20), field("CharField"), SAME),
        (field("IntegerField"), field("BigIntegerField"), SAME),
        (field("PositiveIntegerField"), field("IntegerField"), SAME),
        (field("IntegerField"), field("PositiveIntegerField"), FITS),
        (field("BigIntegerField"), field("SmallIntegerField"), FITS),
        (field("DecimalField"), field("DecimalField", max_digits=6), SAME),
        (field("DecimalField"), field("DecimalField", max_digits=6, decimal_places=3), SAME),
        (field("DecimalField"), field("DecimalField", decimal_places=3), FITS),
        (field("DecimalField"), field("DecimalField", decimal_places=1), FITS),
        (field("GenericIPAddressField"), field("GenericIPAddressField", protocol="IPv4"), FITS),
        (field("GenericIPAddressField", protocol="IPv4"), field("GenericIPAddressField"), SAME),
        (field("ForeignKey", related_model="a"), field("OneToOneField", related_model="a"), SAME),
        (field("ForeignKey", related_model="a"), field("ForeignKey", related_model="b"), FITS),
        (field("ManyToManyField", related_model="a"), field("ManyToManyField", related_model="a"), SAME),
        (field("ManyToManyField", related_model="a"), field("ManyToManyField", related_model="b"), REPLACE),
        (field("ForeignKey", related_model="a"), field("ManyToManyField", related_model="a"), LINK),
        (field("OneToOneField", related_model="a"), field("ManyToManyField", related_model="a"), LINK),
        (field("ManyToManyField", related_model="a"), field("ForeignKey", related_model="a"), UNLINK),
        (field("ForeignKey", related_model="a"), field("ManyToManyField", related_model="b"), REFUSE),
        (field("ManyToManyField", related_model="a"), field("OneToOneField", related_model="b"), REFUSE),
        (field("ArrayField"), field("ArrayField", base_field="BigIntegerField"), SAME),
        (field("ArrayField"), field("ArrayField", base_field="SmallIntegerField"), FITS),
        (field("ArrayField"), field("ArrayField", size=3), FITS),
        (field("ArrayField", size=3), field("ArrayField"), SAME),
        (field("ArrayField"), field("ArrayField", base_field="TextField"), REFUSE),
        (field("IntegerRangeField"), field("BigIntegerRangeField"), CONVERT),
        (field("IntegerRangeField"), field("DecimalRangeField"), REFUSE),
        (field("DateRangeField"), field("DateTimeRangeField"), REFUSE),
    ],
    ids=lambda value: value if isinstance(value, str) else spelled(value),
)
def test_values_stay_where_they_are_only_if_the_new_shape_holds_them(old, new, mode):
    assert conversions.mode(old, new) == mode


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("BinaryField", new) for new in GROUPS if new != "BinaryField"),
        *((old, "BinaryField") for old in GROUPS if old != "BinaryField"),
        *(
            (old, "IntegerField")
            for old in ("DateField", "DateTimeField", "TimeField", "DurationField", "UUIDField")
        ),
        *(("DateTimeField", "TimeField"), ("TimeField", "DateTimeField"), ("DurationField", "TimeField")),
        *(("BooleanField", "DateField"), ("BooleanField", "ForeignKey"), ("FloatField", "ForeignKey")),
        *(
            ("ManyToManyField", "CharField"),
            ("CharField", "ManyToManyField"),
            ("ManyToManyField", "JSONField"),
        ),
        *(("ArrayField", "CharField"), ("IntegerField", "ArrayField"), ("HStoreField", "ArrayField")),
        *(("GenericIPAddressField", "IntegerField"), ("DecimalRangeField", "DecimalField")),
    ],
)
def test_types_without_a_common_meaning_are_refused(old, new):
    assert conversions.mode(field(old), field(new)) == REFUSE


def test_the_examples_show_every_way_between_two_groups():
    shown = {(GROUPS[old], GROUPS[new]) for old, new in EXAMPLES}
    ways = {pair for pair, rule in BY_PAIR.items() if rule.mode == CONVERT and OTHER not in pair}
    assert shown == {pair for pair in ways if RANGE not in pair}


# -- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "value", "expected"),
    [
        pytest.param(*pair, value, expected, id=f"{' to '.join(pair)}, {n}")
        for pair, (good, _) in EXAMPLES.items()
        for n, (value, expected) in enumerate(good)
    ],
)
def test_a_value_becomes_what_it_says(old, new, value, expected):
    assert conversions.mode(field(old), field(new)) == CONVERT
    result = converted(old, new, value)
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        pytest.param(*pair, value, id=f"{' to '.join(pair)}, {n}")
        for pair, (_, bad) in EXAMPLES.items()
        for n, value in enumerate(bad)
    ],
)
def test_a_value_that_would_lose_something_fails(old, new, value):
    with pytest.raises(FAILS):
        converted(old, new, value)


@pytest.mark.parametrize(
    ("old", "new", "good", "bad"),
    [
        (field("TextField"), field("CharField"), ["x" * 20, "", " v3 "], ["x" * 21]),
        (field("CharField"), field("URLField", max_length=20), ["v3", "http://x/3"], []),
        (field("CharField"), field("EmailField", max_length=20), ["v3"], []),
        (field("CharField"), field("SlugField", max_length=20), ["not a slug"], []),
        (field("IntegerField"), field("PositiveSmallIntegerField"), [0, 32767], [-1, 32768]),
        (
            field("DecimalField"),
            field("DecimalField", decimal_places=1),
            [Decimal("1.50"), Decimal("0.00")],
            [Decimal("1.55")],
        ),
        (
            field("GenericIPAddressField"),
            field("GenericIPAddressField", protocol="IPv6"),
            ["2001:db8::1"],
            ["192.0.2.1"],
        ),
        (field("ArrayField"), field("ArrayField", size=2), [[1, 2], []], [[1, 2, 3]]),
        (field("ArrayField"), field("ArrayField", base_field="SmallIntegerField"), [[1]], [[1, 40_000]]),
    ],
    ids=lambda value: spelled(value) if isinstance(value, FieldSchema) else "",
)
def test_a_value_fits_a_narrower_field_unchanged_or_not_at_all(old, new, good, bad):
    convert = conversions.converter(old, new)
    assert [convert(value) for value in good] == good
    for value in bad:
        with pytest.raises(FAILS):
            convert(value)


@pytest.mark.parametrize(("old", "new"), EXAMPLES)
def test_no_value_stays_no_value(old, new):
    assert converted(old, new, None) is None


def test_empty_text_is_no_value_where_the_new_type_is_not_text():
    assert conversions.empties(field("CharField"), field("IntegerField"))
    assert conversions.empties(field("FileField"), field("JSONField"))
    assert not conversions.empties(field("CharField"), field("TextField"))
    assert not conversions.empties(field("JSONField"), field("IntegerField"))


# -- keys ------------------------------------------------------------------------------------------


def test_a_key_has_the_type_of_the_targets_keys():
    to_uuid = conversions.converter(
        field("CharField"), field("ForeignKey"), key=models.UUIDField(primary_key=True)
    )
    assert to_uuid(f" {uuid.UUID(int=5)} ") == uuid.UUID(int=5)
    with pytest.raises(FAILS):
        to_uuid("5")
    to_text = conversions.converter(
        field("IntegerField"), field("ForeignKey"), key=models.CharField(max_length=3)
    )
    assert to_text(12) == "12"
    with pytest.raises(FAILS):
        to_text(1234)
    to_number = conversions.converter(
        field("JSONField"), field("ForeignKey"), key=models.BigAutoField(primary_key=True)
    )
    assert to_number("12") == to_number(12) == 12


def test_the_key_of_a_child_is_that_of_its_parent():
    session, entry = apps.get_model("sessions.Session"), apps.get_model("admin.LogEntry")
    assert session._meta.pk.get_internal_type() == "CharField"
    convert = conversions.converter(
        field("CharField"), field("ForeignKey"), key=entry._meta.get_field("user")
    )
    assert convert("12") == 12


# -- time zones ------------------------------------------------------------------------------------


@pytest.fixture
def berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


def test_a_day_begins_at_the_projects_midnight(berlin):
    moment = datetime(2024, 2, 28, 23, tzinfo=UTC)
    assert converted("DateField", "DateTimeField", date(2024, 2, 29)) == moment
    assert converted("DateTimeField", "DateField", moment) == date(2024, 2, 29)
    with pytest.raises(FAILS):
        converted("DateTimeField", "DateField", datetime(2024, 2, 29, tzinfo=UTC))


def test_the_zone_of_the_person_who_changes_the_type_does_not_matter(berlin):
    from django.utils import timezone

    with timezone.override("Asia/Tokyo"):
        test_a_day_begins_at_the_projects_midnight(None)


@pytest.mark.parametrize("text", ["2024-03-31 02:30", "2024-10-27 02:30"], ids=["never", "twice"])
def test_a_time_that_clocks_show_twice_or_never_fails(berlin, text):
    with pytest.raises(FAILS):
        converted("CharField", "DateTimeField", text)
    assert converted("CharField", "DateTimeField", f"{text}+01:00").tzinfo is not None


def test_without_zones_in_the_project_a_moment_becomes_its_local_time(settings, berlin):
    settings.USE_TZ = False
    assert converted("CharField", "DateTimeField", "2024-02-29T12:00:00Z") == datetime(2024, 2, 29, 13)  # noqa: DTZ001
    assert converted("CharField", "DateTimeField", "2024-02-29T12:00") == datetime(2024, 2, 29, 12)  # noqa: DTZ001
    assert converted("DateTimeField", "DateField", datetime(2024, 2, 29)) == date(2024, 2, 29)  # noqa: DTZ001
    assert converted("DateField", "DateTimeField", date(2024, 2, 29)) == datetime(2024, 2, 29)  # noqa: DTZ001


# -- third-party types -----------------------------------------------------------------------------


class Upper(models.CharField):
    """Writes its values in its own way, and takes only what it knows."""

    def to_python(self, value: Any) -> Any:
        if value == "bad":
            raise ValidationError("bad")
        return str(value).upper()

    def value_to_string(self, obj: Any) -> str:
        return f"<{self.value_from_object(obj)}>"


def test_a_third_party_field_reads_and_writes_its_own_values(settings):
    settings.DYNAMO_FIELD_TYPES = {"Upper": f"{__name__}.Upper"}
    upper = a_field(type="Upper", options={"max_length": 5})
    assert (
        conversions.mode(field("CharField"), upper) == conversions.mode(upper, field("JSONField")) == CONVERT
    )
    assert conversions.mode(upper, field("IntegerField")) == REFUSE
    assert conversions.converter(field("CharField"), upper)(" abc ") == "ABC"
    assert conversions.converter(upper, field("TextField"))("ABC") == "<ABC>"
    for value in ("bad", "toolong"):
        with pytest.raises(FAILS):
            conversions.converter(field("CharField"), upper)(value)
    assert conversions.mode(upper, a_field(type="Upper", options={"max_length": 4})) == FITS


# -- properties ------------------------------------------------------------------------------------

whole = st.integers(-(2**31), 2**31 - 1)
decimals = st.decimals(-999, 999, places=2)
floats = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | floats
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), inner)
    ),
    max_leaves=8,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "IntegerField": whole,
    "FloatField": floats,
    "DecimalField": decimals,
    "BooleanField": st.booleans(),
    "DateField": st.dates(),
    "DateTimeField": moments,
    "TimeField": st.times(),
    "DurationField": st.timedeltas(),
    "UUIDField": st.uuids(),
    "GenericIPAddressField": st.ip_addresses().map(str),
}


@pytest.mark.parametrize("through", ["TextField", "JSONField"])
@pytest.mark.parametrize("type_name", VALUES)
@given(data=st.data())
def test_every_value_comes_back_from_text_and_from_json(type_name, through, data):
    value = data.draw(VALUES[type_name])
    there = converted(type_name, through, value)
    if through == "JSONField":
        there = json.loads(json.dumps(there))
    back = converted(through, type_name, there)
    assert back == (
        fields.build(field(type_name)).to_python(value) if type_name.startswith("Generic") else value
    )


@given(value=plain_json.filter(lambda value: not isinstance(value, str) and value is not None))
@example(value={"a": "\u2028", "b": [1e300, -0.0]})
def test_json_that_is_no_string_comes_back_from_text(value):
    assert converted("TextField", "JSONField", converted("JSONField", "TextField", value)) == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IntegerField", "DecimalField"),
        ("IntegerField", "FloatField"),
        ("BooleanField", "IntegerField"),
        ("BooleanField", "DecimalField"),
        ("DecimalField", "FloatField"),
        ("FloatField", "DecimalField"),
        ("FloatField", "IntegerField"),
        ("DateField", "DateTimeField"),
        ("DateTimeField", "DateField"),
    ],
)
@given(data=st.data())
def test_a_value_that_converts_comes_back(one, other, data):
    value = data.draw(VALUES[one])
    try:
        there = converted(one, other, value)
    except FAILS:
        return
    assert converted(other, one, there) == value


@pytest.mark.parametrize("pair", [pair for pair in EXAMPLES if pair[1] in VALUES], ids=" ".join)
@given(data=st.data())
def test_what_converts_is_a_value_of_the_new_field(pair, data):
    old, new = pair
    any_text = st.text(max_size=20) | st.from_regex(r"[-+0-9.:TZ e]{1,20}", fullmatch=True)
    value = data.draw(VALUES.get(old, plain_json if old == "JSONField" else any_text))
    try:
        result = converted(old, new, value)
    except FAILS:
        return
    built: Any = fields.build(field(new, required=True))
    if result is not None:
        built.clean(result, None)
        assert built.to_python(result) == result


@given(text=st.text(max_size=30) | st.from_regex(r"[\[\]{}\",:0-9.eE truefalsn-]{1,30}", fullmatch=True))
def test_text_is_json_or_fails_and_never_anything_else(text):
    try:
        result = converted("TextField", "JSONField", text)
    except FAILS:
        return
    assert result == json.loads(text)
