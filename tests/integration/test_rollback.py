"""Rollback: the schema of an earlier moment again, with the values that it had."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.exceptions import DataRefused, DynamoError, SchemaConflict, SchemaRefused
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, everything, make, rename
from tests.integration.returns import at, live, returned_to, rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_names_options_and_order_come_back():
    meta = make("Book", title={"type": "CharField", "help": "as printed"}, pages="IntegerField")
    meta.get_model().objects.create(title="Emma", pages=400)
    before = at()
    alter(MetaField.objects.get(name="pages"), order=9, required=True, default=1)
    rename(MetaField.objects.get(name="title"), "name")
    rename(meta, "Volume")
    added = dynamo.rollback(before)
    assert added[0].type == "registry.rolled_back"
    assert {r.batch_id for r in added} == {added[0].batch_id}
    assert returned_to(before)
    assert rows("Book", "title", "pages") == [("Emma", 400)]


def test_two_fields_that_swapped_names_swap_them_back():
    meta = make("Pair", a="CharField", b="CharField")
    meta.get_model().objects.create(a="a", b="b")
    before = at()
    a, b = MetaField.objects.get(name="a"), MetaField.objects.get(name="b")
    rename(a, "c")
    rename(b, "a")
    rename(a, "b")
    assert rows("Pair", "a", "b") == [("b", "a")]
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Pair", "a", "b") == [("a", "b")]


def test_what_was_retired_comes_back_with_values_and_what_was_added_is_retired():
    meta = make("Book", title="CharField", isbn={"type": "CharField", "unique": True})
    meta.get_model().objects.create(title="Emma", isbn="1")
    before = at()
    MetaField.objects.get(name="isbn").delete()
    add(meta, "pages", "IntegerField")
    make("Reader", name="CharField")
    meta.get_model().objects.create(title="Sanditon", pages=9)
    after = at()
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "title", "isbn") == [("Emma", "1"), ("Sanditon", None)]
    dynamo.rollback(after)
    assert live(dynamo.schema()) == live(dynamo.schema(after))
    assert rows("Book", "title", "pages") == [("Emma", None), ("Sanditon", 9)]
    assert dynamo.verify().ok


def test_new_rows_do_not_clash_with_what_they_will_not_have():
    meta = make("Pair", code={"type": "CharField", "unique_together": True}, title="CharField")
    alter(meta.fields.get(name="title"), unique_together=True)
    before = at()
    for name in ("code", "title"):
        alter(meta.fields.get(name=name), unique_together=False)
    alter(meta.fields.get(name="code"), type="IntegerField", options={})
    for code in (5, 6):
        meta.get_model().objects.create(code=code, title="z")
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Pair", "code", "title") == [("5", "z"), ("6", "z")]


def test_a_row_that_was_written_later_with_the_default_keeps_it():
    meta = make("Book", pages={"type": "IntegerField", "required": True, "default": 3})
    cls = meta.get_model()
    cls.objects.create(pages=7)
    before = at()
    alter(meta.fields.get(), type="CharField", options={}, default="0")
    cls.objects.create()
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "pages") == [(7,), (0,)]


def test_a_required_field_asks_for_values_of_the_rows_that_came_meanwhile():
    meta = make("Book", title="CharField", isbn={"type": "CharField", "required": True})
    cls = meta.get_model()
    cls.objects.create(title="Emma", isbn="1")
    before = at()
    meta.fields.get(name="isbn").delete()
    cls.objects.create(title="Sanditon")
    with pytest.raises(DataRefused) as caught:
        dynamo.rollback(before)
    assert caught.value.count == 1
    with pytest.raises(ValidationError, match="nope"):
        dynamo.rollback(before, backfill={"Book.isbn": "x", "nope": 1})
    dynamo.rollback(before, backfill={"Book.isbn": "x"})
    assert returned_to(before)
    assert rows("Book", "isbn") == [("1",), ("x",)]


def test_a_unique_field_says_which_rows_clash():
    meta = make("Book", title={"type": "CharField", "unique": True, "required": True})
    cls = meta.get_model()
    cls.objects.create(title="Emma")
    before = at()
    alter(meta.fields.get(), unique=False)
    cls.objects.create(title="Emma")
    with pytest.raises(DataRefused, match="Emma"):
        dynamo.rollback(before)


def test_what_was_purged_comes_back_empty_only_when_told():
    meta = make("Book", title="CharField", isbn="CharField")
    make("Reader", name="CharField").get_model().objects.create(name="x")
    meta.get_model().objects.create(title="Emma", isbn="1")
    before = at()
    meta.fields.get(name="isbn").delete()
    dynamo.purge("Book.isbn")
    MetaModel.objects.get(name="Reader").delete()
    dynamo.purge("Reader")
    state = everything()
    with pytest.raises(SchemaRefused, match="purged") as caught:
        dynamo.rollback(before)
    assert sorted(caught.value.empty) == ["dynamic.Book.isbn", "dynamic.Reader"]
    assert everything() == state
    dynamo.rollback(before, purged="empty")
    assert returned_to(before)
    assert rows("Book", "title", "isbn") == [("Emma", "")]
    assert rows("Reader", "name") == []
    assert MetaModel.objects.get(name="Reader").version > 1


def test_one_model_returns_to_a_version_and_leaves_the_others():
    meta = make("Book", title="CharField")
    version = MetaModel.objects.get().version
    other = make("Reader", name="CharField")
    rename(meta, "Volume")
    add(other, "age", "IntegerField")
    add(meta, "pages", "IntegerField")
    MetaModel.objects.get(name="Volume").rollback(to=version)
    assert [m.name for m in MetaModel.objects.order_by("name")] == ["Book", "Reader"]
    assert [f.name for f in dynamo.get_model("Reader")._meta.fields] == ["id", "name", "age"]
    assert [f.name for f in dynamo.get_model("Book")._meta.fields] == ["id", "title"]
    assert dynamo.verify().ok


def test_one_model_alone_needs_what_it_refers_to():
    make("Tag", name="CharField")
    book = make("Book", tag={"type": "ForeignKey", "related_model": "Tag"})
    before = at()
    book.fields.get().delete()
    MetaModel.objects.get(name="Tag").delete()
    with pytest.raises(SchemaRefused, match="restore that first"):
        dynamo.rollback(before, "Book")
    dynamo.rollback(before)
    assert returned_to(before)


def test_a_name_that_another_model_took_is_refused():
    make("Book", title="CharField")
    before = at()
    rename(MetaModel.objects.get(), "Volume")
    make("Book", other="CharField")
    with pytest.raises(ValidationError, match="already"):
        dynamo.rollback(before, "Volume")
    dynamo.rollback(before)
    assert returned_to(before)


def test_a_name_that_another_model_took_before_it_was_retired():
    make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    row = book.get_model().objects.create()
    row.tags.add(dynamo.get_model("Tag").objects.create(name="x"))
    before = at()
    rename(MetaModel.objects.get(name="Tag"), "Label")
    rename(MetaModel.objects.get(name="Book"), "Volume")
    make("Tag", other="CharField")
    dynamo.rollback(before)
    assert returned_to(before)
    assert [t.name for t in dynamo.get_model("Book").objects.get().tags.all()] == ["x"]


def test_a_plan_of_a_rollback_says_what_comes_back_and_binds_it_to_the_head():
    meta = make("Book", title="CharField", isbn="CharField")
    before = at()
    meta.fields.get(name="isbn").delete()
    add(meta, "pages", "IntegerField")
    state = everything()
    made = dynamo.plan(lambda: dynamo.rollback(before))
    assert everything() == state
    assert {(o.field, o.fate) for o in made.operations if o.field} == {
        ("isbn", "returns"),
        ("pages", "retired"),
    }
    rename(meta.fields.get(name="title"), "name")
    with pytest.raises(SchemaConflict, match=r"renamed field dynamic\.Book\.title to name"):
        dynamo.rollback(before, expected=made.token)
    again = dynamo.plan(lambda: dynamo.rollback(before))
    dynamo.rollback(before, expected=again.token)
    assert returned_to(before)


def test_models_that_did_not_change_cost_no_look_at_the_log():
    meta = make("Book", title="CharField")

    def queries() -> int:
        rename(meta.fields.get(), "name")
        with CaptureQueriesContext(connection) as seen:
            dynamo.rollback(at() - 1)
        return len(seen)

    queries()
    few = queries()
    for n in range(9):
        make(f"Other{n}", a="CharField")
    assert queries() == few


def test_times_and_tags_name_a_moment():
    meta = make("Book", title="CharField")
    assert dynamo.tag("2026-spring") == at() - 1
    moment = datetime.fromisoformat(dynamo.history()[-1].recorded_at)
    while datetime.now(UTC) < moment + timedelta(milliseconds=2):
        """SQLite's clock has milliseconds; the next event is to be of a later one."""
    add(meta, "pages", "IntegerField")
    assert [f.name for m in dynamo.schema("2026-spring").live() for f in m.fields] == ["title"]
    assert [f.name for m in dynamo.schema(moment).live() for f in m.fields] == ["title"]
    assert dynamo.schema(str(at())).position == at()
    assert dynamo.tags() == {"2026-spring": 2}
    with pytest.raises(SchemaRefused, match="already"):
        dynamo.tag("2026-spring")
    dynamo.rollback("2026-spring")
    assert returned_to(2)
    assert dynamo.rollback("2026-spring") == ()


