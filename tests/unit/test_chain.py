"""The hash chain: whatever changes, the hash does; the format never does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.chain import GENESIS, link
from events.types import Context

CONTEXT = Context(
    batch_id="0198d1a0-0000-7000-8000-000000000003",
    actor="1",
    source="admin",
    reason="because",
    correlation_id="c",
    causation_id="d",
)
ENVELOPE = {
    "position": 1,
    "event_id": "0198d1a0-0000-7000-8000-000000000001",
    "stream_id": "0198d1a0-0000-7000-8000-000000000002",
    "stream_version": 1,
    "type": "model.created",
    "type_version": 1,
    "context": CONTEXT,
    "recorded_at": "2026-01-02T03:04:05.000006+00:00",
    "data": b'{"after":{"name":"Book"},"before":{}}',
}
REGISTRY = "0198d1a0-0000-7000-8000-00000000000f"
# Never edit this: logs in the field hold hashes of this format.
KNOWN = "a922bb562be33c38db138dd2d0906d138ca0f0e5634810d45ebb8a7e12f496b8"

CHANGES = {
    "position": 2,
    "event_id": "0198d1a0-0000-7000-8000-000000000009",
    "stream_id": "0198d1a0-0000-7000-8000-000000000009",
    "stream_version": 2,
    "type": "model.renamed",
    "type_version": 2,
    "recorded_at": "2026-01-02T03:04:05.000007+00:00",
    "data": b'{"after":{"name":"Boot"},"before":{}}',
}


def hash_of(registry: str = REGISTRY, prev: str = GENESIS, **changes) -> str:
    return link(registry, prev, **{**ENVELOPE, **changes})


def test_the_hash_of_a_known_event_never_changes():
    assert hash_of() == KNOWN


@pytest.mark.parametrize("name", CHANGES)
def test_every_attribute_of_the_envelope_is_covered(name):
    assert hash_of(**{name: CHANGES[name]}) != KNOWN


@pytest.mark.parametrize("name", ["batch_id", "actor", "source", "reason", "correlation_id", "causation_id"])
def test_every_attribute_of_the_context_is_covered(name):
    assert hash_of(context=replace(CONTEXT, **{name: "other"})) != KNOWN


def test_the_registry_and_the_event_before_are_covered():
    assert len({hash_of(), hash_of(registry="other"), hash_of(prev="f" * 64)}) == 3


@given(st.integers(0, len(ENVELOPE["data"]) - 1), st.integers(1, 255))
def test_any_changed_byte_of_the_data_changes_the_hash(index, flip):
    data = bytearray(ENVELOPE["data"])
    data[index] ^= flip
    assert hash_of(data=bytes(data)) != KNOWN


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4), min_size=2, max_size=2, unique=True))
def test_text_cannot_move_between_neighbouring_attributes(texts):
    one, other = texts
    here = replace(CONTEXT, actor=one, source=other)
    there = replace(CONTEXT, actor=other, source=one)
    assert hash_of(context=here) != hash_of(context=there)


def test_bytes_cannot_move_between_the_envelope_and_the_data():
    assert hash_of(recorded_at="x", data=b"yz") != hash_of(recorded_at="xy", data=b"z")
