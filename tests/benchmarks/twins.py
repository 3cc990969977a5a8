"""Processes that do the same on databases of their own, so that few and many models can be measured in turns.

Started as `python -m tests.benchmarks.twins DATABASE ACTION SIZE`. Such a process says that it is ready, does
its action once for each line that it reads, answers each with a line, and drops its database at the end.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Final

from tests.benchmarks import database
from tests.benchmarks.measure import Pair

DONE: Final = "done\n"


class Twin:
    """The near end of such a process."""

    def __init__(self, command: Iterable[str]) -> None:
        self.process = subprocess.Popen(
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def wait(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != DONE:
            raise RuntimeError(f"{self.process.args!r} ended; what it wrote says why")

    def act(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.wait()

    def end(self) -> None:
        self.process.communicate()


def pair(measured: Iterable[str], floor: Iterable[str]) -> Pair:
    """Two such processes, which get ready side by side."""
    twins = (Twin(measured), Twin(floor))
    for twin in twins:
        twin.wait()
    return Pair(
        measured=lambda _: twins[0].act,
        floor=lambda _: twins[1].act,
        end=lambda: end(twins),
    )


def end(twins: Iterable[Twin]) -> None:
    for twin in twins:
        twin.end()


def command(name: str, action: str, size: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.twins", name, action, str(size)]


def serve(act: Callable[[], object]) -> None:
    print(DONE, end="", flush=True)
    for _ in sys.stdin:
        act()
        print(DONE, end="", flush=True)


def main(name: str, action: str, size: str) -> None:
    with database.prepared(name):
        from tests.benchmarks import actions, logs

        logs.fill(int(size))
        prepare: Callable[[], Callable[[], object]] = getattr(actions, action)
        serve(prepare())


if __name__ == "__main__":
    main(*sys.argv[1:])
