"""The ring: the newest frames, bounded, found by position."""

from __future__ import annotations

import pytest

from projections.stream.frames import Frame
from projections.stream.ring import Ring


def filled(count: int, *, start: int = 0, size: int = 10, **limits: int) -> Ring:
    ring = Ring(**limits)
    ring.start(start)
    for position in range(start + 1, start + count + 1):
        ring.add(
            Frame(
                position=position,
                stream_id="book",
                name="post_model_update",
                type="model.altered",
                encoded=b"x" * size,
            )
        )
    return ring


def positions(ring: Ring, after: int, limit: int = 100) -> list[int] | None:
    found = ring.after(after, limit)
    return None if found is None else [frame.position for frame in found]


def test_reader_gets_the_frames_after_its_position_in_order():
    assert positions(filled(5, start=10), 12) == [13, 14, 15]


def test_reader_at_the_head_gets_none():
    assert positions(filled(5), 5) == []


def test_reader_ahead_of_the_ring_gets_none_until_the_ring_has_passed_it():
    ring = filled(2, start=10)
    assert positions(ring, 13) == []
    for position in (13, 14):
        ring.add(
            Frame(
                position=position,
                stream_id="book",
                name="post_model_update",
                type="model.altered",
                encoded=b"",
            )
        )
    assert positions(ring, 13) == [14]


def test_reader_behind_the_ring_is_told_to_look_elsewhere():
    ring = filled(5, start=10, max_frames=3)
    assert positions(ring, 11) is None
    assert positions(ring, 12) == [13, 14, 15]


def test_limit_cuts_at_the_new_end():
    assert positions(filled(5), 1, limit=2) == [2, 3]


@pytest.mark.parametrize("limits", [{"max_frames": 3}, {"max_bytes": 35}])
def test_oldest_frames_go_when_there_are_too_many_or_too_large_ones(limits):
    ring = filled(50, **limits)
    assert (len(ring), ring.bytes, ring.head) == (3, 30, 50)


def test_frame_larger_than_the_ring_is_not_held_but_counts_as_read():
    ring = filled(1, size=100, max_bytes=35)
    assert (len(ring), ring.bytes, ring.head) == (0, 0, 1)
    assert positions(ring, 0) is None


def test_start_forgets_all_frames():
    ring = filled(5)
    ring.start(2)
    assert (len(ring), ring.bytes, positions(ring, 2), positions(ring, 1)) == (0, 0, [], None)
