"""`dynamo.plan()`: what a change would do is told, is true, and is not done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

import dynamo
from dynamo.exceptions import DataRefused, DynamoError, SchemaRefused
from dynamo.models import MetaField, MetaModel
from dynamo.plans import Risk
from dynamo.signals import pre_field_creation
from tests.integration.changes import CHANGES, field, model
from tests.integration.changes import prepare_every as prepare
from tests.integration.making import add, alter, everything, make, rename

pytestmark = pytest.mark.django_db(transaction=True)

VENDORS = ["mysql", "postgresql", "sqlite"]
SCHEMA = re.compile(r"CREATE|ALTER|DROP|.*\bnew__|.*sqlite_sequence")
PREFIX = re.compile(r"SET CONSTRAINTS ALL IMMEDIATE; |SET STATEMENT lock_wait_timeout = \d+ FOR ")
OWN_ID = re.compile(r"[0-9a-f]{32}")


def retire_title() -> Any:
    field("title").delete()


def retire_tags() -> Any:
    field("tags").delete()


# Changes of what was retired, after what retires it.
RETURNS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "restore a field": (retire_title, lambda: dynamo.restore("Book.title")),
    "restore a field under another name": (retire_title, lambda: dynamo.restore("Book.title", name="name")),
    "restore a many-to-many": (retire_tags, lambda: dynamo.restore("Book.tags")),
    "restore a model": (CHANGES["retire a model"], lambda: dynamo.restore("Author", name="Writer")),
    "purge a field": (retire_title, lambda: dynamo.purge("Book.title")),
    "purge a many-to-many": (retire_tags, lambda: dynamo.purge("Book.tags")),
    "purge a model": (CHANGES["retire a model"], lambda: dynamo.purge("Author")),
}
EVERY = {**{name: (prepare, change) for name, change in CHANGES.items()}, **RETURNS}


def ready(name: str) -> Callable[[], Any]:
    """Prepare the models of a change, and what has to be retired first; return the change."""
    prepare()
    first, change = EVERY[name]
    if first is not prepare:
        first()
    return change


@contextmanager
def executed() -> Iterator[list[str]]:
    """The schema statements of the block, without what each database is told about locks."""
    seen: list[str] = []

    def watch(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        text = PREFIX.sub("", str(sql))
        if SCHEMA.match(text):
            seen.append(text)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


def alike(statements: list[str]) -> list[str]:
    """Statements without the ids that each wish makes anew, and without what is no statement."""
    return [OWN_ID.sub("ID", line) for line in statements if not line.startswith("-- ")]


@contextmanager
def nothing_happens() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


def only(planned: Any) -> Any:
    (operation,) = planned.operations
    return operation


def with_pages(*values: str) -> MetaModel:
    """A book with pages as text, one row for each value."""
    book = make("Book", pages="CharField")
    for value in values:
        book.get_model().objects.create(pages=value)
    return book


@pytest.mark.parametrize("name", EVERY)
def test_a_plan_says_what_then_happens_and_does_nothing_itself(name):
    change = ready(name)
    known = len(dynamo.history())
    with nothing_happens():
        planned = dynamo.plan(change)
    assert (planned.ok, bool(planned), planned.refusals) == (True, True, ())
    with executed() as statements:
        change()
    assert [o.type for o in planned.operations] == [e.type for e in dynamo.history()[known:]]
    assert alike(planned.sql[planned.vendor]) == alike(statements)
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("name", EVERY)
def test_a_plan_has_statements_for_every_database_whichever_this_one_is(name):
    planned = dynamo.plan(ready(name))
    assert planned.vendor == connection.vendor
    assert sorted(planned.sql) == VENDORS
    changes_a_table = name != "describe a model"
    assert [bool(lines) for lines in planned.sql.values()] == [changes_a_table] * 3
    if changes_a_table:
        quotes = {vendor: "`" in lines[0] for vendor, lines in planned.sql.items()}
        assert quotes == {"sqlite": False, "postgresql": False, "mysql": True}


@pytest.mark.parametrize("name", EVERY)
def test_the_same_wish_at_the_same_head_has_the_same_hash_and_another_after_any_change(name):
    change = ready(name)
    first = dynamo.plan(change).hash
    assert dynamo.plan(change).hash == first
    make("Unrelated")
    assert dynamo.plan(change).hash != first


def test_other_wishes_have_other_hashes():
    prepare()
    make("Other")
    key = "0b2c9b1e-3a3e-4f7a-8f6e-0d9f4b3c2a1"
    to = {"options": {"related_name": "+"}}
    wishes = [
        *CHANGES.values(),
        lambda: add(model(), "x", "ForeignKey", related_model="Author", **to),
        lambda: add(model(), "x", "ForeignKey", related_model="Other", **to),
        lambda: add(model(), "x", "ForeignKey", related_model="auth.User", **to),
        lambda: add(model(), "x", "UUIDField", default=f"{key}1"),
        lambda: add(model(), "x", "UUIDField", default=f"{key}2"),
        lambda: add(model(), "x", "IntegerField", required=True, backfill=1),
        lambda: add(model(), "x", "IntegerField", required=True, backfill=2),
        lambda: alter(field("pages"), type="IntegerField", on_error="null"),
    ]
    assert len({dynamo.plan(wish).hash for wish in wishes}) == len(wishes)


def test_ids_made_for_a_plan_do_not_count_wherever_they_stand():
    prepare()

    def convert_what_was_just_made() -> None:
        shelf = make("Shelf", wood="CharField", place="CharField")
        shelf.fields.get(name="wood").delete()
        alter(shelf.fields.get(name="place"), type="IntegerField")
        shelf.delete()

    assert dynamo.plan(convert_what_was_just_made).hash == dynamo.plan(convert_what_was_just_made).hash


@pytest.mark.parametrize(
    ("name", "risk"),
    [
        ("create a model", Risk.SAFE),
        ("describe a model", Risk.SAFE),
        ("rename a model", Risk.REVIEW),
        ("retire a model", Risk.REVIEW),
        ("add a field", Risk.SAFE),
        ("add a required field", Risk.REVIEW),
        ("add a foreign key", Risk.SAFE),
        ("add a many-to-many", Risk.SAFE),
        ("rename a field", Risk.REVIEW),
        ("make a field required", Risk.REVIEW),
        ("make a field unique", Risk.REVIEW),
        ("make fields unique together", Risk.REVIEW),
        ("convert a field", Risk.REVIEW),
        ("lengthen a field", Risk.SAFE),
        ("retire a field", Risk.REVIEW),
        ("restore a field", Risk.SAFE),
        ("restore a model", Risk.SAFE),
        ("purge a field", Risk.DESTRUCTIVE),
        ("purge a model", Risk.DESTRUCTIVE),
    ],
)
def test_each_kind_of_change_has_its_risk(name, risk):
    planned = dynamo.plan(ready(name))
    assert planned.risk is risk
    assert max(o.risk for o in planned.operations) == risk


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("create a model", "add model dynamic.Shelf"),
        ("describe a model", "change model dynamic.Book: description from '' to 'x'"),
        ("rename a model", "rename model Book to Volume"),
        ("add a field", "add field dynamic.Book.isbn (CharField)"),
        ("rename a field", "rename field dynamic.Book.title to name"),
        ("make a field unique", "change field dynamic.Book.title: unique from False to True"),
        ("retire a field", "retire field dynamic.Book.title"),
        ("restore a field", "restore field dynamic.Book.title"),
        ("purge a field", "drop field dynamic.Book.title"),
        ("purge a model", "drop model dynamic.Author"),
    ],
)
def test_each_operation_is_told_in_words(name, sentence):
    assert only(dynamo.plan(ready(name))).sentence == sentence


def test_a_field_that_the_plan_itself_makes_is_called_by_its_name():
    def changes() -> None:
        shelf = make("Shelf", wood="CharField")
        alter(shelf.fields.get(), help="Oak?")

    last = dynamo.plan(changes).operations[-1]
    assert last.sentence == "change field dynamic.Shelf.wood: help from '' to 'Oak?'"
    assert (last.model, last.field) == ("dynamic.Shelf", "wood")


def test_nothing_to_do_is_an_empty_plan():
    book = make("Book")
    with nothing_happens():
        planned = dynamo.plan(book)
    assert not planned
    assert (planned.ok, planned.operations, planned.risk) == (True, (), Risk.SAFE)


@pytest.mark.parametrize(
    ("said", "converts", "risk"),
    [
        ({"on_error": "null"}, [12, None, 34], Risk.DESTRUCTIVE),
        ({"on_error": "value", "error_value": -1}, [12, -1, 34], Risk.DESTRUCTIVE),
    ],
)
def test_counts_of_a_conversion_are_those_that_then_come(said, converts, risk):
    book = with_pages("12", "many", "34", "")
    pages = book.fields.get()
    pages.type, pages.options = "IntegerField", {}
    operation = only(dynamo.plan(lambda: pages.save(**said)))
    assert (dict(operation.rows), operation.risk) == ({"converts": 2, "fails": 1}, risk)
    pages.save(**said)
    assert list(book.get_model().objects.order_by("pk").values_list("pages", flat=True)) == [*converts, None]


def test_another_order_of_rows_is_for_review():
    book = make("Book", title="CharField")
    book.options = {"ordering": ["title"]}
    assert only(dynamo.plan(book)).risk is Risk.REVIEW
    book.save()
    operations = dynamo.plan(book.fields.get().delete).operations
    dropped = "change model dynamic.Book: options from {'ordering': ['title']} to {}"
    assert (dropped, Risk.REVIEW) in [(one.sentence, one.risk) for one in operations]
    book.options = {"ordering": ["title"], "verbose_name": "volume"}
    assert only(dynamo.plan(book)).risk is Risk.SAFE


def test_rows_that_a_conversion_leaves_empty_are_counted_as_filled_where_a_value_is_needed():
    book = with_pages("12", "")
    pages = book.fields.get()
    pages.type, pages.options, pages.required = "IntegerField", {}, True
    operation = only(dynamo.plan(lambda: pages.save(backfill=7)))
    assert operation.rows == {"converts": 1, "fails": 0, "filled": 1}
    pages.save(backfill=7)
    assert sorted(book.get_model().objects.values_list("pages", flat=True)) == [7, 12]


def test_rows_that_a_required_field_fills_are_counted():
    book = make("Book", stock="IntegerField")
    rows = book.get_model().objects
    for stock in (3, None, None):
        rows.create(stock=stock)
    row = book.fields.get()
    row.required = True
    operation = only(dynamo.plan(lambda: row.save(backfill=0)))
    assert (dict(operation.rows), operation.risk) == ({"filled": 2}, Risk.REVIEW)
    row.save(backfill=0)
    assert sorted(rows.values_list("stock", flat=True)) == [0, 0, 3]


def test_a_shorter_length_says_how_many_values_fit():
    with_pages("12", "1234")
    shorter = lambda: alter(field("pages"), options={"max_length": 3})  # noqa: E731
    planned = dynamo.plan(shorter)
    assert only(planned).rows == {"fits": 1, "fails": 1}
    assert not planned.ok
    with pytest.raises(DataRefused):
        shorter()


def test_references_that_a_restore_would_lose_are_counted_and_destructive():
    prepare()
    author = model("Author").get_model()
    model("Author").fields.get(name="best").delete()
    field("author").delete()
    author.objects.all().delete()
    operation = only(dynamo.plan(lambda: dynamo.restore("Book.author", on_error="null")))
    assert (dict(operation.rows), operation.risk) == ({"lost": 2}, Risk.DESTRUCTIVE)


def test_refusals_are_in_the_plan_with_count_and_samples_instead_of_raised():
    with_pages("12", "many", "few")
    with nothing_happens():
        planned = dynamo.plan(lambda: alter(field("pages"), type="IntegerField", options={}))
    (refusal,) = planned.refusals
    assert (planned.ok, refusal.count, refusal.samples) == (False, 2, ["many", "few"])
    assert "2 values do not fit IntegerField" in str(refusal)
    assert only(planned).rows == {"converts": 1, "fails": 2}
    assert planned.as_dict()["refusals"] == [
        {"message": str(refusal), "count": 2, "samples": ["'many'", "'few'"]}
    ]


def test_all_refusals_of_several_fields_are_in_one_plan_and_the_save_says_the_same():
    prepare()

    def changes() -> None:
        with dynamo.batch():
            alter(field("title"), type="IntegerField", options={})
            alter(field("sequel"), required=True)
            add(model(), "isbn", "IntegerField", required=True)
            alter(model("Author").fields.get(name="name"), type="DateField", options={})

    with nothing_happens():
        planned = dynamo.plan(changes)
    assert sorted(refusal.count for refusal in planned.refusals) == [1, 1, 2, 2]
    with pytest.raises(DataRefused) as refused:
        changes()
    assert [str(r) for r in refused.value.refusals] == [str(r) for r in planned.refusals]


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (lambda: add(model(), "title"), ValidationError),
        (lambda: add(model(), "not a name"), ValidationError),
        (lambda: model("Author").delete(), SchemaRefused),
        (lambda: dynamo.restore("Book.nothing"), DynamoError),
        (lambda: 1 // 0, ZeroDivisionError),
    ],
    ids=["a name that is taken", "no name", "referred to", "nothing to restore", "the function's own error"],
)
def test_what_is_no_matter_of_rows_is_raised_as_the_save_would_and_leaves_no_trace(wish, error):
    prepare()
    with nothing_happens(), pytest.raises(error):
        dynamo.plan(lambda: make("Shelf"), wish)


def test_rows_are_planned_as_their_save_and_stay_as_they_were():
    make("Other")
    book = MetaModel(name="Book")
    title = MetaField(meta_model=book, name="title", type="CharField", required=True)
    with nothing_happens():
        planned = dynamo.plan(book, title)
    assert [o.sentence for o in planned.operations] == [
        "add model dynamic.Book",
        "add field dynamic.Book.title (CharField)",
    ]
    assert (book._state.adding, title._state.adding, book.app, title.loaded) == (True, True, "", {})
    book.save()
    title.save()
    assert [o.name for o in book.get_model()._meta.get_fields()] == ["id", "title"]


def test_a_changed_row_is_still_changed_after_its_plan():
    book = make("Book", title="CharField")
    title = book.fields.get()
    title.name = "name"
    for change in (title, title.save):
        assert only(dynamo.plan(change)).sentence == "rename field dynamic.Book.title to name"
    title.save()
    assert book.fields.get().name == "name"


def test_a_row_that_a_plan_deletes_is_still_there():
    title = make("Book", title="CharField").fields.get()
    dynamo.plan(title.delete)
    assert (title.pk is None, title._state.adding) == (False, False)
    title.delete()
    assert MetaField.objects.count() == 0


def test_a_plan_tells_nobody():
    heard = []
    receiver = lambda **kwargs: heard.append(kwargs)  # noqa: E731
    book = make("Book")
    pre_field_creation.connect(receiver)
    try:
        dynamo.plan(lambda: add(book, "title"))
    finally:
        pre_field_creation.disconnect(receiver)
    assert heard == []


def test_a_plan_in_a_batch_is_refused_because_it_starts_from_what_is_committed():
    book = make("Book")
    with dynamo.batch():
        with pytest.raises(SchemaRefused, match=r"outside of batch\(\)"):
            dynamo.plan(lambda: add(book, "title"))
        add(book, "pages")
    assert book.fields.get().name == "pages"


def test_a_plan_makes_no_classes():
    make("Other")
    with nothing_happens(), pytest.raises(SchemaRefused, match="a plan makes no classes"):
        dynamo.plan(lambda: make("Book").get_model())


@pytest.mark.needs("ddl in atomic")
@pytest.mark.parametrize("name", ["rename a model", "convert a field", "retire a many-to-many"])
def test_a_plan_inside_a_callers_transaction_tells_what_happens_in_it(name):
    change = ready(name)
    with transaction.atomic():
        with nothing_happens():
            planned = dynamo.plan(change)
        with executed() as statements:
            change()
    assert alike(planned.sql[planned.vendor]) == alike(statements)


def test_literals_are_written_as_each_database_needs_them():
    make("Book").get_model().objects.create()
    word = 'it\'s 100% \\ "so"'
    planned = dynamo.plan(lambda: add(model(), "word", default=word, required=True))
    assert "'it''s 100%" in planned.sql["sqlite"][0]
    assert "it''s 100%" in planned.sql["postgresql"][0]
    assert "it\\'s 100%" in planned.sql["mysql"][0]
    add(model(), "word", default=word, required=True)
    assert model().get_model().objects.get().word == word


NOTES = {
    "sqlite": {"rename a field": "only the table's definition", "make a field required": "made anew"},
    "postgresql": {"rename a field": "only the catalogue", "make a field required": "every row is checked"},
    "mysql": {
        "rename a field": "only the table's definition",
        "make a field required": "every row is checked",
    },
}


@pytest.mark.parametrize("name", ["rename a field", "make a field required"])
def test_a_note_says_what_a_change_does_to_the_others_meanwhile(name):
    (note,) = dynamo.plan(ready(name)).locks
    assert note.startswith("dynamic_book: ")
    assert NOTES[connection.vendor][name] in note


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("create a model", set()),
        ("rename a model", {"dynamic_book", "dynamic_book_tags"}),
        ("retire a model", {"dynamic_book", "dynamic_book_tags", "dynamic_author"}),
    ],
)
def test_notes_call_tables_what_they_are_called_now(name, tables):
    planned = dynamo.plan(ready(name))
    assert {note.partition(":")[0] for note in planned.locks} == tables


def test_a_plan_is_json():
    planned = dynamo.plan(ready("convert a field"))
    data = planned.as_dict()
    assert (data["position"], data["risk"]) == (dynamo.history()[-1].position, "review")
    assert data["operations"][0]["rows"] == {"converts": 2, "fails": 0}
    assert sorted(data["sql"]) == VENDORS


def test_a_row_whose_batch_failed_is_recorded_when_it_is_saved_again():
    book = make("Book", title="CharField", pages="CharField")
    title, pages, new = book.fields.get(name="title"), book.fields.get(name="pages"), MetaModel(name="Shelf")
    title.name = "name"

    def failing() -> None:
        with dynamo.batch():
            title.save()
            pages.delete()
            new.save()
            raise KeyError

    with nothing_happens(), pytest.raises(KeyError):
        failing()
    title.save()
    pages.delete()
    new.save()
    assert [f.name for f in book.get_model()._meta.get_fields()] == ["id", "name"]
    assert dynamo.get_model("Shelf").objects.count() == 0
    assert dynamo.verify().problems == []


def test_a_many_to_many_can_change_its_name_in_case_only():
    prepare()
    rename(field("tags"), "Tags")
    assert model().get_model().objects.get(title="x").Tags.count() == 1
    assert dynamo.verify().problems == []
