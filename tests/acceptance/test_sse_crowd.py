"""Hundreds of subscribers, who come and go: what the server holds for them, and that it lets go of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.test_sse_server import field, model
from tests.benchmarks.audience import Audience
from tests.benchmarks.streams import memory

FEW = 100
SUBSCRIBERS = 400
WAVES = 5
# The most that one may cost, and what the allocator may be off by over all waves.
EACH = 40 * 1024
SLACK = 3 * 1024 * 1024


def threads(server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def test_subscribers_cost_little_and_leave_nothing_behind(own_site):
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps({"DYNAMO_STREAM_LIMIT_PER_USER": 0})
    server = own_site.serve()
    code = "answer = dynamo.stream_token(User.objects.get(username='admin'))"
    headers = {"Authorization": f"Bearer {own_site.writer.run(code)}"}
    own_site.writer.change(model("Watched"))
    few = wave(own_site, headers, FEW, "few")
    after = []
    for number in range(WAVES):
        many = wave(own_site, headers, SUBSCRIBERS, f"f{number}")
        after.append(memory(server))
        # What all of them share is there with a few already.
        assert many - few < (SUBSCRIBERS - FEW) * EACH
    assert after[-1] - after[0] < SLACK, after


def wave(site, headers: dict[str, str], count: int, name: str) -> int:
    """Have so many come, get an event, and go; gives the server's memory with all of them."""
    audience = Audience(site.server.url, count, headers)
    came = audience.expect()
    site.writer.change(field("Watched", name))
    assert len(came.result(60)) == count
    held = memory(site.server)
    assert threads(site.server) < 12
    audience.close()
    return held
