"""All of a change or none of it: in a caller's transaction, in savepoints, and when any statement fails."""

# ruff: noqa: PT012  # a transaction that rolls back is a block of several statements
from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

import dynamo
from dynamo.exceptions import DynamoError
from dynamo.models import MetaField, MetaModel
from projections.ddl import sqlite
from projections.registry import registry
from tests.integration.agreement import settled, unlogged
from tests.integration.changes import CHANGES
from tests.integration.changes import prepare_every as prepare
from tests.integration.databases import sql
from tests.integration.faults import failing
from tests.integration.making import (
    add,
    alter,
    columns,
    everything,
    foreign_keys_enforced,
    make,
    rename,
)
from tests.library.models import Publisher

pytestmark = pytest.mark.django_db(transaction=True)

ERRORS = (OperationalError("disk full"), IntegrityError("no"), KeyboardInterrupt(), RuntimeError("odd"))
inside_atomic = pytest.mark.needs("ddl in atomic")
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


class Undo(Exception):
    """Raised by a test to leave a transaction."""


def names(meta: MetaModel) -> list[str]:
    return [f.name for f in meta.get_model()._meta.get_fields()]


@every_change
def test_each_change_works_and_leaves_everything_in_agreement(change):
    prepare()
    change()
    settled()


@inside_atomic
@every_change
def test_each_change_works_inside_a_callers_transaction(change):
    prepare()
    with transaction.atomic():
        Publisher.objects.create(name="P")
        change()
        Publisher.objects.create(name="Q")
    settled()
    assert Publisher.objects.count() == 2


@inside_atomic
@every_change
def test_an_outer_transaction_that_rolls_back_takes_everything_with_it(change):
    prepare()
    before = everything()
    with pytest.raises(Undo), transaction.atomic():
        change()
        assert everything()["events"] != before["events"]
        raise Undo
    assert everything() == before
    settled()


@inside_atomic
@every_change
def test_a_failure_at_any_statement_leaves_no_trace(change):
    prepare()
    before = everything()
    for at in range(1, 400):
        error = ERRORS[at % len(ERRORS)]
        try:
            with failing(at, error) as counted:
                change()
        except (DynamoError, type(error)):
            assert foreign_keys_enforced(), counted.seen[-1]
            if everything() != before:
                break
        else:
            break
    # Either nothing failed any more, or the failure came after the commit: then it is all there.
    assert everything()["events"] != before["events"]
    settled()


@pytest.mark.needs("mysql")
@every_change
def test_a_statement_that_fails_is_taken_back_with_those_before_it_where_each_commits(change):
    prepare()
    before = unlogged()
    for at in range(1, 400):
        try:
            with failing(at, OperationalError("disk full")) as counted:
                change()
        except (DynamoError, OperationalError):
            assert unlogged() == before, counted.seen[at - 1]
            settled()
        else:
            break
    # The lock's release may fail, which takes nothing back.
    assert at >= len(counted.seen)
    assert unlogged() != before
    settled()


@inside_atomic
@every_change
def test_a_failure_at_any_statement_inside_a_callers_transaction_leaves_no_trace(change):
    prepare()
    with transaction.atomic():
        Publisher.objects.create(name="P")
        before = everything()
        for at in range(1, 400):
            error = ERRORS[at % 2]
            try:
                with failing(at, error) as counted:
                    change()
            except (DynamoError, type(error)):
                assert everything() == before, counted.seen[-1]
            else:
                break
    settled()
    assert Publisher.objects.count() == 1


@inside_atomic
def test_a_row_whose_transaction_rolled_back_is_recorded_when_it_is_saved_again(transactional_db):
    title = add(make("Book"), "title")
    title.name = "name"
    with pytest.raises(Undo), transaction.atomic():
        title.save()
        raise Undo
    title.save()
    assert [field.name for field in MetaField.objects.all()] == ["name"]
    with pytest.raises(Undo), transaction.atomic():
        title.delete()
        raise Undo
    title.delete()
    assert not MetaField.objects.exists()
    settled()


