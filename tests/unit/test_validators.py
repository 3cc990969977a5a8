"""What names, texts, flags, options, choices and defaults may be."""

from __future__ import annotations

import keyword
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from dynamo import field_rules, targets, validators
from events.schema import canonical
from projections import fields
from projections.generated import GeneratedModel
from tests.unit.schemas import a_field, json_values

ROWS = fields.STOCK


def refused(check, *values, **kwargs) -> None:
    with pytest.raises(ValidationError) as caught:
        check(*values, **kwargs)
    assert all(caught.value.messages)


# -- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a", "A", "title", "a_1", "a1b2", "type", "case", "select", "x" * 59, "zzz"]
)
def test_plain_names_are_taken(name):
    assert validators.field_name(name) == name


@pytest.mark.parametrize("name", ["id", "pk", "PK"])
def test_names_of_the_primary_key_are_called_that(name):
    with pytest.raises(ValidationError, match=f"'{name}' is how Django calls the primary key"):
        validators.field_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            "_a",
            "a_",
            "a__b",
            "1a",
            "a b",
            "a-b",
            "é",
            "ﬁle",
            "a\n",
            "a\x00",
            "a;b",
            'a"b',
            "x" * 60,
        ),
        *("class", "None", "id", "pk", "ID", "oid", "rowid", "zz_1", "ZZ_1", "ZZ_a"),
        *(None, 3, b"a", ["a"], True),
    ],
    ids=repr,
)
def test_names_that_some_database_or_language_trips_over_are_refused(name):
    refused(validators.field_name, name)


@pytest.mark.parametrize("name", sorted(n for n in dir(models.Model) if not n.startswith("_")))
def test_nothing_of_djangos_model_api_can_be_replaced(name):
    refused(validators.field_name, name)


@pytest.mark.parametrize("name", ["dynamo_id", "dynamo_display", "objects", "from_db"])
def test_nothing_of_our_own_model_api_can_be_replaced(name):
    assert hasattr(GeneratedModel, name) or name == "objects"
    refused(validators.field_name, name)


def test_no_relations_column_replaces_it_either():
    assert "dynamo_id" in dir(GeneratedModel)
    refused(validators.field_name, "dynamo")


@pytest.mark.parametrize("word", keyword.kwlist)
def test_no_word_of_the_language_is_a_name(word):
    refused(validators.field_name, word)
    refused(validators.model_name, word)


@given(st.text(max_size=70))
def test_a_name_is_refused_or_a_plain_identifier(text):
    try:
        name = validators.field_name(text)
    except ValidationError:
        return
    assert name.isidentifier()
    assert name.isascii()
    assert "__" not in name
    assert len(name) <= 59


# -- texts, flags, numbers -------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, "true", None, [], "False", 1.0])
def test_a_flag_is_true_or_false_and_nothing_like_it(value):
    refused(validators.flag, value)


@pytest.mark.parametrize("value", [-1, 2**31, 1.0, "1", True, None, float("inf")])
def test_an_order_is_a_small_whole_number(value):
    refused(validators.order, value)


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "\u202e", "a\x1b[31m", "\x7f", "\u2066"])
@pytest.mark.parametrize("check", [validators.label, validators.text], ids=["label", "text"])
def test_characters_that_lie_about_a_text_are_refused(check, text):
    refused(check, text)


def test_only_long_texts_have_lines():
    assert validators.text("a\n\tb\r\n") == "a\n\tb\r\n"
    for odd in ("a\nb", "a\tb", "a\rb"):
        refused(validators.label, odd)


def test_texts_have_an_end():
    refused(validators.label, "x" * 151)
    refused(validators.text, "x" * 10_001)


@given(st.text(max_size=60))
def test_a_text_comes_back_as_it_is_or_not_at_all(text):
    try:
        assert validators.label(text) == text
    except ValidationError:
        return
    assert text.isprintable() or not any(ord(c) < 32 for c in text)
    text.encode()


@given(json_values)
def test_sane_json_comes_back_as_it_is(value):
    assert canonical(validators.json_value(value)) == canonical(value)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        2**63,
        -(2**63) - 1,
        "\x00",
        "\ud800",
        {"\x00": 1},
        {1: 2},
        Ellipsis,
        b"x",
        {1, 2},
        [[[[[[[[[1]]]]]]]]],
        "x" * 65_537,
    ],
    ids=repr,
)
def test_json_that_no_database_stores_is_refused(value):
    refused(validators.json_value, value)


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_name", ROWS)
def test_every_type_refuses_an_unknown_option_by_its_name(type_name):
    given_options = {**dict.fromkeys(ROWS[type_name].needs, 3), "primary_key": True}
    with pytest.raises(ValidationError, match="primary_key"):
        field_rules.options(given_options, ROWS[type_name], required=False)


@pytest.mark.parametrize("type_name", ROWS)
def test_options_materialise_their_defaults(type_name):
    row = ROWS[type_name]
    made = field_rules.options(dict.fromkeys(row.needs, 3), row, required=False)
    assert set(row.defaults) <= set(made)
    assert field_rules.options(dict(made), row, required=False) == made


