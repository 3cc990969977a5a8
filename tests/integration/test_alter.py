"""Changes of fields that have rows: what converts, what is refused with numbers, what is kept."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import override_settings

import dynamo
from dynamo.exceptions import DataRefused, DynamoError, SchemaRefused
from dynamo.models import MetaField, MetaModel
from tests.integration.agreement import refused, settled
from tests.integration.databases import sql
from tests.integration.making import add, alter, columns, everything, make, table_names

pytestmark = pytest.mark.django_db(transaction=True)

LOSSLESS: list[Any] = [
    ("CharField", {}, "12", "IntegerField", {}, 12),
    ("CharField", {}, " -7 ", "SmallIntegerField", {}, -7),
    ("CharField", {}, "1.50", "DecimalField", {"max_digits": 5, "decimal_places": 2}, Decimal("1.50")),
    ("CharField", {}, "true", "BooleanField", {}, True),
    ("CharField", {}, "2024-02-29", "DateField", {}, datetime.date(2024, 2, 29)),
    ("CharField", {}, '{"a": [1]}', "JSONField", {}, {"a": [1]}),
    ("CharField", {}, "x", "TextField", {}, "x"),
    ("TextField", {}, "abc", "CharField", {"max_length": 3}, "abc"),
    ("IntegerField", {}, 12, "CharField", {}, "12"),
    ("IntegerField", {}, 12, "BigIntegerField", {}, 12),
    ("BigIntegerField", {}, 12, "PositiveSmallIntegerField", {}, 12),
    ("IntegerField", {}, 1, "BooleanField", {}, True),
    ("IntegerField", {}, 12, "DecimalField", {"max_digits": 5, "decimal_places": 2}, Decimal("12.00")),
    ("FloatField", {}, 2.0, "IntegerField", {}, 2),
    ("BooleanField", {}, True, "CharField", {}, "true"),
    ("DateField", {}, datetime.date(2024, 2, 29), "CharField", {}, "2024-02-29"),
    (
        "DateField",
        {},
        datetime.date(2024, 2, 29),
        "DateTimeField",
        {},
        datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC),
    ),
    ("JSONField", {}, {"b": 1, "a": 2}, "TextField", {}, '{"a": 2, "b": 1}'),
]
LOSSY: list[tuple[Any, ...]] = [
    ("CharField", {}, "abc", "IntegerField", {}),
    ("CharField", {}, "1.5", "IntegerField", {}),
    ("CharField", {}, "2024-02-30", "DateField", {}),
    ("CharField", {}, "maybe", "BooleanField", {}),
    ("CharField", {}, "{", "JSONField", {}),
    ("CharField", {}, "abcd", "CharField", {"max_length": 3}),
    ("FloatField", {}, 1.7, "IntegerField", {}),
    ("FloatField", {}, 0.1, "DecimalField", {"max_digits": 5, "decimal_places": 0}),
    ("BigIntegerField", {}, 99_999, "SmallIntegerField", {}),
    ("IntegerField", {}, -1, "PositiveIntegerField", {}),
    ("IntegerField", {}, 5, "BooleanField", {}),
    (
        "DecimalField",
        {"max_digits": 8, "decimal_places": 2},
        "1.25",
        "DecimalField",
        {"max_digits": 8, "decimal_places": 1},
    ),
    ("DateTimeField", {}, datetime.datetime(2024, 1, 1, 5, tzinfo=datetime.UTC), "DateField", {}),
]


def filled(type_name: str, options: dict, value: object, **attributes) -> tuple[MetaModel, MetaField]:
    meta = make("Thing", x={"type": type_name, "options": options, **attributes})
    meta.get_model().objects.create(x=value)
    return meta, MetaField.objects.get()


def spelled(case: tuple) -> str:
    return f"{case[0]} {case[2]!s:.20} to {case[3]} {case[4] or ''}"


@pytest.mark.parametrize("nested", [False, pytest.param(True, marks=pytest.mark.needs("ddl in atomic"))])
@pytest.mark.parametrize("case", LOSSLESS, ids=spelled)
def test_values_that_convert_are_converted(case, nested):
    type_name, options, value, new_type, new_options, expected = case
    meta, field = filled(type_name, options, value)
    empty = meta.get_model().objects.create()
    with transaction.atomic(durable=not nested) if nested else dynamo.batch():
        alter(field, type=new_type, options=new_options)
    assert meta.get_model().objects.exclude(pk=empty.pk).get().x == expected
    assert not meta.get_model().objects.get(pk=empty.pk).x
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("case", LOSSY, ids=spelled)
def test_values_that_do_not_convert_are_refused_with_their_number_and_samples(case):
    type_name, options, value, new_type, new_options = case
    meta, field = filled(type_name, options, value)
    meta.get_model().objects.create(x=value)
    before = everything()
    with pytest.raises(DataRefused) as caught:
        alter(field, type=new_type, options=new_options)
    assert caught.value.count == 2
    assert len(caught.value.samples) == 2
    assert "on_error" in str(caught.value)
    assert everything() == before


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"on_error": "null"}, [None, 12, None]),
        ({"on_error": "value", "error_value": -1}, [-1, 12, None]),
        ({"on_error": "keep"}, [None, None, None]),
    ],
    ids=["null", "value", "keep"],
)
def test_the_change_set_says_what_becomes_of_values_that_do_not_convert(said, expected):
    meta, field = filled("CharField", {}, "abc", unique=True)
    for value in ("12", None):
        meta.get_model().objects.create(x=value)
    field.type, field.options, field.unique = "IntegerField", {}, False
    field.save(**said)
    assert list(meta.get_model().objects.order_by("pk").values_list("x", flat=True)) == expected
    (kept,) = (name for name in columns("dynamic_thing") if name.startswith("zz_"))
    assert [value for (value,) in sql(f"SELECT {kept} FROM dynamic_thing ORDER BY id")] == [
        "abc",
        "12",
        None,
    ]
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("on_error", ["", "ignore", None, "NULL"])
def test_an_unknown_way_to_handle_errors_is_refused(transactional_db, on_error):
    _, field = filled("CharField", {}, "abc")
    before = everything()
    with pytest.raises(ValidationError):
        alter(field, type="IntegerField", options={}, on_error=on_error)
    assert everything() == before


@pytest.mark.parametrize(
    "pair", [("CharField", "BinaryField"), ("BooleanField", "DateField"), ("UUIDField", "FloatField")]
)
def test_types_without_a_way_between_them_are_refused_whether_there_are_rows_or_not(transactional_db, pair):
    make("Thing", x=pair[0])
    before = everything()
    with pytest.raises(ValidationError, match="no meaningful way"):
        alter(MetaField.objects.get(), type=pair[1], options={})
    assert everything() == before


def test_many_rows_are_converted_in_batches(transactional_db):
    meta = make("Thing", x="CharField")
    cls = meta.get_model()
    cls.objects.bulk_create(cls(x=str(n)) for n in range(2_500))
    alter(MetaField.objects.get(), type="IntegerField", options={})
    assert sorted(cls.objects.values_list("x", flat=True)) == list(range(2_500))


def test_a_field_added_as_required_needs_a_value_for_the_rows_that_are_there(transactional_db):
    meta, _ = filled("CharField", {}, "a")
    before = everything()
    with pytest.raises(DataRefused, match="backfill") as caught:
        add(meta, "n", "IntegerField", required=True)
    assert caught.value.count == 1
    assert everything() == before
    add(meta, "n", "IntegerField", required=True, backfill=7)
    assert meta.get_model().objects.get().n == 7


@pytest.mark.parametrize("backfill", ["x", True, [1], {}, 2**40, float("inf")])
def test_a_backfill_is_a_value_of_the_field(transactional_db, backfill):
    meta, _ = filled("CharField", {}, "a")
    before = everything()
    with pytest.raises(ValidationError):
        add(meta, "n", "IntegerField", required=True, backfill=backfill)
    assert everything() == before


@pytest.mark.parametrize("backfill", ["x", True, {}, [], 1.5, 2**70, 99])
def test_a_backfill_of_a_relation_is_the_key_of_a_row(transactional_db, backfill):
    meta, _ = filled("CharField", {}, "a")
    before = everything()
    with pytest.raises((ValidationError, DynamoError)):
        add(meta, "r", "ForeignKey", related_model="self", required=True, backfill=backfill)
    assert everything() == before
    add(meta, "r", "ForeignKey", related_model="self", required=True, backfill=1)
    assert meta.get_model().objects.get().r_id == 1


def test_the_backfill_is_not_the_default_of_later_rows(transactional_db):
    meta, _ = filled("CharField", {}, "a")
    add(meta, "n", "IntegerField", required=True, backfill=7)
    with pytest.raises(IntegrityError):
        meta.get_model().objects.create(x="b")


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_a_moment_without_a_zone_is_utc_wherever_the_server_stands(transactional_db):
    meta = make("Thing")
    meta.get_model().objects.create()
    add(meta, "x", "DateTimeField", default="2024-01-01T10:00:00")
    assert meta.get_model().objects.get().x == datetime.datetime(2024, 1, 1, 10, tzinfo=datetime.UTC)


def test_a_field_becomes_unique_only_without_duplicates(transactional_db):
    meta, field = filled("CharField", {}, "same")
    meta.get_model().objects.create(x="same")
    before = everything()
    with pytest.raises(DataRefused, match="same"):
        alter(field, unique=True)
    assert everything() == before


def test_empty_text_that_becomes_unique_becomes_null_and_back(transactional_db):
    meta, field = filled("CharField", {}, "")
    meta.get_model().objects.create(x="")
    field = alter(field, unique=True)
    assert list(meta.get_model().objects.values_list("x", flat=True)) == [None, None]
    alter(field, unique=False)
    assert list(meta.get_model().objects.values_list("x", flat=True)) == ["", ""]


def test_fields_become_unique_together_only_without_duplicates(transactional_db):
    meta = make("Thing", a="IntegerField", b="IntegerField")
    for _ in range(2):
        meta.get_model().objects.create(a=1, b=2)
    before = everything()
    with pytest.raises(DataRefused):
        meta.fields.update(unique_together=True)
    assert everything() == before


def test_all_flagged_fields_form_one_constraint(transactional_db):
    meta = make("Thing", **{n: {"type": "IntegerField", "unique_together": True} for n in "abc"})
    cls = meta.get_model()
    cls.objects.create(a=1, b=1, c=1)
    cls.objects.create(a=1, b=1, c=2)
    with pytest.raises(IntegrityError):
        cls.objects.create(a=1, b=1, c=2)
    with pytest.raises(ValidationError):
        cls(a=1, b=1, c=2).full_clean()
    with pytest.raises(SchemaRefused, match="clear that flag"):
        meta.fields.get(name="c").delete()
    with pytest.raises(DataRefused, match="a, b"):
        alter(meta.fields.get(name="c"), unique_together=False)
    cls.objects.last().delete()
    alter(meta.fields.get(name="c"), unique_together=False)
    meta.fields.get(name="c").delete()
    with pytest.raises(IntegrityError):
        cls.objects.create(a=1, b=1)


def test_a_required_column_keeps_a_default_so_that_stale_processes_can_insert(transactional_db):
    make("Thing", x={"type": "CharField"}, n={"type": "IntegerField", "default": 5, "required": True})
    sql("INSERT INTO dynamic_thing (id) VALUES (7)")
    assert sql("SELECT x, n FROM dynamic_thing") == [("", 5)]


def test_options_that_nobody_touched_follow_a_change_of_type(transactional_db):
    _, field = filled("CharField", {"max_length": 20}, "12")
    assert alter(field, type="IntegerField").options == {}


@pytest.mark.parametrize("text", ["O'B", "100%", "%s %% ?", '"quoted"', "\\", "ü\U0001f600", ":name"])
def test_odd_defaults_reach_existing_rows_unchanged(transactional_db, text):
    meta, _ = filled("CharField", {}, "a")
    add(meta, "d", default=text, required=True)
    alter(MetaField.objects.get(name="x"), unique=True)
    sql("INSERT INTO dynamic_thing (x) VALUES ('raw')")
    assert list(meta.get_model().objects.values_list("d", flat=True)) == [text, text]


@override_settings(DYNAMO_DELETE_COLUMNS=True, DYNAMO_DELETE_TABLES=True)
def test_columns_and_tables_are_dropped_at_once_where_the_project_says_so(transactional_db):
    meta = make(
        "Thing", x="CharField", y="CharField", xs={"type": "ManyToManyField", "related_model": "self"}
    )
    for name in ("x", "xs"):
        meta.fields.get(name=name).delete()
    assert set(columns("dynamic_thing")) == {"id", "y"}
    meta.delete()
    assert not [name for name in table_names() if name.startswith(("dynamic_", "zz_"))]
    assert dynamo.verify().problems == []


def flag(meta: MetaModel, **code: Any) -> None:
    """Make code and kind unique together, with what else is said of code."""
    with dynamo.batch():
        alter(meta.fields.get(name="code"), unique_together=True, **code)
        alter(meta.fields.get(name="kind"), unique_together=True)


@pytest.mark.parametrize("already", [True, False])
def test_a_converted_member_of_a_combination_is_counted_before_anything_is_done(already):
    """On MariaDB too, where the database's own refusal would come after the change was accepted."""
    meta = make("Pair", code="CharField", kind="IntegerField")
    if already:
        flag(meta)
    cls = meta.get_model()
    for code in ("7", "07", "x", "y", "", ""):
        cls.objects.create(code=code, kind=1 if code else None)
    with refused(DataRefused, "cannot be unique together: 1 pairs occur more than once") as caught:
        flag(meta, type="IntegerField", options={}, on_error="null")
    assert caught.value.samples == [(7, 1)]
    cls.objects.filter(code="07").delete()
    flag(meta, type="IntegerField", options={}, on_error="null")
    settled()


