"""What a subscriber asks and makes of the answers, without a server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

import dynamo
from dynamo.client.events import StreamEvent, UnknownVersion
from dynamo.client.following import BUSY, LONGEST_PAUSE, Following, Lost
from dynamo.client.places import place_of
from dynamo.exceptions import StreamRefused, StreamReset
from events.schema import Frozen
from events.types import FieldAdded
from projections.stream import frames
from tests.unit.events_at import recorded

URL = "https://example.org/dynamo/events/"
ADDED = FieldAdded(stream_id="book", field_id="title", after=Frozen({"name": "title"}))


def following(after: int | None = None, **options: object) -> Following:
    given = {"url": URL, "token": None, "models": (), "kinds": (), **options}
    return Following(**{"place": place_of(None, after), **given})


def message(event: str, position: int, data: dict[str, object] | None = None, retry: int | None = None):
    """A frame as the parser gives it."""
    text = json.dumps(data if data is not None else {"v": 1, "position": position})
    return SimpleNamespace(event=event, id=str(position), data=text, retry=retry)


def added(position: int):
    text = frames.data(recorded(ADDED, position), "shop.Book", "title")
    return message("post_field_creation", position, json.loads(text))


def taken(one: Following, *messages: object) -> list[int]:
    return [event.position for message in messages for event in one.take(message)]


def test_event_has_the_names_and_types_of_the_documentation():
    (event,) = following(0).take(added(7))
    assert (event.position, event.event, event.type) == (7, "post_field_creation", "field.added")
    assert (event.model, event.field, event.before, event.after) == (
        "shop.Book",
        "title",
        {},
        {"name": "title"},
    )
    assert event.recorded_at == datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_every_key_of_the_data_is_an_attribute_and_later_keys_do_no_harm():
    data = json.loads(frames.data(recorded(ADDED, 7), "shop.Book", "title"))
    event = StreamEvent.of("x", json.dumps({**data, "later": 1}))
    assert {*StreamEvent.__dataclass_fields__} == {*data, "event"} - {"v"}
    assert event.hash == data["hash"]


def test_another_version_of_the_data_is_refused_by_name():
    with pytest.raises(UnknownVersion, match="sends version 2"):
        StreamEvent.of("x", json.dumps({"v": 2}))


def test_position_that_came_already_is_given_once():
    one = following(4)
    assert taken(one, added(4), added(5), added(5), added(3), added(6)) == [5, 6]
    assert one.headers() == {"Last-Event-ID": "6"}


def test_opening_frame_is_where_a_subscriber_without_position_begins():
    one = following()
    assert one.headers() == {}
    assert taken(one, message("stream-open", 12), message("keep-alive", 15)) == []
    assert one.headers() == {"Last-Event-ID": "15"}


@pytest.mark.parametrize("status", sorted(BUSY))
def test_busy_servers_are_waited_for(status):
    with pytest.raises(Lost, match=f"answers {status}: later"):
        following().answered(status, "text/plain", "later")


@pytest.mark.parametrize("status", [204, 301, 302, 400, 401, 403, 404, 405, 410, 501])
def test_answers_that_stay_as_they_are_raise(status):
    with pytest.raises(StreamRefused, match=f"answers {status}: no") as caught:
        following().answered(status, "text/plain", "no\n")
    assert (caught.value.status, caught.value.text) == (status, "no\n")


def test_page_that_is_no_stream_raises():
    with pytest.raises(StreamRefused, match="the address may be wrong"):
        following().answered(200, "text/html; charset=utf-8", "")
    following().answered(200, "text/event-stream; charset=utf-8", "")


@pytest.mark.parametrize("id_", ["", "x", "events:5"])
def test_stream_of_something_else_raises(id_):
    one = SimpleNamespace(event="message", id=id_, data="{}", retry=None)
    with pytest.raises(StreamRefused, match="no stream of Dynamo"):
        taken(following(3), one)


def test_error_of_the_stream_has_it_connect_again():
    one = following(3)
    with pytest.raises(Lost, match="shuts down"):
        taken(one, message("stream-error", 5, {"condition": "shutdown", "text": "the server shuts down"}))
    assert one.after == 3


def test_reset_says_what_happened_and_how_to_go_on():
    with pytest.raises(StreamReset, match=r"ends at position 2, before 9.*after=2 to go on") as caught:
        taken(following(9), message("stream-reset", 2))
    assert (caught.value.position, caught.value.after) == (2, 9)


def test_pauses_are_the_servers_at_first_and_grow_with_each_failure():
    one = following(0)
    assert taken(one, message("stream-open", 0, retry=1234)) == []
    assert one.pause(Lost()) == 1.234
    pauses = [one.pause(Lost()) for _ in range(12)]
    assert all(0.5 <= pause <= LONGEST_PAUSE for pause in pauses)
    assert all(pause >= LONGEST_PAUSE / 2 for pause in pauses[-5:])
    assert len(set(pauses)) > 1
    taken(one, message("keep-alive", 0))
    assert one.pause(Lost()) == 1.234


def test_token_that_is_a_function_is_asked_for_each_connection():
    tokens = iter(["dynamo_a", "dynamo_b"])
    one = following(token=lambda: next(tokens))
    assert [one.headers()["Authorization"] for _ in range(2)] == ["Bearer dynamo_a", "Bearer dynamo_b"]


def test_models_and_kinds_are_asked_for_one_by_one():
    one = following(models=("shop.A", "shop.B"), kinds=("field.added",))
    assert one.parameters() == [("model", "shop.A"), ("model", "shop.B"), ("kind", "field.added")]


def test_place_in_a_file_is_written_when_an_event_is_done_with(tmp_path):
    path = tmp_path / "place"
    one = following(place=place_of(path, 2))
    for event in one.take(added(3)):
        assert (event.position, path.exists()) == (3, False)
        one.done()
    assert path.read_text() == "3\n"
    # What it holds is newer than what the program says.
    assert following(place=place_of(path, 0)).after == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]


def test_place_moves_past_what_is_not_for_this_subscriber(tmp_path):
    one = following(place=place_of(tmp_path / "place", 2))
    taken(one, message("keep-alive", 40))
    assert (tmp_path / "place").read_text() == "40\n"


@pytest.mark.parametrize("text", ["", "x", "-1", "1 2"])
def test_file_that_is_no_place_is_said_so_and_left_alone(tmp_path, text):
    path = tmp_path / "place"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"holds .* and no position"):
        following(place=place_of(path, 0))
    assert path.read_text() == text


def test_function_is_told_each_place_once():
    told: list[int] = []
    one = following(place=place_of(told.append, 2))
    for position in (3, 4):
        for _ in one.take(added(position)):
            one.done()
    one.done()
    assert told == [3, 4]


def test_subscription_says_how_far_it_has_come():
    assert dynamo.subscribe(URL, after=5).position == 5
    assert dynamo.subscribe(URL).position is None


@pytest.mark.parametrize(
    "url",
    [
        "nope",
        "",
        "ftp://x/",
        "htp://127.0.0.1:1/",
        "https://",
        "http:///events/",
        "http://x:99999/",
        "http://[",
    ],
)
def test_address_that_nothing_will_ever_answer_at_is_refused_at_once(url):
    with pytest.raises(ValueError, match="is no address of a stream; give one such as https://"):
        dynamo.subscribe(url, token="x")


@pytest.mark.parametrize("after", [-1, "5", True, 1.0])
def test_position_that_is_none_is_refused_at_once_by_its_name(after):
    with pytest.raises(ValueError, match=f"after must be a position.*not {after!r}"):
        dynamo.subscribe(URL, after=after)


def test_text_alone_is_one_name_and_not_its_letters():
    one = dynamo.subscribe(URL, models="shop.A", kinds="field.added")
    assert one._following.parameters() == [("model", "shop.A"), ("kind", "field.added")]


def test_each_failure_to_connect_is_warned_of_with_its_reason_and_the_pause(caplog, monkeypatch):
    pauses = []

    def slept(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("dynamo.client.subscription.time.sleep", slept)
    # Port 9 discards, where anything listens there at all.
    with pytest.raises(KeyboardInterrupt):
        next(iter(dynamo.subscribe("http://127.0.0.1:9/", token="x")))
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    for record, pause in zip(caplog.records, pauses, strict=True):
        assert record.name == "dynamo.client"
        assert "Connection refused" in record.message
        assert f"connecting again in {pause:.1f} s" in record.message


def test_what_the_address_asks_for_is_asked_for():
    one = following(None, url=f"{URL}?model=shop.A&kind=field.added&from=7", models=("shop.B",))
    assert one.parameters() == [("model", "shop.A"), ("kind", "field.added"), ("model", "shop.B")]
    assert one.headers() == {"Last-Event-ID": "7"}
    assert following(9, url=f"{URL}?from=7").headers() == {"Last-Event-ID": "9"}


@pytest.mark.parametrize("begin", ["", "-1", "x", "9" * 6000, "²"])
def test_a_beginning_that_is_no_position_is_left_for_the_server_to_refuse(begin):
    one = following(None, url=f"{URL}?from={begin}")
    assert one.headers() == {}
    assert one.parameters() == [("from", begin)]
