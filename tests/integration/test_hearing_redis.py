"""DYNAMO_STALENESS_SECONDS where the database tells nothing: Redis does, or else every look asks."""

from __future__ import annotations

import pytest

from tests import redis
from tests.integration.test_hearing import UNTIL_HEARD, ended, started

pytestmark = pytest.mark.needs("mysql")


def test_nothing_is_asked_until_redis_tells_of_a_change(project, tmp_path):
    with redis.running(tmp_path) as server:
        project = project.having(DYNAMO_REDIS_URL=server.url)
        reader = started(project, UNTIL_HEARD)
        assert reader.stdout.readline().split() == ["0"] * 50
        project.run("add(MetaModel.objects.get(), 'pages', 'IntegerField')")
        assert ended(reader) == "0 0 0"


def test_redis_that_is_gone_has_every_look_ask(project, tmp_path):
    with redis.running(tmp_path) as server:
        reader = started(
            project.having(DYNAMO_REDIS_URL=server.url),
            """
    sys.stdin.readline()
    until(lambda: not listening())
    print(*(asked() for _ in range(3)))
""",
            pause="3600",
        )
        server.stop()
        assert ended(reader) == "1 1 1"
