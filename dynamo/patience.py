"""Trying again: a lock that another writer holds is worth waiting for, but not for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.db import connections

from events.exceptions import SchemaBusy
from projections import conf

ATTEMPTS: Final = 3
LONGEST_PAUSE: Final = 0.5

Change = TypeVar("Change", bound=Callable[..., Any])


def patient(change: Change) -> Change:
    """Make a whole change again when a lock was not free in time.

    Only where it is a transaction of its own: inside a caller's, or in a batch, there is more than this
    change to do again, and only the caller knows what.
    """

    @wraps(change)
    def tried(*args: Any, **kwargs: Any) -> Any:
        for attempt in range(1, ATTEMPTS):
            alone = not connections[conf.database()].in_atomic_block
            try:
                return change(*args, **kwargs)
            except SchemaBusy as busy:
                if not alone or busy.data.get("tried"):
                    raise
                # Writers that waited for one another must not meet again at once.
                time.sleep(random.uniform(0, LONGEST_PAUSE * attempt))  # noqa: S311  # no secret
        return change(*args, **kwargs)

    return tried  # type: ignore[return-value]  # the same signature
