"""Settings of the project that tests serve: the test project, with a stream that is quick to re-check."""

from __future__ import annotations

from tests.settings import *  # noqa: F403

DYNAMO_STREAM_POLL_SECONDS = 0.05
DYNAMO_STREAM_KEEPALIVE_SECONDS = 0.4
