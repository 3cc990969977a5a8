"""Events as bytes: every type has a golden file, and what was written once is readable for ever."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import orjson
import pytest
from hypothesis import given

from events import codec
from events.exceptions import LogCorrupt, UnknownEvent
from events.schema import canonical
from events.types import BY_NAME, FieldAltered, FieldRenamed
from tests.unit.schemas import json_values

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "golden"
STREAM = "0198d1a0-0000-7000-8000-000000000002"
VERSIONS = [(name, version) for name, cls in sorted(BY_NAME.items()) for version in range(1, cls.version + 1)]


def golden(name: str, version: int) -> bytes:
    return (GOLDEN / f"{name}.v{version}.json").read_bytes()


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_every_type_and_version_has_a_golden_file(name, version):
    """Write a golden file with the bytes that the store holds, and never edit one."""
    assert (GOLDEN / f"{name}.v{version}.json").is_file()


def test_every_golden_file_is_of_a_known_type():
    assert {path.name for path in GOLDEN.iterdir()} == {
        f"{name}.v{version}.json" for name, version in VERSIONS
    }


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_golden_bytes_decode_and_encode_to_themselves(name, version):
    data = golden(name, version)
    event = codec.decode(name, version, data, STREAM)
    assert (event.type, event.stream_id) == (name, STREAM)
    if version == type(event).version:
        assert codec.encode(event) == (name, version, data)


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_golden_files_show_every_attribute_of_their_event_in_use(name, version):
    payload = json.loads(golden(name, version))
    event = codec.decode(name, version, golden(name, version), STREAM)
    if version == type(event).version:
        assert set(payload) == {f.name for f in fields(event)} - {"stream_id"}
    assert payload["before"] or payload["after"]


@pytest.mark.parametrize(
    ("name", "version"),
    [("field.vanished", 1), ("field.renamed", 2), ("field.renamed", 0), ("", 1), ("Event", 1)],
)
def test_an_unknown_type_or_version_is_refused(name, version):
    with pytest.raises(UnknownEvent) as caught:
        codec.decode(name, version, b"{}", STREAM)
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"nope":1}', b'{"before":1}', b"\xff"])
def test_bytes_that_are_no_such_event_are_corruption(data):
    with pytest.raises(LogCorrupt):
        codec.decode("field.renamed", 1, data, STREAM)


def test_an_older_version_is_brought_up_step_by_step(monkeypatch):
    monkeypatch.setattr(FieldRenamed, "version", 3)
    steps = {
        ("field.renamed", 1): lambda payload: {"field_id": payload["id"], "name": payload["name"]},
        ("field.renamed", 2): lambda payload: {
            "field_id": payload["field_id"],
            "before": {},
            "after": {"name": payload["name"]},
        },
    }
    monkeypatch.setattr(codec, "UPCASTERS", steps)
    event = codec.decode("field.renamed", 1, b'{"id":"f","name":"title"}', STREAM)
    assert event == FieldRenamed(stream_id=STREAM, field_id="f", after={"name": "title"})


def test_an_older_version_without_an_upcaster_is_refused(monkeypatch):
    monkeypatch.setattr(FieldRenamed, "version", 2)
    with pytest.raises(UnknownEvent, match="upcaster"):
        codec.decode("field.renamed", 1, golden("field.renamed", 1), STREAM)


@given(json_values)
def test_values_come_back_as_they_went_in(value):
    event = FieldAltered(stream_id=STREAM, field_id="f", after={"default": value}, error_value=value)
    _, _, data = codec.encode(event)
    again = codec.decode("field.altered", 1, data, STREAM)
    assert codec.encode(again)[2] == data
    assert canonical(again.after["default"]) == canonical(value)


@given(json_values)
def test_encoded_events_are_canonical_json(value):
    _, _, data = codec.encode(FieldAltered(stream_id=STREAM, field_id="f", error_value=value))
    assert orjson.dumps(orjson.loads(data), option=orjson.OPT_SORT_KEYS) == data