def test_a_member_that_is_filled_is_counted_with_what_it_is_filled_with():
    meta = make("Pair", code="IntegerField", kind="IntegerField")
    cls = meta.get_model()
    for code in (1, None, None):
        cls.objects.create(code=code, kind=1)
    with refused(DataRefused, "cannot be unique together"):
        flag(meta, required=True, backfill=5)
    cls.objects.filter(code=None).last().delete()
    with refused(DataRefused, "cannot be unique together"):
        flag(meta, required=True, backfill=1)
    flag(meta, required=True, backfill=5)
    settled()


def test_a_column_that_starts_empty_is_counted_with_what_all_rows_get():
    meta = make("Pair", code="CharField", kind="IntegerField")
    for kind in (1, 1):
        meta.get_model().objects.create(code="x", kind=kind)
    with refused(DataRefused, "cannot be unique together"):
        flag(meta, type="IntegerField", options={}, on_error="keep", backfill=0)
    with refused(DataRefused, "2 rows would all get 0"):
        alter(
            meta.fields.get(name="code"),
            type="IntegerField",
            options={},
            unique=True,
            on_error="keep",
            backfill=0,
        )
    flag(meta, type="IntegerField", options={}, on_error="keep")
    settled()


def test_one_failing_value_that_gets_what_another_row_has_is_counted():
    meta = make("Thing", code="CharField")
    cls = meta.get_model()
    for code in ("7", "x"):
        cls.objects.create(code=code)
    field = meta.fields.get()
    field.type, field.options, field.unique = "IntegerField", {}, True
    with refused(DataRefused, "2 rows would all get 7"):
        field.save(on_error="value", error_value=7)
    field.save(on_error="value", error_value=8)
    settled()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"on_error": "null"}, [1, None, None, None]),
        ({"on_error": "value", "error_value": 2}, [1, 2, 2, None]),
        ({"on_error": "keep"}, [None, None, None, None]),
        ({"on_error": "keep", "backfill": 2}, [2, 2, 2, 2]),
    ],
    ids=["null", "value", "keep", "keep filled"],
)
def test_text_that_becomes_a_reference_gets_what_was_said_for_the_rest(said, expected):
    target = make("Tag", name="CharField")
    for name in ("a", "b"):
        target.get_model().objects.create(name=name)
    meta = make("Book", tag="CharField")
    cls = meta.get_model()
    for text in ("1", "7", "x", ""):
        cls.objects.create(tag=text)
    field = meta.fields.get()
    field.type, field.options, field.related_model = "ForeignKey", {}, "Tag"
    with refused(DataRefused, "2 values do not fit ForeignKey, such as '7', 'x'"):
        field.save()
    field.save(**said)
    assert list(cls.objects.order_by("pk").values_list("tag_id", flat=True)) == expected
    settled()


