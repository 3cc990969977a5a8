"""Where schema statements commit: a process that stops anywhere, and a recovery that stops anywhere too."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

import dynamo
from dynamo import recovery
from dynamo.exceptions import DynamoError
from events import journal
from tests.integration.agreement import settled, unlogged
from tests.integration.changes import CHANGES, field, model
from tests.integration.changes import prepare_every as prepare
from tests.integration.faults import Countdown, failing
from tests.integration.making import add

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("mysql")]

# Changes of several schema statements, with rows written between them.
SEVERAL = (
    "rename a model",
    "retire a model",
    "add a many-to-many",
    "add a field with a value per row",
    "make a field unique",
    "convert a field",
)
several_steps = pytest.mark.parametrize("name", SEVERAL)


class Killed(BaseException):
    """Nothing handles it, so that what a killed process leaves in the database is what this leaves."""


def stopped(act, at: int) -> list[str]:
    """Stop at the n-th statement; the statements that were begun. Without `at` it runs to its end."""
    counted = Countdown(at, lambda: _raise(Killed()))
    try:
        with connection.execute_wrapper(counted):
            act()
    except Killed:
        assert 0 < at <= len(counted.seen)
    except DynamoError:
        # A statement was made to fail, and all was taken back before this one would have come.
        assert len(counted.seen) < at
    return counted.seen


def _raise(error: BaseException) -> None:
    raise error


def anew() -> None:
    call_command("flush", interactive=False, verbosity=0)
    prepare()


def schema_statements(seen: list[str]) -> list[int]:
    return [number for number, text in enumerate(seen, 1) if text.startswith("SET STATEMENT")]


def recovered() -> int:
    """Stop the recovery at its first statement, then at its second, until one gets through."""
    for at in range(1, 200):
        seen = stopped(lambda: recovery.heal("default"), at)
        if len(seen) < at:
            dynamo.catch_up()
            return at
    raise AssertionError("the recovery never comes to an end")


def tables_of(traces: dict[str, object]) -> dict[str, list[str]]:
    """The tables by name with their columns: names that carry positions and new ids differ between runs."""
    return {name: text.count("\n") for _, name, text in traces["tables"] if not name.startswith("zz_")}


@several_steps
def test_what_a_stopped_process_left_is_finished_however_often_its_recovery_is_stopped(name):
    prepare()
    places = schema_statements(stopped(CHANGES[name], 0))
    whole = tables_of(unlogged())
    assert places
    for at in places:
        anew()
        untouched = tables_of(unlogged())
        stopped(CHANGES[name], at)
        assert recovery.pending("default")
        assert recovered() > 5
        assert recovery.pending("default") == 0
        assert tables_of(unlogged()) == whole != untouched
        settled()


@several_steps
def test_taking_a_failed_change_back_is_finished_however_often_it_is_stopped(name):
    prepare()
    places = schema_statements(stopped(CHANGES[name], 0))
    for later in range(1, 60, 4):
        anew()
        before = unlogged()
        failed = Countdown(places[-1], lambda: _raise(OperationalError("disk full")))
        with connection.execute_wrapper(failed):
            seen = stopped(CHANGES[name], places[-1] + later)
        if len(seen) < places[-1] + later:
            break
        recovered()
        assert recovery.pending("default") == 0
        if dynamo.history()[-1].source == "recovery":
            assert unlogged() == before, seen[-1]
        settled()
    assert later > 1


def test_the_next_change_finishes_what_was_left_before_it_begins(transactional_db):
    prepare()
    places = schema_statements(stopped(CHANGES["convert a field"], 0))
    anew()
    stopped(CHANGES["convert a field"], places[0])
    CHANGES["add a field"]()
    settled()
    assert [e.type for e in dynamo.history()[-2:]] == ["field.altered", "field.added"]
    assert list(dynamo.get_model("Book").objects.values_list("pages", flat=True)) == [12, 34]


def test_a_process_shows_an_accepted_change_only_when_its_tables_are_done(transactional_db):
    prepare()
    shown = dynamo.get_model("Book")
    heal, seen = recovery.heal, stopped(CHANGES["rename a field"], 0)
    anew()
    shown = dynamo.get_model("Book")
    stopped(CHANGES["rename a field"], schema_statements(seen)[0])
    assert [e.state for e in journal.entries("default")] == [journal.PENDING]
    assert "title" in {f.name for f in shown._meta.get_fields()}
    heal("default")
    dynamo.catch_up()
    assert "name" in {f.name for f in shown._meta.get_fields()}


def test_nothing_is_pending_after_a_failure_before_the_commit(transactional_db):
    prepare()
    with failing(5, OperationalError("disk full")), pytest.raises((DynamoError, OperationalError)):
        CHANGES["convert a field"]()
    assert recovery.pending("default") == 0
    settled()


def test_a_value_that_comes_in_during_a_conversion_and_does_not_fit_takes_the_change_back(transactional_db):
    prepare()
    before, cls = unlogged()["tables"], dynamo.get_model("Book")
    late = cls(title="z", pages="many", code=3)

    def slip_in(execute, sql, params, many, context):
        # Right before the table is touched, as another process may: the preflight is over.
        if str(sql).startswith("SET STATEMENT") and late.pk is None:
            late.save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(slip_in), pytest.raises(DynamoError, match="does not fit"):
        CHANGES["convert a field"]()
    assert recovery.pending("default") == 0
    assert unlogged()["tables"] == before
    assert list(cls.objects.values_list("pages", flat=True).order_by("pk")) == ["12", "34", "many"]
    settled()


def test_a_purge_is_taken_back_with_what_failed_after_it_was_accepted(transactional_db, settings):
    prepare()
    settings.DYNAMO_DELETE_COLUMNS = True

    def both() -> None:
        with dynamo.batch():
            field("title").delete()
            CHANGES["add a field"]()
            add(model("Author"), "born", "DateField")

    places = schema_statements(stopped(both, 0))
    anew()
    before = unlogged()
    with failing(places[0], OperationalError("disk full")), pytest.raises((DynamoError, OperationalError)):
        both()
    assert recovery.pending("default") == 0
    assert unlogged() == before
    settled()
