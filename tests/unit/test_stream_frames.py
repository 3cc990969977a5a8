"""Frames: their shape is a promise to clients in other languages."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

import dynamo
from events.schema import Frozen
from events.types import BY_NAME, FieldAdded, ModelCreated, RegistryTagged
from projections.signals import SIGNALS, frame_name
from projections.stream import frames
from tests.unit.events_at import recorded

ADDED = FieldAdded(stream_id="book", field_id="title", after=Frozen({"name": "title", "help": "one\ntwo"}))


def lines(encoded: bytes) -> list[str]:
    return encoded.decode().split("\n")


def test_frame_of_an_event_has_its_signal_its_position_and_one_line_of_data():
    name, id_, data, *rest = lines(frames.frame(recorded(ADDED, 7), "shop.Book", "title").encoded)
    assert (name, id_) == ("event: post_field_creation", "id: 7")
    assert data.startswith("data: {")
    assert rest == ["", ""]


def test_data_is_version_1_of_the_documented_shape():
    one = recorded(
        ADDED, 7, stream_version=3, actor="user:1", source="admin", reason="why", correlation_id="c"
    )
    assert orjson.loads(frames.data(one, "shop.Book", "title")) == {
        "v": 1,
        "position": 7,
        "event_id": one.event_id,
        "type": "field.added",
        "type_version": 1,
        "stream_id": "book",
        "stream_version": 3,
        "model": "shop.Book",
        "field": "title",
        "before": {},
        "after": {"name": "title", "help": "one\ntwo"},
        "batch_id": "batch",
        "correlation_id": "c",
        "actor": "user:1",
        "source": "admin",
        "reason": "why",
        "recorded_at": "2026-01-02T03:04:05.000006+00:00",
        "hash": "hash 7",
    }


def test_keys_of_the_data_are_all_in_the_documentation():
    data = orjson.loads(frames.data(recorded(ADDED), "shop.Book", "title"))
    assert [key for key in data if key not in (frames.__doc__ or "")] == []


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n", "\x00", "\x0b", "\x85", "\u2028", "\u2029"])
def test_line_ends_in_values_never_end_a_line_of_the_frame(mark):
    text = f"a{mark}data: forged{mark}{mark}id: 9"
    event = ModelCreated(stream_id="book", after=Frozen({"description": text}))
    encoded = frames.frame(recorded(event, 7), "shop.Book", None).encoded.decode()
    assert len(encoded.splitlines()) == 4
    assert orjson.loads(encoded.splitlines()[2].removeprefix("data: "))["after"]["description"] == text


def test_every_event_type_has_a_frame_name_that_is_a_signal_or_its_own():
    for type_name, cls in BY_NAME.items():
        name = frame_name(type_name)
        own = cls.__mro__[1].__name__ == "RegistryEvent"
        assert name == type_name.replace(".", "_") if own else name in SIGNALS
        assert not name.startswith("stream-")


def test_module_for_browsers_listens_for_every_name():
    module = (Path(dynamo.__file__).parent / "static" / "dynamo" / "stream.js").read_text()
    listed = module.partition("NAMES = [")[2].partition("]")[0]
    assert set(re.findall(r'"(.*?)"', listed)) == {frame_name(type_name) for type_name in BY_NAME}


def test_event_of_the_registry_has_neither_model_nor_field():
    data = orjson.loads(frames.data(recorded(RegistryTagged(stream_id="registry")), None, None))
    assert (data["model"], data["field"]) == (None, None)


@pytest.mark.parametrize("position", [0, 12])
def test_frames_about_the_stream_carry_the_position_as_well(position):
    name, id_, data, *_ = lines(frames.control(frames.OPEN, position))
    assert (name, id_) == ("event: stream-open", f"id: {position}")
    assert orjson.loads(data.removeprefix("data: ")) == {"v": 1, "position": position}
