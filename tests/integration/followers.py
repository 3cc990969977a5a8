"""Servers of a project's stream, and subscribers that tell what came to them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

import dynamo
from dynamo.client import StreamEvent, Subscription
from tests.acceptance.site import Server
from tests.integration.processes import Project

STREAM = "/dynamo/events/"
# What is recorded last has this name.
END = "dynamic.End"
WITHIN = 100
QUICK = {
    "DYNAMO_STREAM_POLL_SECONDS": 0.05,
    "DYNAMO_STREAM_KEEPALIVE_SECONDS": 0.4,
    "DYNAMO_STREAM_RETRY_SECONDS": 0.2,
}

MAKE_TOKEN = """
    from django.contrib.auth.models import User
    user, _ = User.objects.get_or_create(username="service", is_active=True, is_superuser=True)
    print(dynamo.stream_token(user))
"""


def token(project: Project) -> str:
    return project.run(MAKE_TOKEN)


def serve(project: Project, **settings: Any) -> Server:
    """A server of the project with a quick stream, and with these settings."""
    environment = project.having(**QUICK | project.settings | settings).environment()
    return Server(environment, application="tests.acceptance.asgi:application")


class Subscriber(threading.Thread):
    """Takes positions from a server's stream until the end, or until something is wrong."""

    def __init__(self, url: str, token: str, **options: Any) -> None:
        super().__init__(daemon=True)
        self.subscription: Subscription = dynamo.subscribe(
            f"{url}{STREAM}", token=token, **{"after": 0, **options}
        )
        self.positions: list[int] = []
        self.error: Exception | None = None
        self.came = threading.Condition()
        self.start()

    def run(self) -> None:
        try:
            self.follow()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test tells it
            self.error = error
        with self.came:
            self.came.notify_all()

    def follow(self) -> None:
        for event in self.subscription:
            if self.take(event):
                return

    def take(self, event: StreamEvent) -> bool:
        with self.came:
            self.positions.append(event.position)
            self.came.notify_all()
        return event.model == END

    def upto(self, position: int) -> None:
        """Wait until it has come so far."""
        with self.came:
            there = self.came.wait_for(
                lambda: self.error or (self.positions and self.positions[-1] >= position), WITHIN
            )
        assert there, f"waited {WITHIN} s for {position}: {self.positions[-5:]}"
        assert self.error is None, self.error

    def whole(self) -> list[int]:
        """All that came, once the end has."""
        self.join(WITHIN)
        assert not self.is_alive(), f"waited {WITHIN} s for the end: {self.positions[-5:]}"
        assert self.error is None, self.error
        return self.positions


class AsyncSubscriber(Subscriber):
    def follow(self) -> None:
        async def work() -> None:
            async with aclosing(aiter(self.subscription)) as events:
                async for event in events:
                    if self.take(event):
                        return

        asyncio.run(work())


class KeepingSubscriber(Subscriber):
    """Begins anew after each tenth event, as a program that is started again, from what its file says."""

    def __init__(self, url: str, token: str, place: Path) -> None:
        self.again = lambda: dynamo.subscribe(f"{url}{STREAM}", token=token, after=0, place=place)
        super().__init__(url, token, place=place)

    def follow(self) -> None:
        while True:
            for count, event in enumerate(self.again()):
                if count == 10:
                    # It is not done with this one, and is given it again.
                    break
                if self.take(event):
                    return
