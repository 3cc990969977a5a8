"""Hundreds of subscribers, who come and go: the server lets go of what it held for them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.streams import field, model
from tests.benchmarks.audience import Audience
from tests.benchmarks.streams import memory

SUBSCRIBERS = 300
WAVES = 5
# What the allocator may be off by: less than 4 KiB for each of those that came after the second wave.
SLACK = 3 * 1024 * 1024


def threads(server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def test_subscribers_hold_no_threads_and_leave_nothing_behind(own_site):
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps({"DYNAMO_STREAM_LIMIT_PER_USER": 0})
    server = own_site.serve()
    code = "answer = dynamo.stream_token(User.objects.get(username='admin'))"
    headers = {"Authorization": f"Bearer {own_site.writer.run(code)}"}
    own_site.writer.change(model("Watched"))
    after = []
    for number in range(WAVES):
        wave(own_site, headers, f"f{number}")
        after.append(memory(server))
    # The first wave brought what all later ones share.
    assert after[-1] - after[1] < SLACK, after


def wave(site, headers: dict[str, str], name: str) -> None:
    """Have them come, get an event, and go."""
    audience = Audience(site.server.url, SUBSCRIBERS, headers)
    came = audience.expect()
    site.writer.change(field("Watched", name))
    assert len(came.result(60)) == SUBSCRIBERS
    assert threads(site.server) < 12
    audience.close()
