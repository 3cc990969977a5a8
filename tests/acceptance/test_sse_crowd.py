"""Hundreds of subscribers, who come and go: what the server holds for them, and that it lets go of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.test_sse_server import field, model
from tests.benchmarks.audience import Audience
from tests.benchmarks.streams import memory

SUBSCRIBERS = 300
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
    # The first few load what all of them share.
    Audience(server.url, 5, headers).close()
    before, after = memory(server), []
    for wave in range(WAVES):
        audience = Audience(server.url, SUBSCRIBERS, headers)
        came = audience.expect()
        own_site.writer.change(field("Watched", f"f{wave}"))
        assert len(came.result(60)) == SUBSCRIBERS
        assert memory(server) - before < SUBSCRIBERS * EACH
        assert threads(server) < 12
        audience.close()
        after.append(memory(server))
    assert after[-1] - after[0] < SLACK, after
