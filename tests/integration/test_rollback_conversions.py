"""Rollback of fields that were converted: their original values, unless somebody edited the row."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from django.db import DatabaseError

import dynamo
from dynamo.exceptions import DataRefused, DynamoError, SchemaRefused
from dynamo.models import MetaField, MetaModel
from projections.ddl import engine, writing
from tests.integration.making import add, alter, everything, make, rename
from tests.integration.returns import at, returned_to, rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_retired_model_comes_back_with_rows_links_and_references():
    author = make("Author", name="CharField")
    tag = make("Tag", name="CharField")
    book = make(
        "Book",
        title="CharField",
        author={"type": "ForeignKey", "related_model": "Author"},
        tags={"type": "ManyToManyField", "related_model": "Tag"},
    )
    jane = author.get_model().objects.create(name="Jane")
    emma = book.get_model().objects.create(title="Emma", author=jane)
    emma.tags.add(tag.get_model().objects.create(name="novel"))
    before = at()
    for meta in (book, author, tag):
        MetaModel.objects.get(pk=meta.pk).delete()
    dynamo.rollback(before)
    assert returned_to(before)
    (found,) = dynamo.get_model("Book").objects.all()
    assert (found.author.name, [t.name for t in found.tags.all()]) == ("Jane", ["novel"])


def test_converted_values_are_the_original_ones_unless_the_row_was_edited():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("007", "12", "", "n/a"):
        cls.objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    assert rows("Book", "code") == [(7,), (12,), (None,), (None,)]
    cls.objects.filter(code=12).update(code=13)
    cls.objects.create(code=99)
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("007",), ("13",), ("",), ("n/a",), ("99",)]


def test_a_rollback_of_a_rollback_of_a_conversion():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("007", "n/a"):
        cls.objects.create(code=code)
    first = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    second = at()
    for _ in range(2):
        dynamo.rollback(first)
        assert returned_to(first)
        assert rows("Book", "code") == [("007",), ("n/a",)]
        dynamo.rollback(second)
        assert returned_to(second)
        assert rows("Book", "code") == [(7,), (None,)]
    cls.objects.filter(code=7).update(code=8)
    dynamo.rollback(first)
    assert rows("Book", "code") == [("8",), ("n/a",)]


def test_several_conversions_one_after_the_other():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("1.50", "2", "x"):
        cls.objects.create(code=code)
    before = at()
    alter(
        meta.fields.get(),
        type="DecimalField",
        options={"max_digits": 6, "decimal_places": 2},
        on_error="null",
    )
    cls.objects.filter(code=2).update(code=3)
    alter(meta.fields.get(), type="IntegerField", options={}, on_error="null")
    alter(meta.fields.get(), type="CharField", options={"max_length": 20})
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("1.50",), ("3",), ("x",)]


def test_a_value_that_does_not_convert_back_is_counted_or_emptied():
    meta = make("Book", pages="IntegerField")
    cls = meta.get_model()
    cls.objects.create(pages=1)
    before = at()
    alter(meta.fields.get(), type="CharField", options={"max_length": 20})
    cls.objects.create(pages="many")
    state = everything()
    with pytest.raises(DataRefused) as caught:
        dynamo.rollback(before)
    assert (caught.value.count, caught.value.samples) == (1, ["many"])
    assert everything() == state
    dynamo.rollback(before, on_error="null")
    assert returned_to(before)
    assert rows("Book", "pages") == [(1,), (None,)]


@pytest.mark.parametrize("edited", [False, True])
def test_links_that_became_references_and_back(edited):
    tag = make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    one, two = (tag.get_model().objects.create(name=name) for name in ("one", "two"))
    cls = book.get_model()
    for links in ([one], [one, two], []):
        cls.objects.create().tags.set(links)
    before = at()
    alter(book.fields.get(), type="ForeignKey", on_error="null")
    if edited:
        cls.objects.filter(tags=one).update(tags=two)
    dynamo.rollback(before)
    assert returned_to(before)
    found = [sorted(t.name for t in row.tags.all()) for row in cls.objects.order_by("pk")]
    assert found == [["two" if edited else "one"], ["one", "two"], []]


@pytest.mark.parametrize(
    ("said", "required"),
    [
        ({"on_error": "keep"}, False),
        ({"on_error": "value", "error_value": 3}, False),
        ({"on_error": "value", "error_value": 3, "backfill": 3}, True),
    ],
    ids=["keep", "value", "backfill"],
)
def test_links_come_back_as_they_were_whatever_became_of_those_that_did_not_fit(said, required):
    tag = make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    one, two, three = (tag.get_model().objects.create(name=name) for name in ("one", "two", "three"))
    assert three.pk == 3
    cls = book.get_model()
    for links in ([one], [one, two], []):
        cls.objects.create().tags.set(links)
    before = at()
    field = book.fields.get()
    field.type, field.required, field.options = "ForeignKey", required, {}
    field.save(**said)
    dynamo.rollback(before)
    assert returned_to(before)
    found = [sorted(t.name for t in row.tags.all()) for row in cls.objects.order_by("pk")]
    assert found == [["one"], ["one", "two"], []]


def test_a_reference_that_was_set_where_there_were_several_links_is_the_only_one():
    tag = make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    one, two = (tag.get_model().objects.create(name=name) for name in ("one", "two"))
    row = book.get_model().objects.create()
    row.tags.set([one, two])
    before = at()
    alter(book.fields.get(), type="ForeignKey", on_error="null")
    book.get_model().objects.update(tags=one)
    plan = dynamo.plan(lambda: dynamo.rollback(before))
    assert [o.rows for o in plan.operations if o.fate == "returns"] == [{"converts": 1}]
    dynamo.rollback(before)
    assert [t.name for t in book.get_model().objects.get().tags.all()] == ["one"]


def test_links_of_a_renamed_model_come_back():
    tag = make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    book.get_model().objects.create().tags.add(tag.get_model().objects.create(name="x"))
    before = at()
    rename(book, "Volume")
    alter(MetaField.objects.get(name="tags"), type="ForeignKey")
    dynamo.rollback(before)
    assert returned_to(before)
    assert [t.name for t in dynamo.get_model("Book").objects.get().tags.all()] == ["x"]


def test_links_to_another_target_are_put_aside_and_the_former_come_back():
    tag, label = make("Tag", name="CharField"), make("Label", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    book.get_model().objects.create().tags.add(tag.get_model().objects.create(name="x"))
    before = at()
    alter(book.fields.get(), related_model="Label")
    book.get_model().objects.get().tags.add(label.get_model().objects.create(name="y"))
    after = at()
    dynamo.rollback(before)
    assert returned_to(before)
    assert [t.name for t in book.get_model().objects.get().tags.all()] == ["x"]
    dynamo.rollback(after)
    assert [t.name for t in book.get_model().objects.get().tags.all()] == ["y"]
    alter(book.fields.get(), related_model="Tag")
    dynamo.rollback(before)
    assert [t.name for t in book.get_model().objects.get().tags.all()] == ["x"]


def test_what_was_converted_to_links_and_back_goes_back_one_by_one():
    tag = make("Tag", name="CharField")
    book = make("Book", tag={"type": "ForeignKey", "related_model": "Tag"})
    book.get_model().objects.create(tag=tag.get_model().objects.create(name="x"))
    first = at()
    alter(book.fields.get(), type="ManyToManyField", options={})
    second = at()
    alter(book.fields.get(), type="ForeignKey", options={})
    with pytest.raises(SchemaRefused, match="between the conversions"):
        dynamo.plan(lambda: dynamo.rollback(first))
    dynamo.rollback(second)
    dynamo.rollback(first)
    assert returned_to(first)
    assert rows("Book", "tag__name") == [("x",)]


def test_originals_are_told_from_edits_without_the_columns_between():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("007", "n/a", "5"):
        cls.objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    alter(meta.fields.get(), type="FloatField", options={})
    cls.objects.filter(code=5).update(code=6)
    dynamo.purge(dynamo.schema().live()[0].retired_fields[-1].id)
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("007",), ("n/a",), ("6.0",)]


@pytest.mark.needs("mysql")
def test_a_conversion_that_failed_leaves_the_way_back_open(monkeypatch):
    meta = make("Book", code="CharField")
    for code in ("007", "n/a"):
        meta.get_model().objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    plain = engine.run

    def failing(using, sql, **said):
        if "double" in sql:
            raise DatabaseError("no room")
        plain(using, sql, **said)

    monkeypatch.setattr(engine, "run", failing)
    with pytest.raises(DynamoError):
        alter(meta.fields.get(), type="FloatField", options={})
    monkeypatch.undo()
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("007",), ("n/a",)]


@pytest.mark.needs("mysql")
def test_a_rollback_that_failed_can_be_tried_again(monkeypatch):
    meta = make("Book", code="CharField")
    for code in ("007", "n/a"):
        meta.get_model().objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    plain = writing.WRITERS["revert"]

    def failing(*args):
        plain(*args)
        raise DatabaseError("no room")

    monkeypatch.setitem(writing.WRITERS, "revert", failing)
    with pytest.raises(DynamoError):
        dynamo.rollback(before)
    monkeypatch.undo()
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("007",), ("n/a",)]


@pytest.mark.parametrize("in_place", [True, False])
def test_values_that_were_lost_on_the_way_and_filled_later_were_not_edited(in_place):
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("7", "n/a", "5"):
        cls.objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    kind = {} if in_place else {"type": "FloatField", "options": {}}
    alter(meta.fields.get(), required=True, backfill=0, **kind)
    cls.objects.filter(code=5).update(code=6)
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("7",), ("n/a",), ("6" if in_place else "6.0",)]


def test_references_that_were_kept_aside_and_filled_later_were_not_edited():
    target = make("Tag", name="CharField")
    tags = [target.get_model().objects.create(name=name) for name in "abc"]
    meta = make("Book", tag={"type": "ForeignKey", "related_model": "Tag"})
    for tag in tags:
        meta.get_model().objects.create(tag=tag)
    before = at()
    alter(meta.fields.get(), type="CharField", related_model="", options={}, on_error="keep")
    alter(
        meta.fields.get(),
        type="ForeignKey",
        related_model="Tag",
        options={},
        required=True,
        backfill=2,
        on_error="keep",
    )
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "tag__name") == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize("required", [True, False])
def test_references_that_came_of_links_are_the_same_after_going_back_and_forth(required):
    tag = make("Tag", name="CharField")
    book = make("Book", tags={"type": "ManyToManyField", "related_model": "Tag"})
    one, two, three = (tag.get_model().objects.create(name=name) for name in ("one", "two", "three"))
    cls = book.get_model()
    for links in ([one], [one, two], []):
        cls.objects.create().tags.set(links)
    first = at()
    field = book.fields.get()
    field.type, field.options, field.required = "ForeignKey", {}, required
    field.save(on_error="value", error_value=three.pk, backfill=two.pk if required else None)
    second = at()
    expected = rows("Book", "tags_id")
    for _ in range(2):
        dynamo.rollback(first)
        dynamo.rollback(second)
        assert returned_to(second)
        assert rows("Book", "tags_id") == expected
    dynamo.rollback(first)
    cls.objects.order_by("pk").first().tags.set([two])
    dynamo.rollback(second)
    assert rows("Book", "tags_id") == [(two.pk,), *expected[1:]]


def test_values_of_a_column_that_was_restored_under_another_name_are_not_written_over_unasked():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    cls.objects.create(code="007")
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    dynamo.restore("Book.code", name="old")
    cls.objects.create(code=5, old="only in old")
    state = everything()
    with pytest.raises(DataRefused) as caught:
        dynamo.rollback(before)
    assert caught.value.count == 1
    assert everything() == state
    assert dynamo.plan(lambda: dynamo.rollback(before, on_error="null")).risk == "destructive"


@pytest.mark.parametrize(
    ("kind", "options", "text", "edit", "edited"),
    [
        ("DecimalField", {"max_digits": 20, "decimal_places": 4}, "12345678901234.56", None, None),
        ("JSONField", {}, "1", True, "true"),
        ("JSONField", {}, "[1, 2]", [True, 2], "[true, 2]"),
    ],
    ids=["digits", "flag", "nested"],
)
def test_values_are_compared_as_the_database_keeps_them(kind, options, text, edit, edited):
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    cls.objects.create(code=text)
    before = at()
    alter(meta.fields.get(), type=kind, options=options)
    if edit is not None:
        cls.objects.update(code=edit)
    dynamo.rollback(before)
    assert returned_to(before)
    (found,) = rows("Book", "code")[0]
    assert found.replace(" ", "") == (edited or text).replace(" ", "")


def test_originals_that_do_not_fit_a_narrower_column_are_counted():
    meta = make("Book", price={"type": "DecimalField", "options": {"max_digits": 6, "decimal_places": 2}})
    cls = meta.get_model()
    before = at()
    alter(meta.fields.get(), options={"max_digits": 10, "decimal_places": 4})
    cls.objects.create(price="1.2345")
    cls.objects.create(price="1.5")
    alter(meta.fields.get(), type="CharField", options={})
    state = everything()
    with pytest.raises(DataRefused) as caught:
        dynamo.rollback(before)
    assert caught.value.count == 1
    assert everything() == state
    plan = dynamo.plan(lambda: dynamo.rollback(before, on_error="null"))
    assert (plan.risk, plan.ok) == ("destructive", True)
    dynamo.rollback(before, on_error="null")
    assert rows("Book", "price") == [(None,), (Decimal("1.50"),)]
    assert dynamo.verify().ok


def test_a_hidden_column_that_was_restored_under_another_name_is_the_fields_own_again():
    meta = make("Book", code="CharField")
    cls = meta.get_model()
    for code in ("007", "x"):
        cls.objects.create(code=code)
    before = at()
    alter(meta.fields.get(), type="IntegerField", on_error="null")
    dynamo.restore("Book.code", name="old")
    after = at()
    cls.objects.filter(code=7).update(code=8)
    with pytest.raises(DataRefused, match="which is 'old' now: 1 value there is written over"):
        dynamo.rollback(before)
    dynamo.rollback(before, on_error="null")
    assert returned_to(before)
    assert rows("Book", "code") == [("8",), ("x",)]
    with pytest.raises(SchemaRefused, match="purged"):
        dynamo.rollback(after)
    dynamo.rollback(after, purged="empty")
    assert dynamo.verify().ok
    assert rows("Book", "code") == [(8,), (None,)]


def references():
    """Rows that refer to three others, of which the second goes once `before` is past."""
    target, book = make("Tag", name="CharField"), make("Book", title="CharField")
    add(book, "tag", "ForeignKey", related_model="Tag", required=True)
    tags = [target.get_model().objects.create(name=name) for name in "abc"]
    for tag in tags:
        book.get_model().objects.create(tag=tag)
    return book, tags


def test_an_original_reference_that_is_lost_does_not_matter_where_the_row_was_edited():
    book, tags = references()
    before = at()
    alter(book.fields.get(name="tag"), type="IntegerField", related_model="", options={})
    tags[1].delete()
    with pytest.raises(DataRefused, match="such as 2"):
        dynamo.rollback(before)
    book.get_model().objects.filter(tag=2).update(tag=3)
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "tag_id") == [(1,), (3,), (3,)]


@pytest.mark.parametrize("converted", [True, False])
def test_lost_references_of_a_required_field_get_what_was_given(converted):
    book, tags = references()
    before = at()
    if converted:
        alter(book.fields.get(name="tag"), type="IntegerField", related_model="", options={})
    else:
        book.fields.get(name="tag").delete()
    tags[1].delete()
    dynamo.rollback(before, on_error="null", backfill={"Book.tag": 3})
    assert returned_to(before)
    assert rows("Book", "tag_id") == [(1,), (3,), (3,)]


def test_a_second_conversion_in_one_batch_is_refused_by_whatever_way():
    meta = make("Book", code="CharField")
    meta.get_model().objects.create(code="007")
    before = at()
    document = copy.deepcopy(dynamo.export())
    document.pop("hash")
    document["models"][0]["fields"][0] |= {"type": "FloatField", "options": {}}

    def twice(change):
        with dynamo.batch():
            alter(meta.fields.get(), type="IntegerField", options={})
            change()

    state = everything()
    for change in (lambda: dynamo.apply(document), lambda: dynamo.rollback(before)):
        with pytest.raises(SchemaRefused, match="converted in this change set"):
            twice(change)
        assert everything() == state
    assert rows("Book", "code") == [("007",)]


def test_references_that_became_links_and_back():
    tag = make("Tag", name="CharField")
    book = make("Book", tag={"type": "ForeignKey", "related_model": "Tag"})
    one, two = (tag.get_model().objects.create(name=name) for name in ("one", "two"))
    cls = book.get_model()
    for link in (one, two, None, one):
        cls.objects.create(tag=link)
    before = at()
    alter(book.fields.get(), type="ManyToManyField", options={})
    rows_ = list(cls.objects.order_by("pk"))
    rows_[1].tag.set([one])
    rows_[2].tag.set([two])
    rows_[3].tag.set([])
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "tag__name") == [("one",), ("one",), ("two",), (None,)]


def test_a_field_that_was_converted_and_then_retired_comes_back_as_it_was():
    meta = make("Book", title="CharField", code="CharField")
    meta.get_model().objects.create(title="Emma", code="007")
    before = at()
    alter(meta.fields.get(name="code"), type="IntegerField")
    meta.fields.get(name="code").delete()
    dynamo.rollback(before)
    assert returned_to(before)
    assert rows("Book", "code") == [("007",)]
