"""Every subscriber gets every position, once and in order, whatever is killed, cut or restarted meanwhile."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack

import httpx
import pytest

from dynamo.exceptions import StreamReset
from tests import redis
from tests.acceptance.frames import following
from tests.integration.followers import (
    END,
    QUICK,
    AsyncSubscriber,
    KeepingSubscriber,
    Subscriber,
    serve,
    token,
)

WRITERS = 6
# Each writer records some, and rolls as many back.
WRITE = """
    for n in range(int(sys.argv[2])):
        while True:
            try:
                with dynamo.batch():
                    make(f"Writer{sys.argv[1]}N{n}", title="CharField")
                    raise_ = n % 2
                    if raise_:
                        raise KeyError
                break
            except KeyError:
                break
            except SchemaBusy:
                continue
    from events import store
    print(store.head("default").position)
"""
LAST = """
    make("End")
    from events import store
    print(store.head("default").position)
"""
MAKE = "make(sys.argv[1])\nfrom events import store\nprint(store.head('default').position)"


@pytest.fixture
def stack():
    """What ends with the test."""
    with ExitStack() as stack:
        yield stack


def served(stack, project, **settings):
    server = serve(project, **settings)
    stack.callback(server.close)
    return server


def restarted(stack, server):
    again = server.restart()
    stack.callback(again.close)
    return again


def make(project, name: str) -> int:
    return int(project.run(MAKE, name))


def writing(stack, project, count: int):
    found = [project.start(WRITE, str(number), str(count)) for number in range(WRITERS)]
    for process in found:
        stack.callback(process.kill)
    return found


def finish(project, writers) -> list[int]:
    """Wait for the writers, record the end, and give all positions."""
    for process in writers:
        _, errors = process.communicate(timeout=150)
        assert process.returncode == 0, errors[-3000:]
    return list(range(1, int(project.run(LAST)) + 1))


def test_six_writers_and_a_server_that_is_killed_cost_nobody_an_event(stack, project, tmp_path):
    key = token(project)
    first, second = served(stack, project), served(stack, project)
    subscribers = [
        Subscriber(first.url, key),
        AsyncSubscriber(first.url, key),
        KeepingSubscriber(first.url, key, tmp_path / "place"),
        Subscriber(second.url, key),
    ]
    writers = writing(stack, project, 10)
    for at in (8, 25, 40):
        subscribers[-1].upto(at)
        first.end(signal.SIGKILL)
        first = restarted(stack, first)
    whole = finish(project, writers)
    for subscriber in subscribers:
        assert subscriber.whole() == whole
    # It never asked for what comes after the end, so that is what it is not done with.
    assert int((tmp_path / "place").read_text()) == whole[-2]


def test_client_that_is_cut_off_all_the_time_gets_every_event_once(stack, project):
    key = {"Authorization": f"Bearer {token(project)}"}
    server = served(stack, project)
    writers = writing(stack, project, 8)
    positions, ended, cuts = [0], False, 0
    with httpx.Client(base_url=server.url, headers=key, timeout=30) as client:
        while not ended:
            with following(client, last=positions[-1]) as frames:
                cuts += 1
                # Every other time it goes before the first event came.
                until = time.monotonic() + (0.05 if cuts % 2 else 0)
                while time.monotonic() < until and not ended:
                    frame = frames.next()
                    if frame.about_schema:
                        positions.append(frame.id)
                        ended = frame.data["model"] == END
            if writers and all(process.poll() is not None for process in writers):
                whole, writers = finish(project, writers), []
    assert positions == [0, *whole]
    assert cuts > 10


def test_subscriber_that_was_gone_before_its_first_event_misses_none(stack, project):
    """What it knows is the position of the frame that opens the stream."""
    server, key = served(stack, project), token(project)
    make(project, "Before")
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as client:
        with following(client) as frames:
            place = frames.opened.id
        make(project, "Meanwhile")
        with following(client, last=place) as frames:
            assert [frame.id for frame in frames.upto(2)] == [2]


@pytest.mark.needs("ddl in atomic")
def test_nothing_comes_before_its_commit(stack, project):
    server, key = served(stack, project), token(project)
    writer = project.start("""
    with transaction.atomic():
        make("Late")
        print("made", flush=True)
        sys.stdin.readline()
    """)
    stack.callback(writer.kill)
    assert writer.stdout.readline() == "made\n"
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=server.url, headers=headers) as client,
        following(client, last=0) as frames,
    ):
        # It has looked at the log, several times.
        assert [frames.named("keep-alive").id for _ in range(2)] == [0, 0]
        writer.communicate("commit\n", timeout=60)
        assert [frame.id for frame in frames.upto(1)] == [1]


def test_restored_backup_is_told_as_a_reset(stack, project, tmp_path, django_db_blocker):
    key = token(project)
    for number in range(3):
        make(project, f"Kept{number}")
    with django_db_blocker.unblock():
        backup = project.copy(tmp_path / "backup")
    server = served(stack, project)
    subscriber = Subscriber(server.url, key)
    subscriber.upto(make(project, "Lost"))
    server.end(signal.SIGTERM)
    server.environment = backup.having(**QUICK).environment()
    restarted(stack, server)
    subscriber.join(60)
    assert isinstance(subscriber.error, StreamReset)
    assert (subscriber.error.position, subscriber.error.after) == (3, 4)
    # From there it goes on.
    again = Subscriber(server.url, key, after=subscriber.error.position)
    assert again.positions == []
    again.upto(make(backup, "Again"))
    assert again.positions == [4]
    stack.close()
    with django_db_blocker.unblock():
        backup.drop()


NEVER = 600


def test_redis_wakes_streams_of_other_processes_and_may_come_and_go(stack, project, tmp_path):
    """The log is looked at once in ten minutes: what comes in time, was told."""
    key = token(project)
    with redis.running(tmp_path) as server:
        project = project.having(DYNAMO_REDIS_URL=server.url, DYNAMO_STREAM_POLL_SECONDS=NEVER)
        subscriber = Subscriber(served(stack, project).url, key)
        subscriber.upto(make(project, "First"))
        server.stop()
        missed = make(project, "Untold")
        server.start()
        # The listener looks when it is back.
        subscriber.upto(missed)
        subscriber.upto(make(project, "Again"))
        server.stop()
        server.start()
        subscriber.upto(make(project, "Restarted"))
        make(project, "End")
        assert subscriber.whole() == [1, 2, 3, 4, 5]


def test_stream_opens_while_redis_is_down_and_hears_it_later(stack, project, tmp_path):
    key = token(project)
    server = redis.Redis(tmp_path)
    stack.callback(server.stop)
    project = project.having(DYNAMO_REDIS_URL=server.url, DYNAMO_STREAM_POLL_SECONDS=NEVER)
    make(project, "Before")
    subscriber = Subscriber(served(stack, project).url, key)
    subscriber.upto(1)
    server.start()
    subscriber.upto(make(project, "After"))
    make(project, "End")
    assert subscriber.whole() == [1, 2, 3]


def test_looking_finds_what_redis_does_not_tell(stack, project, tmp_path):
    project = project.having(DYNAMO_REDIS_URL=redis.Redis(tmp_path).url)
    subscriber = Subscriber(served(stack, project).url, token(project))
    subscriber.upto(make(project, "Found"))
    make(project, "End")
    assert subscriber.whole() == [1, 2]
