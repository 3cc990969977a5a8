"""Database work of the stream. What a reader needs now and then runs on a few threads, which hold no
connection between two pieces of work; what all readers of a loop need again and again, on one that keeps its.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import Error, connections

THREADS: Final = 4

P = ParamSpec("P")
T = TypeVar("T")

# Threads are started when first needed.
_pool: Final = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="dynamo-stream")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database work on the stream's own threads, however many streams are open."""
    call = partial(work, *args, **kwargs)
    return await sync_to_async(_then_close, thread_sensitive=False, executor=_pool)(call)


class Worker:
    """One thread that keeps its database connection from one piece of work to the next."""

    def __init__(self) -> None:
        # Its thread is started when first needed.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dynamo-tailer")

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(work, *args, **kwargs)
        return await sync_to_async(_close_if_failed, thread_sensitive=False, executor=self._pool)(call)

    def close(self) -> None:
        """End the thread and its connection, after what it is at."""
        self._pool.submit(close_connections)
        self._pool.shutdown(wait=False)


async def leave_request_thread() -> None:
    """Give up the thread that asgiref keeps for a request's middleware, and what was opened on it.

    A stream would hold both for hours. asgiref makes another thread if the request needs one again. It has no
    public way to do this; a test with a real server fails when its insides change.
    """
    await sync_to_async(close_connections)()
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None or getattr(context, "_executor", None) is not None:
        # A thread that others use too, or that belongs to the caller.
        return
    executor = SyncToAsync.context_to_thread_executor.pop(context, None)
    if isinstance(executor, ThreadPoolExecutor):
        executor.shutdown(wait=False)


def close_connections() -> None:
    for connection in connections.all(initialized_only=True):
        # Inside a transaction the connection is somebody else's, such as a test case's.
        if not connection.in_atomic_block:
            connection.close()


def _then_close(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        close_connections()


def _close_if_failed(call: Callable[[], T]) -> T:
    try:
        return call()
    except Error:
        # The server may have gone away; the next piece of work connects anew.
        close_connections()
        raise
