"""The stream inside one process: wake-ups, event loops, the ring's edges, django-eventstream's seams."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import AsyncClient, Client, RequestFactory
from django_eventstream import eventstream
from django_eventstream.storage import EventDoesNotExist

import dynamo
import projections.stream
from dynamo.models import MetaField, MetaModel
from events import chain, guards, store
from events.exceptions import AppendOnly, DynamoError, LogCorrupt
from events.models import Head, SchemaEvent
from projections.stream import access, reader, ring, tailer, wakes
from projections.stream.channels import Channels
from projections.stream.naming import Names
from projections.stream.storage import LogStorage

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = "/dynamo/events/"
NEVER = 3600


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.DYNAMO_STREAM_POLL_SECONDS = 0.02


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    assert list(tailer.tailers) == []
    assert wakes._calls == []


@pytest.fixture
def root():
    return User.objects.create_superuser("root")


def make(name: str, *fields: str) -> MetaModel:
    model = MetaModel.objects.create(name=name)
    for field in fields:
        MetaField.objects.create(meta_model=model, name=field, type="TextField")
    return model


def head() -> int:
    return store.head("default").position


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run async work in an event loop of its own, with a time-out."""

    async def limited() -> Any:
        try:
            async with asyncio.timeout(20):
                return await work()
        finally:
            # On the thread that ran the middleware: a database with connections cannot be dropped.
            await sync_to_async(connections.close_all)()

    return asyncio.run(limited())


def in_own_connection(work: Callable[..., Any], *args: Any) -> Any:
    try:
        return work(*args)
    finally:
        connections.close_all()


async def call(work: Callable[..., Any], *args: Any) -> Any:
    """Do a writer's work in a thread, as another request would."""
    return await sync_to_async(in_own_connection, thread_sensitive=False)(work, *args)


async def opened(user: User, path: str = EVERYTHING, **query: int) -> Any:
    client = AsyncClient()
    await client.aforce_login(user)
    response = await client.get(path, query)
    assert response.status_code == 200, response.content
    return response


async def frames(response: Any) -> AsyncGenerator[tuple[int, str, dict[str, Any]], None]:
    """(id, event, data) of every frame."""
    buffer = ""
    async with aclosing(aiter(response)) as chunks:
        async for chunk in chunks:
            buffer += chunk.decode()
            *complete, buffer = buffer.split("\n\n")
            for text in complete:
                given = dict(line.split(": ", 1) for line in text.split("\n"))
                yield int(given["id"]), given["event"], json.loads(given["data"])


async def upto(stream: AsyncIterator[Any], position: int) -> list[int]:
    """The ids of schema frames up to a position."""
    found = []
    async for id_, event, _ in stream:
        if event.startswith("post_"):
            found.append(id_)
        if id_ >= position:
            return found
    raise AssertionError("the stream ended")


async def named(stream: AsyncIterator[Any], name: str) -> tuple[int, dict[str, Any]]:
    async for id_, event, data in stream:
        if event == name:
            return id_, data
    raise AssertionError(f"the stream ended without {name}")


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def tailer_ready() -> None:
    """Wait until the running loop's tailer knows where the log's head is."""
    loop = asyncio.get_running_loop()
    await until(lambda: loop in tailer.tailers and tailer.tailers[loop]._mark is not None)


def test_wake_brings_a_change_at_once_however_slow_the_poll(root, settings):
    settings.DYNAMO_STREAM_POLL_SECONDS = NEVER

    async def work():
        async with aclosing(frames(await opened(root))) as stream:
            await anext(stream)
            waiting = asyncio.ensure_future(upto(stream, 1))
            await tailer_ready()
            await call(make, "Woken")
            projections.stream.wake()
            assert await waiting == [1]

    run(work)