@inside_atomic
def test_a_batch_that_fails_at_the_end_leaves_no_trace(transactional_db):
    prepare()
    before = everything()
    with pytest.raises(Undo), dynamo.batch():
        for name in ("create a model", "add a field", "rename a field", "convert a field", "rename a model"):
            CHANGES[name]()
        dynamo.get_model("Volume").objects.create()
        raise Undo
    assert everything() == before
    settled()


def test_a_save_that_fails_inside_a_batch_leaves_the_rest_of_the_batch(transactional_db):
    with dynamo.batch():
        book = make("Book", title="CharField")
        with pytest.raises(Exception, match="title"):
            add(book, "title")
        add(book, "pages", "IntegerField")
    assert names(book) == ["id", "title", "pages"]
    settled()


def test_many_kinds_of_changes_fit_into_one_batch(transactional_db):
    prepare()
    with dynamo.batch():
        for name in ("create a model", "add a field", "rename a field", "convert a field", "rename a model"):
            CHANGES[name]()
    settled()
    assert {event.context.batch_id for event in dynamo.history()[-5:]} == {
        dynamo.history()[-1].context.batch_id
    }


@inside_atomic
def test_inside_a_batch_a_class_can_be_asked_for_and_used(transactional_db):
    with dynamo.batch():
        book = make("Book", title="CharField")
        row = book.get_model().objects.create(title="x")
        add(book, "pages", "IntegerField", required=True, backfill=3)
        row = dynamo.get_model("Book").objects.get(pk=row.pk)
        assert row.pages == 3
    settled()


@inside_atomic
def test_rolling_back_an_inner_block_keeps_the_outer_change(transactional_db):
    with transaction.atomic():
        book = make("Book", title="CharField")
        outer = everything()
        with pytest.raises(Undo), transaction.atomic():
            add(book, "pages", "IntegerField")
            rename(book, "Volume")
            raise Undo
        assert everything() == outer
        book.get_model().objects.create(title="x")
    assert names(book) == ["id", "title"]
    settled()


@inside_atomic
def test_rolling_back_an_outer_block_takes_finished_inner_ones_with_it(transactional_db):
    book = make("Book", title="CharField")
    before = everything()
    with pytest.raises(Undo), transaction.atomic():
        with transaction.atomic():
            add(book, "pages", "IntegerField")
        with transaction.atomic():
            rename(book, "Volume")
        raise Undo
    assert everything() == before
    settled()


@inside_atomic
def test_a_transaction_that_is_marked_for_rollback_takes_the_change_with_it(transactional_db):
    make("Author")
    before = everything()
    with transaction.atomic():
        make("Book", title="CharField")
        transaction.set_rollback(True)
    assert everything() == before


@inside_atomic
def test_a_manual_savepoint_that_is_rolled_back_is_noticed_at_the_commit(transactional_db):
    book = make("Book", title="CharField")
    before = everything()
    with transaction.atomic():
        savepoint = transaction.savepoint()
        add(book, "pages", "IntegerField")
        transaction.savepoint_rollback(savepoint)
    assert everything() == before
    settled()


@inside_atomic
def test_after_a_manual_savepoint_was_rolled_back_the_next_save_starts_from_what_is_there(transactional_db):
    book = make("Book", title="CharField")
    with transaction.atomic():
        savepoint = transaction.savepoint()
        add(book, "pages", "IntegerField")
        transaction.savepoint_rollback(savepoint)
        add(book, "isbn")
    assert names(book) == ["id", "title", "isbn"]
    assert [event.stream_version for event in book.history()] == [1, 2, 3]
    settled()


@inside_atomic
def test_what_a_manual_savepoint_keeps_stays(transactional_db):
    book = make("Book", title="CharField")
    with transaction.atomic():
        first = transaction.savepoint()
        add(book, "pages", "IntegerField")
        transaction.savepoint_commit(first)
        second = transaction.savepoint()
        add(book, "isbn")
        transaction.savepoint_rollback(second)
    assert names(book) == ["id", "title", "pages"]
    settled()


@inside_atomic
def test_rows_and_shape_of_one_transaction_go_together(transactional_db):
    book = make("Book", title="CharField")
    row = book.get_model().objects.create(title="x")
    with pytest.raises(Undo), transaction.atomic():
        add(book, "pages", "IntegerField")
        book.get_model().objects.update(pages=7, title="y")
        raise Undo
    row.refresh_from_db()
    assert (row.title, names(book)) == ("x", ["id", "title"])


