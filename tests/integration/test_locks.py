"""Locks that others hold: waited for, given up, tried again, and never left behind. On servers only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

import dynamo
from dynamo.exceptions import SchemaBusy
from dynamo.models import MetaModel
from tests.integration.agreement import settled, unlogged
from tests.integration.databases import sql
from tests.integration.making import add, alter, everything, make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("server")]


@pytest.fixture
def book(transactional_db, settings) -> MetaModel:
    settings.DYNAMO_LOCK_TIMEOUT_SECONDS = 0.3
    meta = make("Book", title="CharField")
    meta.get_model().objects.create(title="Dune")
    return meta


@contextmanager
def reading(meta: MetaModel, seconds: float | None = None) -> Iterator[None]:
    """Somebody else has a transaction open in which the table was read."""
    begun, done = threading.Event(), threading.Event()

    def read() -> None:
        with transaction.atomic():
            list(meta.get_model().objects.all())
            begun.set()
            done.wait(seconds or 60)
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    begun.wait(30)
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_change_that_waits_too_long_for_a_table_is_refused_and_taken_back(book):
    before = unlogged()
    with reading(book), pytest.raises(SchemaBusy, match="try again"):
        add(book, "pages", "IntegerField")
    assert unlogged() == before
    settled()


def test_a_change_is_made_again_when_the_lock_was_free_a_little_later(book):
    begun = time.monotonic()
    with reading(book, seconds=0.6):
        add(book, "pages", "IntegerField")
    assert time.monotonic() - begun > 0.3
    settled()


def test_who_waits_for_the_registry_is_told_that_it_is_busy(book):
    heard: list[BaseException] = []

    def write() -> None:
        try:
            add(MetaModel.objects.get(), "pages", "IntegerField")
        except SchemaBusy as busy:
            heard.append(busy)
        connection.close()

    with dynamo.batch():
        add(book, "isbn")
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(heard) == 1
    settled()
    assert [f.name for f in book.fields.all()] == ["title", "isbn"]


def test_two_writers_of_one_model_both_have_their_way(book, settings):
    settings.DYNAMO_LOCK_TIMEOUT_SECONDS = 20
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(4):
                add(MetaModel.objects.get(), f"{name}{number}", "IntegerField")
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test must see it
            failed.append(error)
        connection.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    dynamo.catch_up()
    assert len(book.fields.all()) == 9
    settled()


@pytest.mark.needs("postgresql")
def test_inside_a_callers_transaction_nothing_of_the_settings_stays_behind(book):
    with transaction.atomic():
        sql("SET LOCAL lock_timeout = '7s'")
        add(book, "pages", "IntegerField")
        assert sql("SHOW lock_timeout") == [("7s",)]
    assert sql("SHOW lock_timeout") == [("0",)]
    settled()


@pytest.mark.needs("postgresql")
def test_inside_a_callers_transaction_a_lock_that_is_not_free_is_told_at_once(book):
    before = everything()
    with reading(book):
        begun = time.monotonic()
        with pytest.raises(SchemaBusy), transaction.atomic():
            add(book, "pages", "IntegerField")
        assert time.monotonic() - begun < 0.6
    assert everything() == before


@pytest.mark.needs("postgresql")
def test_references_are_still_checked_at_the_end_of_the_callers_transaction(book):
    author = make("Author", name="CharField")
    with transaction.atomic():
        add(book, "author", "ForeignKey", related_model="Author")
        row = book.get_model().objects.create(title="x", author_id=77)
        row.author = author.get_model().objects.create(pk=77, name="A")
    assert book.get_model().objects.get(author__name="A").title == "x"


@pytest.mark.needs("postgresql")
def test_a_row_that_comes_in_while_rows_are_judged_waits(book):
    add(book, "price", "DecimalField", options={"max_digits": 8, "decimal_places": 2})
    cls, order = book.get_model(), []
    from projections.ddl import judging

    judge = judging.failing

    def slowly(*arguments):
        threading.Thread(target=insert).start()
        time.sleep(0.2)
        order.append("judged")
        return judge(*arguments)

    def insert() -> None:
        cls.objects.create(title="late", price="1.55")
        order.append("inserted")
        connection.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "failing", slowly)
        alter(book.fields.get(name="price"), options={"max_digits": 8, "decimal_places": 1})
    while len(order) < 2:
        time.sleep(0.01)
    assert order == ["judged", "inserted"]
    settled()
