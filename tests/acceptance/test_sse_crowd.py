"""Hundreds of subscribers, who come and go: the server lets go of what it held for them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx

from tests.acceptance.site import Server
from tests.acceptance.streams import field, model
from tests.benchmarks.audience import Audience

SUBSCRIBERS = 300
WAVES = 5
# The server's own tasks; each request has one more.
TASKS = 20
# What changes of the schema add: each subscriber that left one object behind would add three.
SLACK = SUBSCRIBERS
WITHIN = 60


def threads(server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def objects(server) -> dict[str, int]:
    """How many of each type are left when all requests have ended."""
    by = time.monotonic() + WITHIN
    while True:
        found = httpx.get(f"{server.url}/objects/", timeout=WITHIN).json()
        if found["_asyncio.Task"] < TASKS:
            return found
        assert time.monotonic() < by, f"{found['_asyncio.Task']} requests are still there"


def test_subscribers_hold_no_threads_and_leave_nothing_behind(own_site):
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps({"DYNAMO_STREAM_LIMIT_PER_USER": 0})
    own_site.servers.append(Server(own_site.environment, application="tests.acceptance.counted:application"))
    code = "answer = dynamo.stream_token(User.objects.get(username='admin'))"
    headers = {"Authorization": f"Bearer {own_site.writer.run(code)}"}
    own_site.writer.change(model("Watched"))
    after = []
    for number in range(WAVES):
        wave(own_site, headers, f"f{number}")
        after.append(objects(own_site.server))
    # The first wave brought what all later ones share.
    more = {name: count - after[1].get(name, 0) for name, count in after[-1].items()}
    assert {name: count for name, count in more.items() if count >= SLACK} == {}


def wave(site, headers: dict[str, str], name: str) -> None:
    """Have them come, get an event, and go."""
    audience = Audience(site.server.url, SUBSCRIBERS, headers)
    came = audience.expect()
    site.writer.change(field("Watched", name))
    assert len(came.result(WITHIN)) == SUBSCRIBERS
    assert threads(site.server) < 12
    audience.close()
