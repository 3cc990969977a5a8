"""How many streams may be open: in this process, for one user, and from one address."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Final

from projections import conf

PROCESS: Final = "DYNAMO_STREAM_LIMIT"
USER: Final = "DYNAMO_STREAM_LIMIT_PER_USER"
ADDRESS: Final = "DYNAMO_STREAM_LIMIT_PER_ADDRESS"
WHOSE: Final = {PROCESS: "of this server process", USER: "of this user", ADDRESS: "from this address"}

_lock = threading.Lock()
_open: Counter[tuple[str, Hashable]] = Counter()


class Full(Exception):
    """As many streams are open as may be; the text says of what."""


class Slot:
    """One open stream, counted until it is released; releasing it again does nothing."""

    def __init__(self, user: str, address: str) -> None:
        """Raises Full."""
        self._keys = [(PROCESS, ""), (USER, user), (ADDRESS, address)]
        with _lock:
            for name in _full(self._keys):
                raise Full(f"There are as many streams {WHOSE[name]} as may be; close one, or come later.\n")
            _open.update(self._keys)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        with _lock:
            _open.subtract(self._keys)
            for key in self._keys:
                if not _open[key]:
                    del _open[key]
            self._keys = []


def _full(keys: list[tuple[str, str]]) -> Iterator[str]:
    for key in keys:
        limit = conf.get(key[0])
        if limit and _open[key] >= limit:
            yield key[0]