def test_readers_in_several_event_loops_all_get_every_event(root):
    ready = threading.Barrier(4)
    results: list[list[int]] = []

    def follow_in_own_loop():
        async def work():
            async with aclosing(frames(await opened(root))) as stream:
                await anext(stream)
                await asyncio.to_thread(ready.wait, 20)
                results.append(await upto(stream, 4))

        run(work)

    threads = [threading.Thread(target=follow_in_own_loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    ready.wait(20)
    make("Shared", "a", "b", "c")
    for thread in threads:
        thread.join(20)
    assert results == [[1, 2, 3, 4]] * 3


def test_readers_of_one_loop_share_one_tailer(root):
    async def work():
        streams = [frames(await opened(root)) for _ in range(5)]
        waiting = [asyncio.ensure_future(upto(stream, 2)) for stream in streams]
        await until(lambda: sum(t.grants.total() for t in tailer.tailers.values()) == 5)
        assert len(tailer.tailers) == 1
        await call(make, "Shared", "a")
        assert await asyncio.gather(*waiting) == [[1, 2]] * 5
        for stream in streams:
            await stream.aclose()
        assert len(tailer.tailers) == 0

    run(work)


def test_a_reader_that_comes_has_nobody_else_asked_about(root, monkeypatch):
    """Else a thousand who come one after the other would be half a million questions."""
    asked: list[int] = []
    revoked = tailer.revoked

    def counted(grants):
        asked.append(len(grants))
        return revoked(grants)

    monkeypatch.setattr(tailer, "revoked", counted)
    make("First")
    users = [User.objects.create_superuser(f"user{n}") for n in range(4)]

    async def work():
        streams = []
        for user in users:
            streams.append(frames(await opened(user, **{"from": 0})))
            assert await upto(streams[-1], 1) == [1]
        assert asked == [1] * len(users)
        # One who has everything is asked about at the next look, whenever that is.
        streams.append(frames(await opened(root)))
        waiting = [asyncio.ensure_future(upto(stream, 2)) for stream in streams]
        await until(lambda: tailing_readers() == len(streams))
        assert set(asked) == {1}
        await call(make, "Shared")
        assert await asyncio.gather(*waiting) == [[2]] * len(streams)
        assert max(asked) == len(streams)
        for stream in streams:
            await stream.aclose()

    def tailing_readers() -> int:
        (one,) = tailer.tailers.values()
        return one.grants.total()

    run(work)


def test_cancelled_reader_releases_everything(root):
    async def work():
        stream = frames(await opened(root))
        waiting = asyncio.ensure_future(named(stream, "never"))
        await until(lambda: len(wakes._calls) == 1)
        waiting.cancel()
        await asyncio.wait([waiting])
        await until(lambda: not wakes._calls)
        assert len(tailer.tailers) == 0

    run(work)


@pytest.mark.parametrize("path", [EVERYTHING, "/dynamo/events/dynamic.Long/"])
def test_reader_far_behind_pages_through_history_and_into_the_ring(root, monkeypatch, path):
    monkeypatch.setattr(reader, "PAGE", 3)
    monkeypatch.setattr(tailer, "PAGE", 2)
    monkeypatch.setattr(ring.Ring.__init__, "__defaults__", (4, ring.MAX_BYTES))
    make("Long", *"abcdefghij")

    async def work():
        async with aclosing(frames(await opened(root, path, **{"from": 0}))) as stream:
            assert await upto(stream, 11) == list(range(1, 12))
            await call(grow)
            assert await upto(stream, 19) == list(range(12, 20))

    def grow():
        with dynamo.batch():
            model = MetaModel.objects.get(name="Long")
            for name in "klmnopqr":
                MetaField.objects.create(meta_model=model, name=name, type="TextField")

    run(work)


def test_reader_of_a_model_that_is_not_changed_moves_on_with_the_log(root, settings):
    settings.DYNAMO_STREAM_KEEPALIVE_SECONDS = 0.1
    make("Still")
    make("Busy", *"abcdef")

    async def work():
        async with aclosing(
            frames(await opened(root, "/dynamo/events/dynamic.Still/", **{"from": 0}))
        ) as stream:
            assert await upto(stream, 1) == [1]
            assert (await named(stream, "keep-alive"))[0] == head_then

    head_then = head()
    run(work)


def test_right_is_asked_for_at_each_keep_alive_however_rarely_the_log_is_looked_at(root, settings):
    settings.DYNAMO_STREAM_KEEPALIVE_SECONDS = 0.1
    settings.DYNAMO_STREAM_POLL_SECONDS = NEVER

    async def work():
        async with aclosing(frames(await opened(root))) as stream:
            await named(stream, "keep-alive")
            await call(lambda: User.objects.filter(pk=root.pk).update(is_active=False))
            _, told = await named(stream, "stream-error")
            assert told["condition"] == "forbidden"

    run(work)


def test_log_that_is_flushed_while_read_sends_a_reset_and_goes_on(root, monkeypatch):
    make("Old", "a", "b")
    # The user is flushed too; this one may go on all the same.
    monkeypatch.setattr(tailer, "revoked", dict.fromkeys)

    async def work():
        async with aclosing(frames(await opened(root, **{"from": 0}))) as stream:
            assert await upto(stream, 3) == [1, 2, 3]
            await call(call_command, "flush", "--no-input")
            assert (await named(stream, "stream-reset"))[0] == 0
            await call(make, "New")
            assert await upto(stream, 1) == [1]

    run(work)


@pytest.mark.needs("ddl in atomic")
def test_hole_in_the_log_ends_the_stream_with_a_reason(root, caplog):
    log = SchemaEvent._meta.db_table

    def make_with_a_hole():
        with transaction.atomic(), guards.lifted(connection), connection.cursor() as cursor:
            make("Holed", "a")
            cursor.execute(f"CREATE TABLE lost AS SELECT * FROM {log} WHERE position = 1")
            cursor.execute(f"DELETE FROM {log} WHERE position = 1")

    def mend():
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {log} SELECT * FROM lost")
            cursor.execute("DROP TABLE lost")

    async def work():
        async with aclosing(frames(await opened(root))) as stream:
            waiting = asyncio.ensure_future(named(stream, "stream-error"))
            await tailer_ready()
            await call(make_with_a_hole)
            id_, data = await waiting
            assert (id_, data["condition"]) == (0, "unavailable")
            assert [frame async for frame in stream] == []

    run(work)
    mend()
    assert "position 1 is missing" in caplog.text


def test_database_that_fails_for_a_while_costs_no_event(root, caplog):
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    async def work():
        async with aclosing(frames(await opened(root))) as stream:
            waiting = asyncio.ensure_future(upto(stream, 2))
            await tailer_ready()
            await call(rename, Head._meta.db_table, "away")
            try:
                await until(lambda: "tries again" in caplog.text)
            finally:
                await call(rename, "away", Head._meta.db_table)
            await call(make, "Lucky", "a")
            assert await waiting == [1, 2]

    run(work)


def test_restored_log_of_another_history_is_recognised_by_its_hash():
    make("First")
    mark = store.head("default")
    make("Second")
    names = Names("default")
    assert [frame.position for frame in tailer.read(mark, names).frames] == [2]
    assert tailer.read(replace(mark, hash="f" * 64), names).replaced
    assert tailer.read(replace(mark, registry_id="another"), names).replaced
    assert tailer.read(replace(mark, position=9), names).replaced
    assert tailer.read(store.head("default"), names) is None


def test_log_that_is_about_to_begin_is_not_taken_for_another_one():
    """MariaDB shows the head of the first event before its tables are done."""
    names, before = Names("default"), store.shown("default")
    Head.objects.create(pk=1, hash=chain.GENESIS)
    assert store.shown("default") != before
    assert tailer.read(before, names) is None
    make("First")
    assert [frame.position for frame in tailer.read(before, names).frames] == [1]


def test_project_with_atomic_requests_can_stream(root, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

    async def work():
        async with aclosing(frames(await opened(root))) as stream:
            assert (await anext(stream))[:2] == (0, "stream-open")

    run(work)


def test_plain_wsgi_is_answered_with_what_is_needed(root):
    client = Client()
    client.force_login(root)
    answer = client.get(EVERYTHING)
    assert (answer.status_code, "ASGI" in answer.text) == (503, True)


def test_stream_tells_proxies_not_to_keep_frames(root):
    async def work():
        response = await opened(root)
        assert response.headers["X-Accel-Buffering"] == "no"
        assert response.headers["Cache-Control"] == "no-cache"

    run(work)


def test_follow_yields_history_then_what_is_committed_later():
    make("Known", "a")
    events = projections.stream.follow(0)
    assert [next(events).position, next(events).position] == [1, 2]
    thread = threading.Thread(target=in_own_connection, args=(make, "Fresh"))
    thread.start()
    assert next(events).position == 3
    thread.join()
    events.close()


def test_follow_refuses_a_position_that_the_log_does_not_have():
    make("Only")
    with pytest.raises(DynamoError, match="ends at position 1, before 7"):
        next(iter(projections.stream.follow(7)))


def test_storage_gives_events_after_an_id_and_the_id_of_the_head():
    make("Stored", "a", "b")
    make("Other")
    storage = LogStorage()
    found = storage.get_events("events", 1, limit=2)
    assert [(event.id, event.type, json.loads(event.data)["field"]) for event in found] == [
        (2, "post_field_creation", "a"),
        (3, "post_field_creation", "b"),
    ]
    assert [event.id for event in storage.get_events("dynamic.Stored", 0)] == [1, 2, 3]
    assert storage.get_events("dynamic.Nothing", 0) == []
    assert storage.get_current_id("dynamic.Stored") == 4


def test_storage_says_that_an_id_beyond_the_head_does_not_exist():
    make("Stored")
    with pytest.raises(EventDoesNotExist) as caught:
        LogStorage().get_events("events", 2)
    assert caught.value.current_id == 1


def test_nothing_can_be_sent_past_the_log(settings):
    settings.EVENTSTREAM_STORAGE_CLASS = "projections.stream.storage.LogStorage"
    with pytest.raises(AppendOnly, match="save or delete a MetaModel or MetaField"):
        eventstream.send_event("events", "post_model_creation", {"forged": True})
    assert head() == 0


def test_views_of_django_eventstream_can_read_the_log_through_the_seams(root, settings):
    settings.EVENTSTREAM_STORAGE_CLASS = "projections.stream.storage.LogStorage"
    settings.EVENTSTREAM_CHANNELMANAGER_CLASS = "projections.stream.channels.Channels"
    make("Seam", "a")
    request = eventstream_request({"dynamic.Seam": "1"})
    response = eventstream.get_events(request, user=root)
    assert [event.id for event in response.channel_items["dynamic.Seam"]] == [2]
    with pytest.raises(eventstream.EventPermissionError):
        eventstream.get_events(request, user=User.objects.create_user("nobody"))


def eventstream_request(last_ids: dict[str, str]) -> Any:
    from django_eventstream.eventrequest import EventRequest

    request = EventRequest()
    request.channels, request.channel_last_ids = set(last_ids), last_ids
    request.is_next = False
    return request


@pytest.mark.parametrize(
    ("codenames", "everything", "book", "nothing"),
    [
        ((), False, False, False),
        (("view_book",), False, True, False),
        (("change_book",), False, False, False),
        (("follow_stream",), True, True, False),
    ],
)
def test_channels_are_open_to_those_with_the_permission(codenames, everything, book, nothing):
    make("Book")
    user = User.objects.create_user("reader")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    channels = Channels()
    asked = ("events", "dynamic.Book", "dynamic.Nothing")
    assert [channels.can_read_channel(user, name) for name in asked] == [everything, book, nothing]
    assert not any(channels.can_read_channel(None, name) for name in asked)


def test_user_of_another_authentication_than_the_session_is_read_anew_too(root):
    request = RequestFactory().get(EVERYTHING)
    assert access.reader_of(request) is None
    request.user = root
    grant = access.Grant(access.reader_of(request), None)
    assert access.revoked([grant]) == {grant: None}
    User.objects.update(is_active=False)
    assert access.revoked([grant]) == {grant: access.NO_MORE}
    User.objects.all().delete()
    assert access.revoked([grant]) == {grant: access.NO_MORE}


def test_inactive_superuser_may_read_nothing(root):
    root.is_active = False
    assert not Channels().can_read_channel(root, "events")


def test_hole_is_corruption():
    make("Holed", "a", "b")
    first, _, third = store.read("default")
    with pytest.raises(LogCorrupt, match="position 2 is missing"):
        tailer.follows(replace(store.head("default"), position=0), (first, third))
