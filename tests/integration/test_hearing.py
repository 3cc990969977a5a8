"""DYNAMO_STALENESS_SECONDS on PostgreSQL: no query while nothing is heard, and no longer behind than that."""

from __future__ import annotations

from contextlib import suppress

import pytest

pytestmark = pytest.mark.needs("postgresql")

LOOK = """
    import time
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from projections import hearing
    from projections.registry import registry
    from projections.stream import news
    settings.DYNAMO_STALENESS_SECONDS = float(sys.argv[1])
    # How long a listener that lost its connection waits.
    news.FIRST_PAUSE = float(sys.argv[2])
    def asked():
        with CaptureQueriesContext(connection) as queries:
            dynamo.catch_up()
        return len(queries)
    def listening():
        return hearing.moment(connection) is not None
    def until(true):
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end
            time.sleep(0.01)
    def fields():
        dynamo.catch_up()
        return len(registry.schema_of("dynamic", "Book").fields)
    def settled():
        # What is heard first is that it listens, and that may come between two looks.
        until(lambda: asked() == 0)
    dynamo.catch_up()
    until(listening)
    settled()
    print("ready", flush=True)
"""
FOREVER = "3600"
# Fifty looks; then it waits to be told of a change, and looks again.
UNTIL_HEARD = """
    print(*(asked() for _ in range(50)), flush=True)
    sys.stdin.readline()
    until(lambda: fields() == 2)
    settled()
    print(*(asked() for _ in range(3)))
"""


def started(project, code: str, seconds: str = FOREVER, pause: str = "0.1"):
    project.run("make('Book', title='CharField')")
    reader = project.start(LOOK + code, seconds, pause)
    assert reader.stdout.readline() == "ready\n", reader.communicate()[1]
    return reader


def ended(reader) -> str:
    with suppress(BrokenPipeError):
        reader.stdin.write("go on\n")
        reader.stdin.close()
    # Not `communicate`, which passes by what `readline` has taken in already.
    with reader.stdout, reader.stderr:
        out, errors = reader.stdout.read(), reader.stderr.read()
    assert reader.wait(100) == 0, errors
    return out.strip()


def test_nothing_is_asked_until_something_is_heard(project):
    reader = started(project, UNTIL_HEARD)
    assert reader.stdout.readline().split() == ["0"] * 50
    project.run("add(MetaModel.objects.get(), 'pages', 'IntegerField')")
    assert ended(reader) == "0 0 0"


def test_its_own_changes_are_there_at_once(project):
    assert (
        ended(
            started(
                project,
                """
    add(MetaModel.objects.get(), "pages", "IntegerField")
    print(fields())
""",
            )
        )
        == "2"
    )


def test_a_listener_that_lost_its_connection_has_every_look_ask(project):
    assert (
        ended(
            started(
                project,
                """
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'")
    until(lambda: not listening())
    print(*(asked() for _ in range(3)))
""",
                pause=FOREVER,
            )
        )
        == "1 1 1"
    )


def test_who_can_hear_nothing_is_behind_no_longer_than_the_setting_says(project):
    """As behind connections that are handed out by transaction: LISTEN is taken there, and nothing told."""
    reader = started(
        project,
        """
    hearing._ears["default"].listeners[0].wake = lambda: None
    sys.stdin.readline()
    until(lambda: fields() == 2)
    print("seen")
""",
        seconds="0.5",
    )
    project.run("add(MetaModel.objects.get(), 'pages', 'IntegerField')")
    assert ended(reader) == "seen"


def test_within_a_transaction_every_look_asks(project):
    assert (
        ended(
            started(
                project,
                """
    with transaction.atomic():
        print(*(asked() for _ in range(3)))
""",
            )
        )
        == "1 1 1"
    )


def test_a_forked_child_listens_for_itself(project):
    reader = started(
        project,
        """
    connections.close_all()
    child = os.fork()
    if child == 0:
        signal.alarm(90)
        assert hearing.moment(connection) is None
        until(listening)
        print("child", flush=True)
        sys.stdin.readline()
        until(lambda: fields() == 2)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
    )
    assert reader.stdout.readline() == "child\n"
    project.run("add(MetaModel.objects.get(), 'pages', 'IntegerField')")
    assert ended(reader) == "0"