@pytest.mark.parametrize("name", ["", "12", "2026-11-25", "a b", "-x", "x" * 65, None, 3, "é"])
def test_a_tag_that_could_be_something_else_is_refused(name):
    make("Book")
    state = everything()
    with pytest.raises(ValidationError):
        dynamo.tag(name)
    assert everything() == state


EXTREME = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))


@pytest.mark.parametrize(
    "to",
    [99, -1, True, 1.5, "nope", object(), "9" * 5000, "0001-01-01T00:00+12:00", EXTREME],
    ids=["later", "negative", "flag", "fraction", "text", "object", "digits", "early", "late"],
)
def test_a_moment_that_the_log_does_not_have_is_refused(to):
    make("Book")
    with pytest.raises(DynamoError):
        dynamo.schema(to)
    with pytest.raises(DynamoError):
        dynamo.rollback(to)


@pytest.mark.parametrize("to", ["2131-01-01", datetime.now(UTC) + timedelta(days=1)], ids=["text", "time"])
def test_a_time_that_has_not_come_yet_is_refused_by_its_name(to):
    make("Book")
    state = everything()
    for ask in (dynamo.schema, dynamo.rollback, partial(dynamo.diff, 1), partial(dynamo.tag, "later")):
        with pytest.raises(DynamoError, match=f"{re.escape(str(to))}.* is in the future"):
            ask(to)
    assert everything() == state


def test_now_is_no_future_however_the_clocks_differ(monkeypatch):
    assert dynamo.schema(datetime.now(UTC)).position == 0
    make("Book")
    last = datetime.fromisoformat(dynamo.history()[-1].recorded_at)
    monkeypatch.setattr("dynamo.moments.timezone.now", lambda: last - timedelta(hours=1))
    assert dynamo.schema(last).position == at()


def test_before_the_first_event_there_was_nothing():
    make("Book", title="CharField")
    dynamo.rollback(0)
    assert list(MetaModel.objects.all()) == []
    assert dynamo.verify().ok
    dynamo.rollback(2)
    assert returned_to(2)


@pytest.mark.parametrize("model", [5, object(), dict], ids=["number", "object", "class"])
def test_what_is_no_model_is_refused(model):
    make("Book")
    with pytest.raises(DynamoError):
        dynamo.rollback(1, model)


def test_values_for_rows_are_given_by_name():
    make("Book")
    for change in (
        lambda: dynamo.rollback(1, backfill=[1]),
        lambda: dynamo.apply(dynamo.export(), backfill=[1]),
    ):
        with pytest.raises(ValidationError, match="names"):
            change()