@inside_atomic
def test_a_connection_that_closes_inside_a_transaction_takes_the_change_with_it(transactional_db):
    book = make("Book", title="CharField")
    before = everything()
    with pytest.raises(Exception, match=r"closed|Cannot"), transaction.atomic():
        add(book, "pages", "IntegerField")
        connection.close()
        MetaModel.objects.count()
    connection.close()
    assert everything() == before
    settled()


@inside_atomic
def test_remaking_a_referenced_table_inside_a_transaction_keeps_rows_and_references(transactional_db):
    prepare()
    links, keys = (
        sql("SELECT * FROM dynamic_book_tags"),
        sql("SELECT id, author_id, sequel_id FROM dynamic_book ORDER BY id"),
    )
    with transaction.atomic():
        alter(MetaField.objects.get(name="code"), unique=False)
        alter(MetaField.objects.get(name="code"), unique=True)
        alter(MetaField.objects.get(meta_model__name="Author", name="name"), unique=True)
        connection.check_constraints()
    assert sql("SELECT * FROM dynamic_book_tags") == links
    assert sql("SELECT id, author_id, sequel_id FROM dynamic_book ORDER BY id") == keys
    settled()
    with pytest.raises(IntegrityError):
        sql("DELETE FROM dynamic_author")


@pytest.mark.needs("sqlite")
def test_remaking_a_large_table_that_refers_to_itself_inside_a_transaction_is_refused(
    transactional_db, monkeypatch
):
    monkeypatch.setattr(sqlite, "SELF_REFERENCE_LIMIT", 1)
    prepare()
    before = everything()
    with transaction.atomic(), pytest.raises(DynamoError, match=r"outside of atomic\(\)"):
        alter(MetaField.objects.get(name="title"), options={"max_length": 300})
    assert everything() == before
    alter(MetaField.objects.get(name="title"), options={"max_length": 300})
    settled()


def test_deleted_keys_are_not_given_out_again_after_a_remake(transactional_db):
    meta = make("Book", code="IntegerField")
    cls = meta.get_model()
    cls.objects.create(code=1).delete()
    alter(meta.fields.get(), type="BigIntegerField")
    assert cls.objects.create(code=1).pk == 2


def test_a_retired_column_keeps_its_values(transactional_db):
    prepare()
    before = set(columns("dynamic_book"))
    MetaField.objects.get(name="title").delete()
    (tombstone,) = set(columns("dynamic_book")) - before
    assert [value for (value,) in sql(f"SELECT {tombstone} FROM dynamic_book ORDER BY id")] == ["x", "y"]


@pytest.mark.needs("sqlite")
def test_the_transaction_mode_of_the_connection_is_put_back(transactional_db):
    before = connection.transaction_mode
    make("Book")
    with pytest.raises(Exception, match="name"):
        make("a b")
    assert connection.transaction_mode == before


@inside_atomic
@pytest.mark.django_db
def test_a_plain_test_case_can_make_use_and_change_models():
    prepare()
    for name in ("add a field", "convert a field", "rename a field", "rename a model"):
        CHANGES[name]()
    volume = dynamo.get_model("Volume")
    volume.objects.create(name="z", pages=5, isbn="1")
    assert dynamo.verify().problems == []


@inside_atomic
@pytest.mark.django_db
@pytest.mark.parametrize("execute", [True, False])
def test_commit_hooks_that_a_test_runs_by_hand_leave_nothing_behind(
    django_capture_on_commit_callbacks, execute
):
    with django_capture_on_commit_callbacks(execute=execute):
        make("Kept", title="CharField")
    assert dynamo.get_model("Kept").objects.count() == 0


@inside_atomic
@pytest.mark.django_db
def test_nothing_of_the_tests_before_is_left():
    with pytest.raises(DynamoError):
        dynamo.get_model("Kept")
    assert [schema.name for schema in registry.live()] == []
    make("Kept", title="CharField")
    assert dynamo.verify().problems == []
