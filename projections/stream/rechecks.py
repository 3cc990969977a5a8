"""Whether readers may still read, asked again for all that are due at once, in one piece of work.

A thousand readers wake with one event. Those of one session, or token, are one question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from projections.stream.access import Grant

Answers: TypeAlias = dict[Grant, str | None]


class Rechecks:
    """`ask` looks several grants up, on a thread."""

    def __init__(self, ask: Callable[[Iterable[Grant]], Awaitable[Answers]]) -> None:
        self._ask = ask
        self._due: dict[Grant, asyncio.Future[str | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def revoked(self, grant: Grant) -> str | None:
        """Why a grant does not hold any more, looked up after this call; None while it does."""
        future = self._due.get(grant)
        if future is None:
            loop = asyncio.get_running_loop()
            future = self._due[grant] = loop.create_future()
            if self._task is None or self._task.done():
                self._task = loop.create_task(self._answer())
        # One reader that goes must not take the answer from the others.
        return await asyncio.shield(future)

    async def _answer(self) -> None:
        while self._due:
            # All readers that are awake now come first.
            await asyncio.sleep(0)
            due, self._due = self._due, {}
            try:
                answers = await self._ask(list(due))
            except Exception as error:  # noqa: BLE001  # whatever it is, those who ask are told
                for future in due.values():
                    future.set_exception(error)
                    # Nobody may be there any more to take it.
                    future.exception()
                continue
            for grant, future in due.items():
                future.set_result(answers[grant])