@pytest.mark.parametrize(
    ("type_name", "given_options"),
    [
        ("CharField", {"max_length": 0}),
        ("CharField", {"max_length": True}),
        ("CharField", {"max_length": "50"}),
        ("CharField", {"max_length": 50.0}),
        ("CharField", {"max_length": "50); DROP TABLE x; --"}),
        ("CharField", {"max_length": 10_001}),
        ("DecimalField", {}),
        ("DecimalField", {"max_digits": 5}),
        ("DecimalField", {"max_digits": 2, "decimal_places": 3}),
        ("DateField", {"auto_now": True, "auto_now_add": True}),
        ("DateField", {"auto_now": 1}),
        ("DateField", {"auto_now": True, "default_factory": "today"}),
        ("DateField", {"default_factory": "now"}),
        ("UUIDField", {"default_factory": "os.system"}),
        ("FileField", {"upload_to": "/etc"}),
        ("FileField", {"upload_to": "a/../../b"}),
        ("FileField", {"upload_to": "a\\b"}),
        ("FilePathField", {"path": "/"}),
        ("GenericIPAddressField", {"protocol": "IPv5"}),
        ("GenericIPAddressField", {"protocol": "IPv4", "unpack_ipv4": True}),
        ("ForeignKey", {"on_delete": "SET"}),
        ("ForeignKey", {"on_delete": None}),
        ("ForeignKey", {"related_name": "a b"}),
        ("ForeignKey", {"related_name": "a+"}),
        ("ForeignKey", {"related_name": "%(class)s"}),
        ("ForeignKey", {"limit_choices_to": {}}),
        ("ManyToManyField", {"through": "auth.User"}),
        ("ManyToManyField", {"db_table": "auth_user"}),
        ("TextField", {"db_index": True}),
        ("CharField", []),
        ("CharField", "max_length"),
        ("CharField", 5),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(type_name, given_options):
    refused(field_rules.options, given_options, ROWS[type_name], required=False)


def test_a_required_relation_cannot_be_emptied():
    refused(field_rules.options, {"on_delete": "SET_NULL"}, ROWS["ForeignKey"], required=True)


@pytest.mark.parametrize(
    "name", ["os.system", "Field", "Model", "AutoField", "GenericForeignKey", "", None, 3, [], {}], ids=repr
)
def test_types_come_from_the_table_and_from_nowhere_else(name):
    refused(field_rules.field_type, name)


# -- choices and defaults --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "a" * 10 + "\x00",
        5,
        {"a": "A"},
        [["a"]],
        [["a", "A", "x"]],
        ["ab"],
        [["a", 5]],
        [["a", "A"], ["a", "B"]],
        [["g", [["a", "A"]]], ["a", "again"]],
        [["g", [["h", [["a", "A"]]]]]],
        [[["a"], "A"]],
        [[{"a": 1}, "A"]],
        [[float("nan"), "A"]],
        [["a", "A\nB"]],
        [[f"{n}", f"{n}"] for n in range(1_001)],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_choices_that_are_no_pairs_are_refused(value):
    refused(field_rules.choices, value)


@pytest.mark.parametrize("value", [None, "", [], ()])
def test_no_choices_are_no_choices(value):
    assert field_rules.choices(value) == ()


def test_the_originals_comma_text_becomes_pairs():
    assert field_rules.choices("red, green,,blue ") == (("red", "red"), ("green", "green"), ("blue", "blue"))


@pytest.mark.parametrize(
    ("type_name", "default"),
    [
        ("IntegerField", "7.5"),
        ("IntegerField", True),
        ("IntegerField", 2**31),
        ("IntegerField", 1.5),
        ("SmallIntegerField", 40_000),
        ("PositiveIntegerField", -1),
        ("FloatField", "nan"),
        ("FloatField", "1e999"),
        ("BooleanField", "yes"),
        ("BooleanField", 1),
        ("DateField", "2024-02-30"),
        ("DateField", 20240229),
        ("DateTimeField", "noon"),
        ("TimeField", "25:00"),
        ("UUIDField", "x"),
        ("EmailField", "x"),
        ("SlugField", "a b"),
        ("URLField", "javascript:alert(1)"),
        ("GenericIPAddressField", "1.2.3.400"),
        ("CharField", 5),
        ("CharField", ["a"]),
        ("BinaryField", "not base64!"),
    ],
)
def test_defaults_that_are_no_value_of_the_type_are_refused(type_name, default):
    field = a_field(type=type_name, default=default)
    with pytest.raises(ValidationError) as caught:
        field_rules.values(field, ROWS[type_name])
    assert set(caught.value.message_dict) == {"default"}


@pytest.mark.parametrize("type_name", ["DecimalField"])
@pytest.mark.parametrize("default", ["NaN", "Infinity", "1234", "1.234", "x", True])
def test_a_decimal_default_fits_its_digits(type_name, default):
    field = a_field(type=type_name, default=default, options={"max_digits": 4, "decimal_places": 2})
    refused(field_rules.values, field, ROWS[type_name])


@pytest.mark.parametrize("type_name", ["CharField", "TextField", "SlugField", "EmailField", "URLField"])
def test_an_empty_text_is_a_default_beside_any_choices(type_name):
    field = a_field(
        type=type_name, default="", choices=[["a-b", "A"]] if type_name in {"CharField", "SlugField"} else ()
    )
    field_rules.values(field, ROWS[type_name])


@pytest.mark.parametrize("text", ["a.b.c", ".b", "a.", "../x", "self; x", "a b", "%s", "é.b"])
def test_a_target_is_a_label_and_nothing_else(text):
    refused(targets.target, text, ROWS["ForeignKey"], None, None)


@pytest.mark.parametrize(("raw", "expected"), [(0.1, "0.1"), (12, "12"), ("1.50", "1.50")])
def test_a_decimal_default_is_read_by_its_digits(raw, expected):
    options = {"max_digits": 5, "decimal_places": 2}
    field = a_field(type="DecimalField", options=options, default=raw)
    field_rules.values(field, ROWS["DecimalField"])
    assert fields.build(field).get_default() == Decimal(expected)
