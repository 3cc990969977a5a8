"""DYNAMO_DEFER_DDL on MariaDB: what `atomic()` accepts is done right after its commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction

import dynamo
from dynamo.exceptions import SchemaRefused
from dynamo.models import MetaModel
from dynamo.signals import post_field_creation
from events import journal
from tests.integration.changes import CHANGES, field, model
from tests.integration.changes import prepare_every as prepare
from tests.integration.making import add, alter, columns, everything, make, rename, tables
from tests.library.models import Publisher

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("mysql")]

every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


class Undo(Exception):
    """Raised by a test to leave a transaction."""


@pytest.fixture
def deferring(settings: Any) -> None:
    settings.DYNAMO_DEFER_DDL = True


@pytest.fixture(autouse=True)
def everything_agrees() -> Iterator[None]:
    yield
    assert not connection.in_atomic_block
    assert journal.entries("default") == []
    assert dynamo.verify().problems == []


def in_atomic(*changes: Callable[[], Any]) -> None:
    with transaction.atomic():
        Publisher.objects.create(name="P")
        for change in changes:
            change()


@every_change
def test_without_the_setting_a_change_inside_atomic_is_refused_with_the_remedy(change):
    prepare()
    before = everything()
    with pytest.raises(SchemaRefused, match="save it outside, or set DYNAMO_DEFER_DDL"):
        in_atomic(change)
    assert everything() == before
    assert Publisher.objects.count() == 0


@every_change
def test_tables_and_classes_have_the_change_right_after_the_commit(deferring, change):
    prepare()
    before, head = tables(), len(dynamo.history())
    with transaction.atomic():
        change()
        assert tables() == before
    assert len(dynamo.history()) > head
    for meta in MetaModel.objects.all():
        there = {f.name for f in meta.get_model()._meta.get_fields()}
        assert {f.name for f in meta.fields.all()} <= there
        assert all(str(row) for row in meta.get_model().objects.all())


@every_change
def test_a_rollback_leaves_no_trace(deferring, change):
    prepare()
    before = everything()
    with pytest.raises(Undo):
        in_atomic(change, leave)
    assert everything() == before


def leave() -> None:
    raise Undo


def test_a_savepoint_that_rolls_back_takes_its_changes_with_it(deferring):
    book = make("Book", title="CharField")

    def inner() -> None:
        with transaction.atomic():
            add(book, "pages", "IntegerField")
            raise Undo

    with transaction.atomic():
        with pytest.raises(Undo):
            inner()
        add(book, "isbn")
    assert sorted(columns("dynamic_book")) == ["id", "isbn", "title"]


def test_signals_of_a_deferred_change_come_after_the_commit_when_the_column_is_there(deferring):
    book = make("Book")
    heard = []

    def receiver(new_field: Any, **kwargs: Any) -> None:
        heard.append((new_field.name, connection.in_atomic_block, "title" in columns("dynamic_book")))

    post_field_creation.connect(receiver)
    try:
        with transaction.atomic():
            add(book, "title")
            assert heard == []
    finally:
        post_field_creation.disconnect(receiver)
    assert heard == [("title", False, True)]


def test_several_changes_in_one_transaction_are_done_in_their_order(deferring):
    prepare()
    in_atomic(
        lambda: make("Shelf", place="CharField"),
        lambda: add(model("Shelf"), "books", "ManyToManyField", related_model="Book"),
        lambda: add(model(), "isbn", "IntegerField"),
        lambda: rename(field("isbn"), "number"),
        lambda: rename(model("Shelf"), "Rack"),
        lambda: field("title").delete(),
    )
    rack = dynamo.get_model("Rack").objects.create(place="hall")
    rack.books.add(dynamo.get_model("Book").objects.create(number=3))
    assert [b.number for b in rack.books.all()] == [3]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda: make("Shelf"), lambda: add(model("Shelf"), "n", "IntegerField", required=True, backfill=1)),
        (lambda: rename(field("title"), "name"), lambda: alter(field("name"), unique=True)),
        (
            lambda: rename(model(), "Volume"),
            lambda: alter(model("Volume").fields.get(name="code"), required=True),
        ),
    ],
    ids=[
        "of a table that is not there",
        "of a column that is called otherwise",
        "of a table called otherwise",
    ],
)
def test_a_change_that_asks_rows_which_an_earlier_one_moves_is_refused_and_says_so(deferring, first, second):
    prepare()
    before = everything()
    with pytest.raises(SchemaRefused, match=r"make both in one batch\(\)"):
        in_atomic(first, second)
    assert everything() == before

    def both() -> None:
        with dynamo.batch():
            first()
            second()

    in_atomic(both)


def test_a_refused_change_leaves_the_others_of_its_transaction(deferring):
    prepare()
    with transaction.atomic():
        add(model(), "isbn")
        with pytest.raises(ValidationError, match="isbn"):
            add(model(), "isbn")
    assert "isbn" in columns("dynamic_book")


def test_a_class_is_asked_for_after_the_batch(deferring):
    with transaction.atomic(), dynamo.batch():
        book = make("Book")
        with pytest.raises(SchemaRefused, match="ask for the class after it"):
            book.get_model()
    assert book.get_model().objects.count() == 0


@pytest.mark.parametrize("at", [1, 2])
def test_a_step_that_fails_after_the_commit_is_taken_back_and_said(deferring, at):
    prepare()
    known = tables()
    seen = []

    def full(execute: Any, sql: str, *rest: Any) -> Any:
        seen.extend(["ALTER"] * ("ALTER TABLE" in sql))
        if "ALTER TABLE" in sql and len(seen) == at:
            raise OperationalError("disk full")
        return execute(sql, *rest)

    with connection.execute_wrapper(full), pytest.raises(OperationalError, match="disk full"):
        in_atomic(lambda: add(model(), "isbn", required=True, backfill="none"))
    assert tables() == known
    assert Publisher.objects.count() == 1
    assert dynamo.history()[-1].source == "recovery"
    assert "isbn" not in [f.name for f in dynamo.get_model("Book")._meta.get_fields()]
