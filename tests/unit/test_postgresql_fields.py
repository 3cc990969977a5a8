"""PostgreSQL's own types: their JSON, their options and their forms. Nothing here needs a database."""

from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import Range
from hypothesis import given
from hypothesis import strategies as st

from dynamo import field_rules
from projections import conversions, fields
from projections.conversions import CONVERT, FITS, SAME
from tests.unit.schemas import a_field
from tests.unit.test_imports import ROOT

RANGES = [name for name in fields.POSTGRESQL if name.endswith("RangeField")]
WITHOUT_DRIVER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("psycopg", "psycopg2"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Blocker())
import django
django.setup()
from dynamo import field_rules
from projections import conversions, fields
assert "ArrayField" not in fields.field_types()
assert conversions.table()
try:
    field_rules.field_type("ArrayField")
except Exception as error:
    print(error.messages[0])
"""


def built(type_name: str, **options: Any) -> Any:
    checked = field_rules.options(options, fields.POSTGRESQL[type_name], required=True)
    return fields.build(a_field(type=type_name, options=checked, required=True))


def parsed(type_name: str, raw: Any, **options: Any) -> Any:
    return fields.parse(built(type_name, **options), raw)


def test_a_project_without_the_driver_has_the_table_and_a_clear_refusal():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DRIVER],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == ("ArrayField exists on PostgreSQL only; this registry's database is SQLite")


@pytest.mark.parametrize("type_name", fields.POSTGRESQL)
def test_a_type_that_the_database_does_not_have_is_refused_and_not_offered(type_name):
    with pytest.raises(
        ValidationError, match="exists on PostgreSQL only; this registry's database is SQLite"
    ):
        field_rules.field_type(type_name)
    assert type_name not in fields.field_types()


# -- options ---------------------------------------------------------------------------------------


def test_an_arrays_elements_have_the_options_of_their_own_type():
    options = field_rules.options({"base_field": "CharField"}, fields.POSTGRESQL["ArrayField"], required=True)
    assert options == {"base_field": "CharField", "base_options": {"max_length": 255}}
    array = built(
        "ArrayField", base_field="DecimalField", base_options={"max_digits": 5, "decimal_places": 2}
    )
    assert (array.base_field.max_digits, array.size) == (5, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs the option 'base_field'"),
        ({"base_field": "ForeignKey"}, "must be one of"),
        ({"base_field": "ArrayField"}, "must be one of"),
        ({"base_field": "django.db.models.CharField"}, "must be one of"),
        ({"base_field": "CharField", "base_options": []}, "must be a JSON object"),
        ({"base_field": "CharField", "base_options": {"max_length": 0}}, "option 'base_options'.*max_length"),
        ({"base_field": "CharField", "base_options": {"db_index": True}}, "no option 'db_index'"),
        ({"base_field": "DateField", "base_options": {"auto_now": True}}, "no option 'auto_now'"),
        (
            {"base_field": "UUIDField", "base_options": {"default_factory": "uuid4"}},
            "no option 'default_factory'",
        ),
        ({"base_field": "DecimalField"}, "option 'base_options'.*needs the option 'max_digits'"),
        ({"base_field": "IntegerField", "size": 0}, "whole number from 1"),
    ],
)
def test_wrong_options_of_an_array_are_refused_by_name(options, message):
    with pytest.raises(ValidationError, match=message):
        field_rules.options(options, fields.POSTGRESQL["ArrayField"], required=True)


# -- values ----------------------------------------------------------------------------------------


def test_a_default_of_an_array_is_a_list_of_its_elements_values():
    assert parsed("ArrayField", [1, 2], base_field="IntegerField") == [1, 2]
    assert parsed("ArrayField", [], base_field="IntegerField") == []
    assert parsed("ArrayField", ("2024-02-29",), base_field="DateField") == [datetime.date(2024, 2, 29)]


def test_rows_do_not_share_the_default_of_an_array():
    schema = a_field(type="ArrayField", options={"base_field": "DateField"}, default=["2024-02-29"])
    field: Any = fields.build(schema)
    assert field.get_default() == [datetime.date(2024, 2, 29)]
    assert field.get_default() is not field.get_default()


@pytest.mark.parametrize("raw", [None, 1, "[1]", {}, [None], ["x"], [True], [1.5], [2**31], [[1]], [1, 2, 3]])
def test_an_array_takes_nothing_but_a_list_of_its_elements(raw):
    with pytest.raises(ValidationError):
        parsed("ArrayField", raw, base_field="IntegerField", size=2)


@pytest.mark.parametrize("raw", [None, [], "x", {"a": 1}, {"a": ["b"]}, {"a": True}])
def test_hstore_takes_an_object_of_texts(raw):
    assert parsed("HStoreField", {"a": "1", "b": None}) == {"a": "1", "b": None}
    with pytest.raises(ValidationError):
        parsed("HStoreField", raw)


@pytest.mark.parametrize(
    ("type_name", "raw", "expected"),
    [
        ("IntegerRangeField", [1, 5], Range(1, 5, "[)")),
        ("IntegerRangeField", {"lower": 1, "upper": 5, "bounds": "[]"}, Range(1, 6, "[)")),
        ("IntegerRangeField", {"lower": 1, "upper": 5, "bounds": "(]"}, Range(2, 6, "[)")),
        ("IntegerRangeField", {"lower": 1}, Range(1, None, "[)")),
        ("IntegerRangeField", [None, 5], Range(None, 5, "()")),
        ("IntegerRangeField", [None, None], Range(None, None, "()")),
        ("IntegerRangeField", [1, 1], Range(empty=True)),
        ("IntegerRangeField", {"lower": 1, "upper": 2, "bounds": "()"}, Range(empty=True)),
        ("IntegerRangeField", {"empty": True}, Range(empty=True)),
        ("BigIntegerRangeField", [-(2**63), 2**62], Range(-(2**63), 2**62, "[)")),
        ("DecimalRangeField", [0.1, "2.50"], Range(Decimal("0.1"), Decimal("2.50"), "[)")),
        ("DecimalRangeField", {"lower": 1, "upper": 1, "bounds": "[]"}, Range(Decimal(1), Decimal(1), "[]")),
        ("DecimalRangeField", {"lower": 1, "upper": 1, "bounds": "(]"}, Range(empty=True)),
        (
            "DateRangeField",
            {"lower": "2024-02-28", "upper": "2024-02-28", "bounds": "[]"},
            Range(datetime.date(2024, 2, 28), datetime.date(2024, 2, 29), "[)"),
        ),
        (
            "DateTimeRangeField",
            ["2024-02-29T12:00:00Z", None],
            Range(datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC), None, "[)"),
        ),
    ],
    ids=str,
)
def test_a_range_is_what_the_database_would_give_back(type_name, raw, expected):
    assert parsed(type_name, raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        *(None, 1, "[1,5)", [], [1], [1, 2, 3], {}, [5, 1], ["a", "b"], [True, 2], [1.5, 2], [0, 2**31]),
        *(
            {"low": 1},
            {"lower": 1, "bounds": "[["},
            {"lower": 1, "bounds": None},
            {"lower": 1, "empty": True},
        ),
        {"upper": 2**31 - 1, "bounds": "[]"},
    ],
    ids=str,
)
def test_what_is_no_range_of_the_type_is_refused(raw):
    with pytest.raises(ValidationError):
        parsed("IntegerRangeField", raw)


@pytest.mark.parametrize("type_name", fields.POSTGRESQL)
def test_choices_are_not_for_values_of_many_parts(type_name):
    options = {"base_field": "IntegerField"} if type_name == "ArrayField" else {}
    row = fields.POSTGRESQL[type_name]
    with pytest.raises(ValidationError, match="takes no choices"):
        field_rules.values(a_field(type=type_name, options=options, choices=[[1, "one"]]), row)


# -- conversions -----------------------------------------------------------------------------------

dates = st.dates(max_value=datetime.date(9999, 12, 30))
ENDS: dict[str, st.SearchStrategy[Any]] = {
    "IntegerRangeField": st.integers(-(2**31), 2**31 - 2),
    "BigIntegerRangeField": st.integers(-(2**63), 2**63 - 2),
    "DecimalRangeField": st.decimals(-999, 999, places=2).map(str),
    "DateRangeField": dates.map(str),
    "DateTimeRangeField": st.datetimes(timezones=st.just(datetime.UTC)).map(str),
}


@pytest.mark.parametrize("type_name", RANGES)
@given(data=st.data())
def test_a_range_comes_back_from_json(type_name, data):
    ends = st.none() | ENDS[type_name]
    raw = {
        "lower": data.draw(ends),
        "upper": data.draw(ends),
        "bounds": data.draw(st.sampled_from(["[)", "(]", "()", "[]"])),
    }
    try:
        value = parsed(type_name, raw)
    except ValidationError:
        return
    one, other = a_field(type=type_name), a_field(type="JSONField")
    there = conversions.converter(one, other)(value)
    assert conversions.converter(other, one)(there) == value


def test_whole_ranges_convert_into_each_other_within_their_limits():
    small, big = a_field(type="IntegerRangeField"), a_field(type="BigIntegerRangeField")
    assert conversions.mode(small, big) == conversions.mode(big, small) == CONVERT
    assert conversions.converter(small, big)(Range(1, None, "[)")) == Range(1, None, "[)")
    with pytest.raises(ValidationError):
        conversions.converter(big, small)(Range(1, 2**31, "[)"))


def test_an_array_of_longer_texts_fits_shorter_ones_if_each_element_does():
    long, short = (
        a_field(
            type="ArrayField", options={"base_field": "CharField", "base_options": {"max_length": length}}
        )
        for length in (5, 3)
    )
    assert (conversions.mode(short, long), conversions.mode(long, short)) == (SAME, FITS)
    assert conversions.converter(long, short)(["abc", ""]) == ["abc", ""]
    with pytest.raises(ValidationError):
        conversions.converter(long, short)(["abc", "abcd"])


# -- forms -----------------------------------------------------------------------------------------


def form_of(field: Any) -> Any:
    return type("Form", (forms.Form,), {"x": field.formfield(required=False)})


def test_texts_with_commas_survive_a_form():
    form_class = form_of(built("ArrayField", base_field="CharField"))
    shown = form_class(initial={"x": ["a,b", "c"]})
    assert "a,b" in str(shown)
    text = shown.fields["x"].prepare_value(["a,b", "c"])
    form = form_class({"x": text})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["x"] == ["a,b", "c"]
    assert form_class({"x": ""}).is_valid()
    for wrong in ('{"a": 1}', "[1]", "a,b", '["' + "x" * 256 + '"]'):
        assert not form_class({"x": wrong}).is_valid()


def test_numbers_are_edited_with_commas_between_them():
    form = form_of(built("ArrayField", base_field="IntegerField"))({"x": "1,2"})
    assert form.is_valid()
    assert form.cleaned_data["x"] == [1, 2]


@pytest.mark.parametrize("type_name", RANGES)
def test_forms_of_ranges_need_no_app_of_django(type_name):
    assert str(form_of(built(type_name))()).count("<input") == 2