@pytest.mark.parametrize("said", [{}, {"on_error": "null"}, {"on_error": "keep"}])
def test_an_error_value_that_nothing_would_get_is_refused(said):
    field = add(make("Book"), "pages")
    before = everything()
    field.type, field.options = "IntegerField", {}
    with pytest.raises(ValidationError, match='an error_value needs on_error="value"'):
        field.save(error_value=9, **said)
    assert everything() == before


@pytest.mark.parametrize(
    "said", [{"on_error": "value", "error_value": 9}, {"on_error": "keep", "backfill": 9}]
)
def test_a_reference_for_the_rest_must_be_to_a_row_that_is_there(said):
    make("Tag", name="CharField")
    meta = make("Book", tag="CharField")
    meta.get_model().objects.create(tag="x")
    field = meta.fields.get()
    field.type, field.options, field.related_model = "ForeignKey", {}, "Tag"
    with refused(DataRefused, "the target has no row 9"):
        field.save(**said)


def test_values_that_do_not_fit_a_required_field_get_the_backfill():
    meta = make("Book", pages={"type": "CharField", "required": True})
    for text in ("12", "many"):
        meta.get_model().objects.create(pages=text)
    field = meta.fields.get()
    field.type, field.options = "IntegerField", {}
    with refused(ValidationError, "or a backfill"):
        field.save(on_error="null")
    field.save(on_error="null", backfill=0)
    assert list(meta.get_model().objects.order_by("pk").values_list("pages", flat=True)) == [12, 0]
    settled()


def test_a_required_reference_that_lost_its_row_is_restored_with_the_backfill():
    target = make("Tag", name="CharField")
    tags = [target.get_model().objects.create(name=name) for name in "ab"]
    meta = make("Book", tag={"type": "ForeignKey", "related_model": "Tag", "required": True})
    for tag in tags:
        meta.get_model().objects.create(tag=tag)
    meta.fields.get().delete()
    tags[0].delete()
    with refused(DataRefused, "1 row refers to ids"):
        dynamo.restore("Book.tag")
    dynamo.restore("Book.tag", on_error="null", backfill=tags[1].pk)
    assert list(meta.get_model().objects.values_list("tag__name", flat=True)) == ["b", "b"]
    settled()
