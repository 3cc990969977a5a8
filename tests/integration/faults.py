"""Statements that fail on purpose, counted as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Countdown:
    """An execute wrapper that acts when the n-th statement comes; 0 never does, and counts."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.at = at
        self.act = act
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self.seen.append(str(sql))
        if len(self.seen) == self.at:
            self.act()
        return execute(sql, params, many, context)


@contextmanager
def failing(at: int, error: BaseException | None = None) -> Iterator[Countdown]:
    """Let the n-th statement of the block raise."""

    def fail() -> None:
        if error is not None:
            raise error

    counted = Countdown(at, fail)
    with connection.execute_wrapper(counted):
        yield counted
