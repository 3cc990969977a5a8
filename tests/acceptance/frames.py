"""Read server-sent frames with httpx, never waiting for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

WITHIN = 15.0
STREAM = ("stream-", "keep-alive")


class Ended(Exception):
    """The server ended the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    id: int
    event: str
    data: dict[str, Any]

    @property
    def about_schema(self) -> bool:
        return not self.event.startswith(STREAM)


class Frames:
    """The frames of an open response; the first is `opened`."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        # Milliseconds, as the first frame says.
        self.retry = 0
        self.opened = self.next()

    def next(self) -> Frame:
        given: dict[str, str] = {}
        for line in self._lines:
            if not line:
                return Frame(id=int(given["id"]), event=given["event"], data=json.loads(given["data"]))
            name, _, value = line.partition(": ")
            assert name not in given, f"{name} twice in a frame"
            given[name] = value
            if name == "retry":
                self.retry = int(value)
        raise Ended

    def every(self) -> Iterator[Frame]:
        """All frames to come; fails when the last one is not there in time."""
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline:
            try:
                yield self.next()
            except Ended:
                return
        raise AssertionError(f"waited {WITHIN} s for frames")

    def upto(self, position: int) -> list[Frame]:
        """The schema frames up to the one at a position."""
        found = []
        for frame in self.every():
            if frame.about_schema:
                found.append(frame)
            if frame.id >= position:
                return found
        raise AssertionError(f"the stream ended before position {position}")

    def named(self, event: str) -> Frame:
        """The next frame of that name."""
        return next(frame for frame in self.every() if frame.event == event)


@contextmanager
def following(
    client: httpx.Client, path: str = "/dynamo/events/", *, last: int | None = None, **query: object
) -> Iterator[Frames]:
    """Open a stream; `last` is the Last-Event-ID."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    with client.stream("GET", path, params=query, headers=headers) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"] == "text/event-stream"
        yield Frames(response)
