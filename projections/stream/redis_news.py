"""Wake-ups through Redis, where DYNAMO_REDIS_URL names one: told after the commit, and empty.

A process that cannot reach it goes on: what is not told is found by looking.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from events.store import NEWS
from projections import conf
from projections.stream.news import TURN, Listener

logger = logging.getLogger(__name__)

# A save waits no longer than this for Redis, and then not again until the pause is over.
PATIENCE: Final = 0.5
PAUSE: Final = 5.0


class RedisListener(Listener):
    def __init__(self, url: str, wake: Callable[[], object]) -> None:
        self.url = url
        self.errors = (_package().RedisError, OSError)
        super().__init__(wake)

    @contextmanager
    def connection(self) -> Iterator[Callable[[], bool]]:
        with client(self.url) as connected, connected.pubsub(ignore_subscribe_messages=True) as heard:
            heard.subscribe(NEWS)
            yield lambda: heard.get_message(timeout=TURN) is not None


class Teller:
    """Tells Redis, and leaves it alone for a while after that failed."""

    def __init__(self, url: str) -> None:
        self._client = client(url)
        self._errors = (_package().RedisError, OSError)
        self._not_before = 0.0

    def tell(self) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            self._client.publish(NEWS, b"")
        except self._errors as error:
            self._not_before = time.monotonic() + PAUSE
            logger.warning(
                "Redis cannot be told that the log grew; leaving it alone for %s s: %s", PAUSE, error
            )


def tell() -> None:
    """Wake the streams of other processes, if the project has a Redis; never raises."""
    url = conf.get("DYNAMO_REDIS_URL")
    if not url:
        return
    try:
        _teller(url, os.getpid()).tell()
    except (ImproperlyConfigured, ValueError):
        # The change is committed. A system check says what is wrong with the setting.
        logger.exception("DYNAMO_REDIS_URL cannot be used")


@lru_cache(maxsize=4)
def _teller(url: str, process: int) -> Teller:
    """One for each process: a child that was forked must not share its parent's connections."""
    return Teller(url)


def client(url: str) -> Any:
    """Not connected yet. Raises ImproperlyConfigured without the package, ValueError for no address."""
    package = _package()
    once = package.retry.Retry(package.backoff.NoBackoff(), 1)
    return package.Redis.from_url(
        url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=once, health_check_interval=0
    )


def _package() -> Any:
    try:
        import redis
        import redis.backoff
        import redis.retry
    except ImportError:
        raise ImproperlyConfigured(
            "DYNAMO_REDIS_URL needs the package redis: pip install 'django-dynamo-registry[redis]'"
        ) from None
    return redis
