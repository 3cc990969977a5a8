"""How a process finds out that the schema moved: at the next look, with one query or none."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

import dynamo
from events import freshness, store
from events.models import Head
from projections.registry import registry
from tests.integration.databases import sql
from tests.integration.making import make

pytestmark = pytest.mark.django_db(transaction=True)


def queries() -> int:
    with CaptureQueriesContext(connection) as asked:
        assert not dynamo.catch_up()
    return len(asked)


def test_a_look_at_what_did_not_change_takes_one_query_and_on_sqlite_none():
    make("Book", title="CharField")
    dynamo.catch_up()
    assert [queries() for _ in range(3)] == [0 if connection.vendor == "sqlite" else 1] * 3


def test_a_write_of_rows_has_sqlite_asked_once():
    book = make("Book", title="CharField").get_model()
    dynamo.catch_up()
    book.objects.create(title="Emma")
    assert queries() == 1
    assert queries() == (0 if connection.vendor == "sqlite" else 1)


def test_the_query_goes_by_the_key():
    make("Book", title="CharField")
    with CaptureQueriesContext(connection) as asked:
        store.shown("default")
    (one,) = asked
    if connection.vendor == "sqlite":
        plan = " ".join(row[3] for row in sql("EXPLAIN QUERY PLAN " + one["sql"]))
        assert "SCAN" not in plan
        assert "USING INDEX" in plan
    elif connection.vendor == "mysql":
        assert all(row[3] in {"const", "system"} for row in sql("EXPLAIN " + one["sql"]))
    else:
        with transaction.atomic():
            sql("SET LOCAL enable_seqscan = off")
            assert "Index Scan" in " ".join(row[0] for row in sql("EXPLAIN " + one["sql"]))


@pytest.mark.needs("ddl in atomic")
def test_what_a_rolled_back_transaction_saw_is_not_remembered():
    make("Book", title="CharField")
    dynamo.catch_up()
    with transaction.atomic():
        make("Gone", title="CharField")
        dynamo.catch_up()
        transaction.set_rollback(True)
    dynamo.catch_up()
    assert (registry.schema_of("dynamic", "Gone"), queries() <= 1) == (None, True)
    assert store.shown("default") == registry.mark


def test_the_log_of_this_very_connection_may_go():
    """As when a test empties the tables that it made changes in."""
    make("Book", title="CharField")
    dynamo.catch_up()
    head = Head.objects.get().position
    with transaction.atomic():
        for table in ("head", "checkpoint"):
            sql(f"UPDATE dynamo_events_{table} SET position = 0, hash = %s", "0" * 64)
        assert dynamo.catch_up()
        transaction.set_rollback(True)
    assert registry.schema_of("dynamic", "Book") is None
    assert dynamo.catch_up()
    assert registry.schema_of("dynamic", "Book") is not None
    assert store.head("default").position == head


def test_a_connection_that_is_made_anew_looks_again():
    make("Book", title="CharField")
    dynamo.catch_up()
    connection.close()
    assert queries() == 1


@pytest.mark.needs("sqlite")
def test_there_is_no_moment_within_a_transaction():
    connection.ensure_connection()
    assert freshness.moment(connection) is not None
    with transaction.atomic():
        assert freshness.moment(connection) is None


FOLLOW = """
    Book = dynamo.get_model("Book")
    for line in sys.stdin:
        dynamo.catch_up()
        print(len(Book._meta.local_fields), flush=True)
"""


def test_another_process_sees_each_change_at_its_next_look(project):
    project.run("make('Book', title='CharField')")
    follower = project.start(FOLLOW)
    try:
        for n in range(3):
            follower.stdin.write("look\n")
            follower.stdin.flush()
            assert follower.stdout.readline() == f"{n + 2}\n"
            project.run(f"add(MetaModel.objects.get(), 'f{n}', 'IntegerField')")
    finally:
        _, errors = follower.communicate(timeout=60)
    assert follower.returncode == 0, errors
