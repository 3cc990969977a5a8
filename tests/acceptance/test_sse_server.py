"""The stream from outside: a real server, a writer in another process, a client over HTTP."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from projections.stream.threads import THREADS
from tests.acceptance.frames import Frames, following
from tests.acceptance.site import DATABASE
from tests.acceptance.streams import EVERYTHING, field, model, status, user

BAD_IDS = [
    "-1",
    "+1",
    "abc",
    "1.0",
    "1e3",
    "1_0",
    "1,2",
    "events:1",
    "error",
    "٣".encode(),
    "9" * 19,
    "9" * 5000,
]
SHAPE = {
    "v",
    "position",
    "event_id",
    "type",
    "type_version",
    "stream_id",
    "stream_version",
    "model",
    "field",
    "before",
    "after",
    "batch_id",
    "correlation_id",
    "actor",
    "source",
    "reason",
    "recorded_at",
    "hash",
}


def head(client: httpx.Client) -> int:
    with following(client) as frames:
        return frames.opened.id


def test_change_of_another_process_arrives_as_frames_in_order(site, admin):
    with following(admin) as frames:
        start = frames.opened.id
        end = site.writer.change(model("Ordered", "title", "pages"))
        found = frames.upto(end)
    assert [frame.id for frame in found] == list(range(start + 1, end + 1))
    assert [frame.event for frame in found] == [
        "post_model_creation",
        "post_field_creation",
        "post_field_creation",
    ]
    assert [(f.data["model"], f.data["field"]) for f in found] == [
        ("dynamic.Ordered", None),
        ("dynamic.Ordered", "title"),
        ("dynamic.Ordered", "pages"),
    ]


def test_data_has_the_documented_keys_and_the_position_of_its_frame(site, admin):
    with following(admin) as frames:
        (frame,) = frames.upto(site.writer.change(model("Shaped")))
    assert set(frame.data) == SHAPE
    assert (frame.data["v"], frame.data["position"], frame.data["type"]) == (1, frame.id, "model.created")
    assert frame.data["before"] == {}
    assert frame.data["after"]["db_table"] == "dynamic_shaped"


@pytest.mark.parametrize("way", ["header", "parameter"])
def test_reader_resumes_after_the_position_that_it_names(site, admin, way):
    start = head(admin)
    end = site.writer.change(model(f"Resumed{way}", "a", "b", "c"))
    given = {"last": start + 1} if way == "header" else {"from": start + 1}
    with following(admin, **given) as frames:
        assert frames.opened.id == start + 1
        assert [frame.id for frame in frames.upto(end)] == list(range(start + 2, end + 1))


def test_reader_from_zero_gets_all_history_of_every_model(site, admin):
    end = site.writer.change(model("Historic", "a"))
    with following(admin, **{"from": 0}) as frames:
        found = frames.upto(end)
    assert [frame.id for frame in found] == list(range(1, end + 1))
    assert [frame.data["stream_version"] for frame in found if frame.data["model"] == "dynamic.Historic"] == [
        1,
        2,
    ]


def test_reader_without_position_starts_at_the_head(site, admin):
    end = site.writer.change(model("Before"))
    with following(admin) as frames:
        assert frames.opened.id == end
        assert frames.opened.event == "stream-open"
        assert frames.upto(site.writer.change(model("After")))[0].data["model"] == "dynamic.After"


def test_position_beyond_the_head_is_answered_with_a_reset_to_the_head(site, admin):
    with following(admin, last=999_999) as frames:
        reset = frames.next()
        assert (reset.event, reset.id) == ("stream-reset", frames.opened.id)
        end = site.writer.change(model("AfterReset"))
        assert [frame.id for frame in frames.upto(end)] == [end]


def test_idle_stream_sends_keep_alive_frames_with_its_position(site, admin):
    with following(admin) as frames:
        assert frames.named("keep-alive").id == frames.opened.id


def test_keep_alive_of_a_model_moves_past_changes_of_others(site, admin):
    site.writer.change(model("Quiet"))
    with following(admin, "/dynamo/events/dynamic.Quiet/") as frames:
        end = site.writer.change(model("Loud", "a", "b"))
        quiet = next(frame for frame in frames.every() if frame.event == "keep-alive" and frame.id >= end)
    assert quiet.id == end


def test_clients_are_told_to_come_back_at_different_times(site, admin):
    """About DYNAMO_STREAM_RETRY_SECONDS, which is 0.2 here."""
    waits = set()
    for _ in range(10):
        with following(admin) as frames:
            waits.add(frames.retry)
    assert len(waits) > 3
    assert all(100 <= wait <= 300 for wait in waits)


def test_rolled_back_change_is_never_sent(site, admin):
    with following(admin) as frames:
        start = frames.opened.id
        attempt = "\n    ".join(model("RolledBack", "a").splitlines())
        site.writer.run(
            f"try:\n  with transaction.atomic():\n    {attempt}\n    1 / 0\nexcept ZeroDivisionError: pass"
        )
        end = site.writer.change(model("Committed"))
        found = frames.upto(end)
    assert [(frame.id, frame.data["model"]) for frame in found] == [(start + 1, "dynamic.Committed")]


def test_stream_of_a_model_follows_it_across_a_rename(site, admin):
    site.writer.change(model("Book", "title"))
    path = "/dynamo/events/dynamic.Book/"
    with following(admin, path) as frames:
        site.writer.change('m.name = "Volume"; m.save()')
        site.writer.change(model("Unrelated", "a"))
        end = site.writer.change(field("Volume", "isbn"))
        found = frames.upto(end)
    assert [(f.event, f.data["model"], f.data["field"]) for f in found] == [
        ("post_model_update", "dynamic.Volume", None),
        ("post_field_creation", "dynamic.Volume", "isbn"),
    ]


def test_reader_resumes_under_the_label_that_the_model_had_at_its_position(site, admin):
    old = site.writer.change(model("Paper", "title"))
    site.writer.change('m.name = "Sheet"; m.save()')
    taken = site.writer.change(model("Paper", "weight"))
    with following(admin, "/dynamo/events/dynamic.Paper/", last=old) as frames:
        assert [f.data["model"] for f in frames.upto(old + 1)] == ["dynamic.Sheet"]
    with following(admin, "/dynamo/events/dynamic.Paper/", last=taken - 1) as frames:
        assert [f.data["field"] for f in frames.upto(taken)] == ["weight"]
    with following(admin, "/dynamo/events/dynamic.Sheet/", **{"from": 0}) as frames:
        assert [f.data["model"] for f in frames.upto(old + 1)] == ["dynamic.Paper"] * 2 + ["dynamic.Sheet"]


def test_reader_who_was_away_while_its_model_was_deleted_still_learns_of_it(site, admin):
    seen = site.writer.change(model("Doomed"))
    end = site.writer.change("m.delete()")
    with following(admin, "/dynamo/events/dynamic.Doomed/", last=seen) as frames:
        assert [(f.id, f.event) for f in frames.upto(end)] == [(end, "post_model_delete")]
    assert status(admin, "/dynamo/events/dynamic.Doomed/", headers={"Last-Event-ID": str(end)})[0] == 403


@pytest.mark.parametrize("text", BAD_IDS, ids=ascii)
def test_bad_position_is_a_bad_request(admin, text):
    code, answer = status(admin, headers={"Last-Event-ID": text})
    assert (code, "Last-Event-ID" in answer) == (400, True)
    if isinstance(text, str):
        assert status(admin, params={"from": text})[0] == 400


@pytest.mark.parametrize("name", ["es-meta", "recover", "link", "lastEventId", "channel"])
def test_parameters_of_django_eventstream_are_bad_requests(admin, name):
    code, answer = status(admin, params={name: "true"})
    assert (code, name in answer) == (400, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_than_get_are_not_allowed(admin, method):
    answer = admin.request(method, EVERYTHING)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_anonymous_readers_are_refused_in_plain_words(site):
    site.writer.change(model("Hidden"))
    with site.client() as nobody:
        refusals = {
            status(nobody, f"{EVERYTHING}{rest}") for rest in ("", "dynamic.Hidden/", "dynamic.Nothing/")
        }
    ((code, text),) = refusals
    assert (code, "log in" in text) == (401, True)


def test_model_that_one_may_not_see_looks_like_one_that_is_not_there(site):
    site.writer.change(model("Secret") + user("curious", "view_metamodel"))
    with site.client("curious") as curious:
        answers = {
            status(curious, f"{EVERYTHING}{label}/") for label in ("dynamic.Secret", "dynamic.Nothing", "x")
        }
        assert status(curious) in answers
    ((code, text),) = answers
    assert (code, "Secret" in text) == (403, False)


def test_view_permission_of_a_model_opens_its_stream_and_no_other(site):
    site.writer.change(
        model("Visible") + "\nshown = m\n" + model("Invisible") + user("viewer", "view_visible")
    )
    with site.client("viewer") as viewer:
        assert status(viewer)[0] == 403
        assert status(viewer, "/dynamo/events/dynamic.Invisible/")[0] == 403
        with following(viewer, "/dynamo/events/dynamic.Visible/") as frames:
            # The permission is renamed with the model: the stream stays open.
            end = site.writer.change('shown.name = "Seen"; shown.save()')
            assert [frame.data["model"] for frame in frames.upto(end)] == ["dynamic.Seen"]
            assert frames.named("keep-alive").id == end


REVOKED = {
    "permission": "u.user_permissions.clear()",
    "activity": "u.is_active = False; u.save()",
    "session": "from django.contrib.sessions.models import Session; Session.objects.all().delete()",
    "password": "u.set_password('another'); u.save()",
    "account": "u.delete()",
}


@pytest.mark.parametrize("lost", REVOKED)
def test_reader_who_loses_the_right_is_told_and_cut_off(site, lost):
    name = f"follower-{lost}"
    site.writer.run(user(name, "follow_stream"))
    with site.client(name) as client, following(client) as frames:
        position = site.writer.change(model(f"Lost{lost}"))
        frames.upto(position)
        site.writer.run(REVOKED[lost])
        error = frames.named("stream-error")
        assert (error.id, error.data["condition"]) == (position, "forbidden")
        assert list(frames.every()) == []
    with site.client() as again:
        again.cookies = client.cookies
        assert status(again)[0] == (403 if lost == "permission" else 401)


def test_reader_logged_out_in_a_second_tab_is_cut_off(site):
    site.writer.run(user("leaver", "follow_stream"))
    with site.client("leaver") as client, following(client) as frames:
        with site.client() as tab:
            tab.cookies = client.cookies
            form = {"csrfmiddlewaretoken": tab.cookies["csrftoken"]}
            assert tab.post("/admin/logout/", data=form).status_code == 200
        assert frames.named("stream-error").data["condition"] == "forbidden"


def test_open_streams_share_one_database_connection_and_hold_no_threads(own_site):
    process = Path(f"/proc/{own_site.server.process.pid}")

    def is_database(entry: Path) -> bool:
        # What was closed between listing and looking is not held.
        with suppress(FileNotFoundError):
            return entry.readlink().name == DATABASE
        return False

    def held() -> tuple[int, int]:
        files = sum(map(is_database, (process / "fd").iterdir()))
        return files, len(list((process / "task").iterdir()))

    with own_site.client("admin") as client, ExitStack() as stack:
        opened = [stack.enter_context(following(client)) for _ in range(20)]
        end = own_site.writer.change(model("Watched"))
        for frames in opened:
            frames.upto(end)
        files, threads = held()
    # The tailer's, and those of the threads on which streams are opened: SQLite keeps the file of a closed
    # connection open, for the next one, while another one is in use.
    assert 1 <= files <= 1 + THREADS
    assert threads < 10


def test_streams_left_by_their_readers_leave_nothing_running(own_site):
    with own_site.client("admin") as client:
        for _ in range(5):
            with following(client):
                pass
        # With no reader there is no tailer, so the next change is read by a new one from the log.
        end = own_site.writer.change(model("Later"))
        with following(client, last=0) as frames:
            assert [frame.id for frame in frames.upto(end)] == list(range(1, end + 1))


def resuming(site, client, positions: list[int], upto: threading.Event) -> None:
    """Read until the last position that is announced, connecting again as often as it takes."""
    while not upto.is_set() or positions[-1] < site.final:
        try:
            with following(client, last=positions[-1]) as frames:
                read_on(site, frames, positions, upto)
        except httpx.TransportError:
            continue


def read_on(site, frames: Frames, positions: list[int], upto: threading.Event) -> None:
    for frame in frames.every():
        if frame.about_schema:
            positions.append(frame.id)
        if upto.is_set() and positions[-1] >= site.final:
            return


def test_killed_and_restarted_server_loses_and_repeats_no_event(own_site):
    site, written = own_site, threading.Event()
    site.final = 0
    with site.client("admin") as client:
        positions = [head(client)]
        thread = threading.Thread(target=resuming, args=(site, client, positions, written))
        thread.start()
        for round_ in range(3):
            site.writer.change(model(f"Kill{round_}", "a", "b"))
            site.server.end(signal.SIGKILL)
            site.writer.change(model(f"Down{round_}", "a"))
            site.serve()
            site.final = site.writer.change(model(f"Up{round_}", "a"))
        written.set()
        thread.join(30)
    assert positions == list(range(site.final + 1))


def test_terminated_server_tells_its_readers_and_ends_by_itself(own_site):
    """It has no time-out for that: uvicorn would wait for open streams for ever."""
    with own_site.client("admin") as client, following(client) as frames:
        end = own_site.writer.change(model("Last"))
        frames.upto(end)
        own_site.server.end(signal.SIGTERM)
        *_, told = frames.every()
        assert (told.event, told.id, told.data["condition"]) == ("stream-error", end, "shutdown")
    assert "Traceback" not in "".join(own_site.server.output)
