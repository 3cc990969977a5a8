"""The ring: the newest frames, shared by all readers of an event loop, bounded by count and bytes."""

from __future__ import annotations

from collections import deque
from typing import Final

from projections.stream.frames import Frame

MAX_FRAMES: Final = 1_000
MAX_BYTES: Final = 8 * 1024 * 1024


class Ring:
    """Frames at consecutive positions; `head` is the last position read, whether its frame is held or not."""

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self.head = 0
        self.bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[Frame] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    def start(self, head: int) -> None:
        """Hold nothing, and go on from `head`."""
        self._frames.clear()
        self.bytes = 0
        self.head = head

    def add(self, frame: Frame) -> None:
        self._frames.append(frame)
        self.head = frame.position
        self.bytes += len(frame.encoded)
        while len(self._frames) > self._max_frames or self.bytes > self._max_bytes:
            self.bytes -= len(self._frames.popleft().encoded)

    def after(self, position: int, limit: int) -> list[Frame] | None:
        """The next frames after a position, none at the head; None if they are no longer held."""
        behind = self.head - position
        if behind > len(self._frames):
            return None
        # Counted from the new end, where a deque is quick and nearly all readers are.
        return [self._frames[-n] for n in range(behind, max(behind - limit, 0), -1)]
