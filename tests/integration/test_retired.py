"""What was retired comes back with its values, or goes for good; a refusal leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection

import dynamo
from dynamo.exceptions import DataRefused, ModelNotFound, SchemaRefused
from dynamo.models import MetaField, MetaModel
from projections.registry import registry
from tests.integration.changes import field, model, prepare
from tests.integration.databases import quoted, sql
from tests.integration.making import add, alter, columns, everything, make, rename, table_names

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def everything_agrees() -> Iterator[None]:
    yield
    connection.check_constraints()
    assert dynamo.verify().problems == []


@contextmanager
def refused(error: type[Exception], words: str) -> Iterator[None]:
    """The block is refused with these words, and leaves no trace."""
    before = everything()
    with pytest.raises(error, match=words):
        yield
    assert everything() == before


def book(**fields: Any) -> tuple[MetaModel, Any]:
    meta = make("Book", **fields)
    return meta, meta.get_model()


def only(meta: MetaModel) -> MetaField:
    found: MetaField = meta.fields.get()
    return found


def values(rows: Any, name: str) -> list[Any]:
    return list(rows.objects.order_by("pk").values_list(name, flat=True))


def tombstones() -> list[str]:
    return [name for name in table_names() if name.startswith("zz_")]


# -- fields ----------------------------------------------------------------------------------------


def test_a_field_comes_back_with_its_values_its_attributes_and_its_key():
    meta, rows = book(title={"type": "CharField", "help": "On the spine.", "options": {"max_length": 90}})
    rows.objects.create(title="Emma")
    title = only(meta)
    key, attributes = title.pk, {name: getattr(title, name) for name in title.ATTRIBUTES}
    title.delete()
    assert not hasattr(rows, "title")
    row = dynamo.restore("Book.title")
    assert (type(row), row.pk) == (MetaField, key)
    assert {name: getattr(row, name) for name in row.ATTRIBUTES} == attributes
    assert values(rows, "title") == ["Emma"]
    assert dynamo.history()[-1].type == "field.restored"


@pytest.mark.parametrize("what", ["Book.title", "dynamic.Book.title", "id"])
def test_a_field_is_found_by_its_names_and_by_its_id(what):
    meta, _ = book(title="CharField")
    title = only(meta)
    key = str(title.pk)
    title.delete()
    assert dynamo.restore(key if what == "id" else what).name == "title"


def test_of_several_of_one_name_the_last_wins_and_the_others_are_found_by_id():
    meta, rows = book()
    keys = []
    for value in ("first", "second", "third"):
        keys.append(str(add(meta, "title").pk))
        rows.objects.create(title=value)
        only(meta).delete()
    dynamo.restore("Book.title")
    assert values(rows, "title")[-1] == "third"
    assert str(only(meta).pk) == keys[2]
    dynamo.restore(keys[0], name="old_title")
    assert values(rows, "old_title") == ["first", "", ""]


def test_a_field_comes_back_under_another_name_while_its_own_is_taken():
    meta, rows = book(title="CharField")
    rows.objects.create(title="old")
    only(meta).delete()
    add(meta, "title", "IntegerField")
    with refused(ValidationError, "title"):
        dynamo.restore("Book.title")
    dynamo.restore("Book.title", name="words")
    assert {f.name for f in rows._meta.get_fields()} == {"id", "words", "title"}
    assert (values(rows, "words"), values(rows, "title")) == (["old"], [None])


@pytest.mark.parametrize("name", ["a b", "save", "a__b", "id", "class", "pages", "zz_1", "x" * 60])
def test_another_name_is_held_to_the_rules_of_names(name):
    meta, _ = book(title="CharField", pages="IntegerField")
    meta.fields.get(name="title").delete()
    with refused(ValidationError, "name|title|pages|reserved|characters|column"):
        dynamo.restore("Book.title", name=name)


def test_optional_text_is_empty_in_rows_written_meanwhile():
    meta, rows = book(title="CharField")
    rows.objects.create(title="before")
    only(meta).delete()
    rows.objects.create()
    dynamo.restore("Book.title")
    assert values(rows, "title") == ["before", ""]


@pytest.mark.parametrize(("kind", "value", "backfill"), [("CharField", "x", "y"), ("IntegerField", 1, 2)])
def test_a_required_field_needs_a_value_for_rows_written_meanwhile(kind, value, backfill):
    meta, rows = book(title={"type": kind, "required": True})
    rows.objects.create(title=value)
    only(meta).delete()
    rows.objects.create()
    with refused(DataRefused, "1 row has no value"):
        dynamo.restore("Book.title")
    with refused(ValidationError, "backfill"):
        dynamo.restore("Book.title", backfill=[])
    dynamo.restore("Book.title", backfill=backfill)
    assert values(rows, "title") == [value, backfill]
    assert columns("dynamic_book")["title"] is True


def test_a_default_fills_rows_written_meanwhile():
    meta, rows = book(stock={"type": "IntegerField", "required": True, "default": 7})
    rows.objects.create(stock=1)
    only(meta).delete()
    rows.objects.create()
    dynamo.restore("Book.stock")
    assert values(rows, "stock") == [1, 7]


def test_a_unique_field_is_unique_again():
    meta, rows = book(code={"type": "IntegerField", "unique": True, "required": True})
    rows.objects.create(code=1)
    only(meta).delete()
    rows.objects.create()
    with refused(DataRefused, "cannot be unique"):
        dynamo.restore("Book.code", backfill=1)
    dynamo.restore("Book.code", backfill=2)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        rows.objects.create(code=2)


def test_a_field_of_a_renamed_model_is_found_under_the_new_name():
    meta, rows = book(title="CharField")
    rows.objects.create(title="Emma")
    only(meta).delete()
    rename(meta, "Volume")
    with refused(ModelNotFound, r"Book\.title"):
        dynamo.restore("Book.title")
    dynamo.restore("Volume.title")
    assert values(rows, "title") == ["Emma"]


@pytest.mark.parametrize("what", ["", "Nope", "Book", "Book.pages", "a.b.c.d"])
def test_what_was_not_retired_is_not_found(what):
    book(title="CharField")
    for change in (dynamo.restore, dynamo.purge):
        with refused(ModelNotFound, "nothing that was retired"):
            change(what)


def test_a_field_of_a_retired_model_waits_for_its_model():
    meta, _ = book(title="CharField")
    only(meta).delete()
    meta.delete()
    with refused(SchemaRefused, "restore it first"):
        dynamo.restore("Book.title")
    dynamo.restore("Book")
    assert dynamo.restore("Book.title").name == "title"


@pytest.mark.parametrize("on_error", ["keep", "value", "", None])
def test_a_restore_knows_two_ways_with_lost_references(on_error):
    meta, _ = book(title="CharField")
    only(meta).delete()
    with refused(ValidationError, "fail, null"):
        dynamo.restore("Book.title", on_error=on_error)


# -- columns that conversions keep -----------------------------------------------------------------


def test_a_kept_column_gives_the_values_as_they_were_under_another_name():
    meta, rows = book(pages="CharField")
    for pages in ("12", "many", ""):
        rows.objects.create(pages=pages)
    alter(only(meta), type="IntegerField", options={}, on_error="null")
    with refused(ValidationError, "pages"):
        dynamo.restore("Book.pages")
    dynamo.restore("Book.pages", name="pages_as_typed")
    assert values(rows, "pages") == [12, None, None]
    assert values(rows, "pages_as_typed") == ["12", "many", ""]


def test_a_conversion_is_undone_by_its_kept_column():
    meta, rows = book(price="DecimalField")
    rows.objects.create(price="9.50")
    alter(only(meta), type="CharField", options={})
    only(meta).delete()
    kept = next(f for f in registry.schema(str(meta.pk)).retired_fields if f.type == "DecimalField")
    dynamo.restore(kept.id)
    assert [str(price) for price in values(rows, "price")] == ["9.50"]


def test_a_kept_column_is_purged_by_itself():
    meta, rows = book(pages="CharField")
    rows.objects.create(pages="12")
    alter(only(meta), type="IntegerField", options={})
    dynamo.purge("Book.pages")
    assert values(rows, "pages") == [12]
    assert sorted(columns("dynamic_book")) == ["id", "pages"]


# -- relations -------------------------------------------------------------------------------------


def test_a_relation_comes_back_with_its_references_and_its_accessor():
    prepare()
    field("author").delete()
    dynamo.restore("Book.author")
    author = model("Author").get_model().objects.get()
    assert sorted(b.title for b in author.book_set.all()) == ["x", "y"]


def test_references_to_rows_that_are_gone_are_counted_or_emptied():
    prepare()
    authors, books = model("Author").get_model(), model().get_model()
    model("Author").fields.get(name="best").delete()
    other = authors.objects.create(name="B")
    books.objects.filter(title="y").update(author=other)
    field("author").delete()
    other.delete()
    with refused(DataRefused, "1 row refers"):
        dynamo.restore("Book.author")
    dynamo.restore("Book.author", on_error="null")
    assert {b.title: b.author and b.author.name for b in books.objects.all()} == {"x": "A", "y": None}


def test_a_required_relation_cannot_let_go_of_its_references():
    prepare()
    alter(field("author"), required=True)
    field("author").delete()
    model("Author").fields.get(name="best").delete()
    model("Author").get_model().objects.all().delete()
    with refused(ValidationError, "needs required to be false"):
        dynamo.restore("Book.author", on_error="null")


@pytest.mark.parametrize("name", ["author", "tags"])
def test_a_relation_waits_for_its_target_and_does_not_come_back_once_that_was_purged(name):
    prepare()
    field("author").delete()
    field("tags").delete()
    model("Author").delete()
    with refused(SchemaRefused, "dynamic.Author, which is retired; restore that first"):
        dynamo.restore(f"Book.{name}")
    dynamo.purge("Author")
    with refused(SchemaRefused, "purged, so it cannot come back"):
        dynamo.restore(f"Book.{name}")
    dynamo.purge(f"Book.{name}")


def test_a_relation_to_a_renamed_target_comes_back_to_it():
    prepare()
    field("tags").delete()
    field("author").delete()
    rename(model("Author"), "Writer")
    for name in ("tags", "author"):
        assert dynamo.restore(f"Book.{name}").related_model == "dynamic.Writer"
    first = model().get_model().objects.get(title="x")
    assert (first.author.name, [w.name for w in first.tags.all()]) == ("A", ["A"])


def test_a_relation_whose_accessor_was_taken_meanwhile_is_refused():
    prepare()
    field("tags").delete()
    add(model("Author"), "tagged")
    with refused(ValidationError, "tagged"):
        dynamo.restore("Book.tags")


def test_a_many_to_many_comes_back_with_its_links_but_those_to_rows_that_are_gone():
    prepare()
    books, authors = model().get_model(), model("Author").get_model()
    model("Author").fields.get(name="best").delete()
    second = books.objects.get(title="y")
    kept, lost = authors.objects.create(name="B"), authors.objects.create(name="C")
    second.tags.add(kept, lost)
    field("tags").delete()
    lost.delete()
    dynamo.restore("Book.tags", name="labels")
    assert [a.name for a in books.objects.get(title="y").labels.all()] == ["B"]
    assert "dynamic_book_labels" in table_names()
    assert tombstones() == []


# -- models ----------------------------------------------------------------------------------------


def test_a_model_comes_back_as_the_same_class_with_its_rows_and_links():
    prepare()
    Book = dynamo.get_model("Book")
    row = Book.objects.get(title="x")
    key = model().pk
    model("Author").fields.get(name="best").delete()
    model().delete()
    with pytest.raises(ModelNotFound):
        dynamo.get_model("Book")
    meta = dynamo.restore("Book")
    assert (type(meta), meta.pk) == (MetaModel, key)
    assert dynamo.get_model("Book") is Book
    found = Book.objects.get(title="x")
    assert (found == row, isinstance(found, Book)) == (True, True)
    assert (found.author.name, [a.name for a in found.tags.all()]) == ("A", ["A"])
    assert Book.objects.get(title="y").sequel == found
    assert len(dynamo.restore("Author.best").meta_model.get_model().objects.get().best.title) == 1


def test_a_model_comes_back_under_another_name():
    meta, held = book(title="CharField")
    held.objects.create(title="Emma")
    meta.delete()
    make("Book")
    with refused(ValidationError, "already"):
        dynamo.restore("Book")
    assert dynamo.restore("Book", name="Volume").name == "Volume"
    assert (held.__name__, held._meta.db_table, values(held, "title")) == (
        "Volume",
        "dynamic_volume",
        ["Emma"],
    )


@pytest.mark.parametrize("name", ["a b", "x_", "class", "B" * 51])
def test_another_name_of_a_model_is_held_to_the_rules_of_names(name):
    book()[0].delete()
    with refused(ValidationError, "name|characters|letters|keyword|identifier"):
        dynamo.restore("Book", name=name)


def test_of_several_models_of_one_name_the_last_wins():
    for title in ("first", "second"):
        meta, rows = book(title="CharField")
        rows.objects.create(title=title)
        meta.delete()
    dynamo.restore("Book")
    assert values(dynamo.get_model("Book"), "title") == ["second"]
    assert len(tombstones()) == 1


def test_a_table_of_the_projects_own_in_the_way_is_named():
    book()[0].delete()
    sql(f"CREATE TABLE {quoted('dynamic_book')} (id int)")
    try:
        with refused(SchemaRefused, "'dynamic_book' that the registry does not own"):
            dynamo.restore("Book")
    finally:
        sql(f"DROP TABLE {quoted('dynamic_book')}")
    dynamo.restore("Book")


def test_a_model_whose_references_lost_their_rows_comes_back_without_them():
    prepare()
    model("Author").fields.get(name="best").delete()
    authors = model("Author").get_model()
    model().delete()
    authors.objects.all().delete()
    with refused(DataRefused, "2 rows refer"):
        dynamo.restore("Book")
    planned = dynamo.plan(lambda: dynamo.restore("Book", on_error="null"))
    assert (planned.ok, dict(planned.operations[0].rows)) == (True, {"lost": 2})
    dynamo.restore("Book", on_error="null")
    found = {b.title: (b.author, list(b.tags.all())) for b in dynamo.get_model("Book").objects.all()}
    assert found == {"x": (None, []), "y": (None, [])}


def test_a_model_waits_for_the_models_that_it_refers_to():
    prepare()
    model("Author").fields.get(name="best").delete()
    model().delete()
    model("Author").delete()
    with refused(SchemaRefused, "dynamic.Author, which is retired; restore that first"):
        dynamo.restore("Book")
    with dynamo.batch():
        dynamo.restore("Author")
        dynamo.restore("Book")
    assert dynamo.get_model("Book").objects.get(title="x").author.name == "A"


def test_a_backfill_is_for_fields():
    book()[0].delete()
    with refused(ValidationError, "backfill|fields"):
        dynamo.restore("Book", backfill=1)


# -- purge -----------------------------------------------------------------------------------------


def test_a_purged_field_is_gone_with_its_column():
    meta, rows = book(title="CharField", pages="IntegerField")
    rows.objects.create(title="Emma", pages=3)
    meta.fields.get(name="title").delete()
    dynamo.purge("Book.title")
    assert sorted(columns("dynamic_book")) == ["id", "pages"]
    with refused(ModelNotFound, "nothing that was retired"):
        dynamo.restore("Book.title")
    assert values(rows, "pages") == [3]


def test_a_purged_many_to_many_is_gone_with_its_links():
    prepare()
    field("tags").delete()
    assert len(tombstones()) == 1
    dynamo.purge("Book.tags")
    assert tombstones() == []


def test_a_purged_model_is_gone_with_its_tables_and_its_content_type():
    prepare()
    known = ContentType.objects.count()
    model("Author").fields.get(name="best").delete()
    model().delete()
    dynamo.purge("Book")
    assert tombstones() == []
    assert ContentType.objects.count() == known - 1
    assert not [name for name in table_names() if "book" in name]
    with refused(ModelNotFound, "nothing that was retired"):
        dynamo.purge("Book")
    assert make("Book", title="CharField").get_model().objects.count() == 0


def test_what_is_live_is_never_purged():
    book(title="CharField")
    for what in ("Book", "Book.title", str(model().pk)):
        with refused(ModelNotFound, "nothing that was retired"):
            dynamo.purge(what)


def test_restore_and_purge_are_part_of_a_batch_or_of_nothing():
    meta, rows = book(title="CharField", pages="IntegerField")
    rows.objects.create(title="Emma", pages=3)
    for name in ("title", "pages"):
        meta.fields.get(name=name).delete()

    def both(after: Exception | None = None) -> None:
        with dynamo.batch(reason="tidy"):
            dynamo.restore("Book.title")
            dynamo.purge("Book.pages")
            if after is not None:
                raise after

    with refused(KeyError, "out"):
        both(KeyError("out"))
    both()
    assert values(rows, "title") == ["Emma"]
    assert [(e.type, e.reason) for e in dynamo.history()[-2:]] == [
        ("field.restored", "tidy"),
        ("field.purged", "tidy"),
    ]


def test_what_was_retired_is_kept_for_as_many_days_as_the_project_says(settings) -> None:
    meta = make("Book", isbn="CharField", code="CharField")
    meta.fields.get(name="isbn").delete()
    settings.DYNAMO_RETENTION_DAYS = 1
    with refused(SchemaRefused, "dynamic.Book.isbn is kept until"):
        dynamo.purge("Book.isbn")
    with refused(SchemaRefused, "dynamic.Book.code is kept until"), dynamo.batch():
        meta.fields.get(name="code").delete()
        dynamo.purge("Book.code")
    settings.DYNAMO_RETENTION_DAYS = 0
    dynamo.purge("Book.isbn")
