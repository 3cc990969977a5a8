"""PostgreSQL tells other processes that the log grew; what does not reach them is found by looking."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.needs("postgresql")

# It looks once in ten minutes by itself: whatever it finds in time, it was told of.
FOLLOW = """
    from django.conf import settings
    from projections import stream
    from tests.integration.databases import sql
    settings.DYNAMO_STREAM_POLL_SECONDS = 600
    def listeners():
        return sql("SELECT pid FROM pg_stat_activity "
                   "WHERE datname = current_database() AND query LIKE 'LISTEN%'")
    events = stream.follow(0)
    print("following", flush=True)
    for recorded in events:
        while len(listeners()) != int(sys.argv[2]):
            threading.Event().wait(0.05)
        print(recorded.position, flush=True)
        if recorded.position == int(sys.argv[1]):
            break
    events.close()
    while listeners():
        threading.Event().wait(0.05)
    print("no listener is left")
"""


def started(project, upto: int, code: str = FOLLOW, listeners: int = 1):
    follower = project.start(code, str(upto), str(listeners))
    assert follower.stdout.readline() == "following\n", follower.communicate()[1]
    return follower


def ended(follower) -> list[str]:
    out, errors = follower.communicate(timeout=60)
    assert follower.returncode == 0, errors
    return out.splitlines()


def test_a_follower_is_told_of_what_other_processes_commit(project):
    project.run("make('Book')")
    follower = started(project, 4)
    assert follower.stdout.readline() == "1\n"
    for n in range(3):
        project.run(f"make('Book{n}')")
        assert follower.stdout.readline() == f"{n + 2}\n"
    assert ended(follower) == ["no listener is left"]


def test_nothing_is_told_of_what_is_rolled_back(project):
    project.run("make('Book')")
    follower = started(project, 2)
    assert follower.stdout.readline() == "1\n"
    project.run("""
    with transaction.atomic():
        make("Gone")
        transaction.set_rollback(True)
    make("Kept")
    """)
    assert ended(follower) == ["2", "no listener is left"]


def test_a_listener_whose_connection_is_cut_listens_again(project):
    project.run("make('Book')")
    follower = started(project, 2)
    assert follower.stdout.readline() == "1\n"
    # Committed while nobody hears: the listener looks when it is back.
    project.run("""
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND query LIKE 'LISTEN%'")
    make("Later")
    """)
    assert ended(follower)[-1] == "no listener is left"


def test_a_follower_that_can_hear_nothing_looks_by_itself(project):
    """As behind a pool of connections that are handed out by transaction."""
    project.run("make('Book')")
    code = FOLLOW.replace("600", "0.2").replace(
        "events = stream.follow(0)", "deaf(); events = stream.follow(0)"
    )
    deaf = """
    from projections.stream import wakes
    def deaf():
        wakes.listeners = lambda using, wake: []
"""
    follower = started(project, 2, deaf + code, listeners=0)
    assert follower.stdout.readline() == "1\n"
    project.run("make('Later')")
    assert ended(follower) == ["2", "no listener is left"]
