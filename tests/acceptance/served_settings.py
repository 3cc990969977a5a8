"""Settings of the project that tests serve: the test project, with a stream that is quick to re-check."""

from __future__ import annotations

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE as PLAIN

MIDDLEWARE = [*PLAIN, "tests.acceptance.policy.StrictPolicy"]

DYNAMO_STREAM_POLL_SECONDS = 0.05
DYNAMO_STREAM_KEEPALIVE_SECONDS = 0.4
DYNAMO_STREAM_RETRY_SECONDS = 0.2

# What a test sets for the server that it starts.
globals().update(json.loads(os.environ.get("DYNAMO_TEST_SETTINGS", "{}")))
