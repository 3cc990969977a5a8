"""Many subscribers of one server process, beside as many of a bare broadcaster."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, Self

import httpx
from django.db import connection

import dynamo
from dynamo.models import MetaField, MetaModel
from tests.acceptance.site import Server
from tests.benchmarks.audience import Audience
from tests.benchmarks.measure import Case, Pair

WITHIN: Final = 60
# As long as a frame of ours.
FRAME: Final = b"event: post_field_update\nid: 1\ndata: " + b"x" * 900 + b"\n\n"

Figure = Callable[["Crowd"], float]


class Crowd:
    """A server with readers; `send` has an event go to all of them."""

    def __init__(self, application: str, count: int, headers: dict[str, str]) -> None:
        with ExitStack() as stack:
            self.server = Server(environment(), application=application)
            stack.callback(self.server.close)
            self.client = stack.enter_context(httpx.Client(base_url=self.server.url, timeout=WITHIN))
            self.send()
            self.before = memory(self.server)
            self.audience = Audience(self.server.url, count, headers)
            stack.callback(self.audience.close)
            self.close = stack.pop_all().close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def send(self) -> float:
        """When it was committed, or sent where there is nothing to commit."""
        return float(self.client.post("/change/", content=FRAME).raise_for_status().text)

    def delay(self) -> float:
        """Seconds from the commit until half of the readers had it."""
        expected = self.audience.expect()
        sent = self.send()
        # A reader may have it before the server that committed goes on.
        return max(0.0, median(expected.result(WITHIN)) - sent)

    def processor(self) -> float:
        """Seconds of the server's processor for each reader that got the event."""
        before, expected = used(self.server), self.audience.expect()
        self.send()
        expected.result(WITHIN)
        return (used(self.server) - before) / self.audience.count

    def memory(self) -> float:
        """KiB of the server for each reader."""
        return (memory(self.server) - self.before) / 1024 / self.audience.count


def side_by_side(figure: Figure, rounds: int, size: int) -> Pair:
    with ExitStack() as stack:
        ours = stack.enter_context(crowd(size))
        bare = stack.enter_context(Crowd("tests.benchmarks.bare:application", size, {}))
        return Pair(
            measured=lambda _: partial(figure, ours),
            floor=lambda _: partial(figure, bare),
            end=stack.pop_all().close,
        )


def within(limit: float, figure: Figure, rounds: int, size: int) -> Pair:
    """A figure against what it may be at most."""
    ours = crowd(size)
    return Pair(measured=lambda _: partial(figure, ours), floor=lambda _: lambda: limit, end=ours.close)


def crowd(count: int) -> Crowd:
    from django.contrib.auth.models import User

    # Both servers' files, and those of this process.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    user, _ = User.objects.get_or_create(username="reader", is_superuser=True)
    if not MetaField.objects.filter(name="told").exists():
        model = MetaModel.objects.create(name="Told")
        MetaField.objects.create(meta_model=model, name="told", type="TextField")
    headers = {"Authorization": f"Bearer {dynamo.stream_token(user)}"}
    return Crowd("tests.benchmarks.served:application", count, headers)


def environment() -> dict[str, str]:
    return os.environ | {"DYNAMO_BENCH_NAME": str(connection.settings_dict["NAME"])}


def used(server: Server) -> float:
    """Seconds that all threads of a server were on a processor."""
    total = 0
    for thread in Path(f"/proc/{server.process.pid}/task").iterdir():
        with suppress(OSError):  # It ended while it was looked at.
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(server: Server) -> int:
    """Resident bytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmRSS")


CASES: Final = (
    *(
        Case(
            name="stream",
            database="postgres",
            title="an event from its commit to half of {size:,} subscribers",
            floor="the same frame from a bare Starlette broadcaster",
            target=1.5,
            rounds=30,
            size=size,
            prepare=partial(side_by_side, Crowd.delay),
        )
        for size in (1_000, 3_000)
    ),
    *(
        Case(
            name="stream-processor",
            database="postgres",
            title="processor time of the server for one of {size:,} subscribers that gets an event",
            floor="of a bare Starlette broadcaster",
            target=2.5,
            rounds=30,
            size=size,
            unit="us",
            prepare=partial(side_by_side, Crowd.processor),
        )
        for size in (1_000, 3_000)
    ),
    Case(
        name="stream-few",
        database="postgres",
        title="an event from its commit to half of {size:,} subscribers",
        floor="20 ms",
        target=1.0,
        rounds=50,
        size=100,
        prepare=partial(within, 0.020, Crowd.delay),
    ),
    Case(
        name="stream-memory",
        database="postgres",
        title="memory of the server for one of {size:,} subscribers",
        floor="40 KiB",
        target=1.0,
        rounds=5,
        size=1_000,
        unit="KiB",
        prepare=partial(within, 40.0, Crowd.memory),
    ),
)
