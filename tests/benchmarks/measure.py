"""Measuring: the thing and its floor in turns, so that noise hits both, and what is told of the times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Final

# What is timed, and what gets it ready for a round without being timed. A float that it returns is taken
# instead of the seconds that it took.
Timed = Callable[[], object]
Side = Callable[[int], Timed]

# First times fill caches, of statements, plans and classes.
WARM_UP: Final = 5
# A floor's median is well below this many times its minimum on a machine that does nothing else.
NOISE: Final = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The two sides of a case. Each is given the number of the round, warm-up included.

    `end` is called when all rounds are over: it stops what the sides started.
    """

    measured: Side
    floor: Side
    end: Callable[[], object] = tuple


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A figure: what is measured on which database, against what, and the ratio that is aimed at.

    `prepare` is given the number of rounds, warm-up included, and `size`, which is how many tables, models or
    events there are where the case is about many of them. `beyond` are the seconds that what is measured may
    take longer than the floor, where that is the target and not a ratio.
    """

    name: str
    database: str
    title: str
    floor: str
    target: float = 0
    beyond: float = 0
    prepare: Callable[[int, int], Pair]
    rounds: int = 200
    size: int = 0
    unit: str = "ms"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds that one side took, or what it measured itself."""

    median: float
    minimum: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came out of a case; pickled on its way from the process that measured."""

    name: str
    title: str
    against: str
    target: float
    rounds: int
    unit: str
    measured: Timing
    floor: Timing
    beyond: float = 0

    @property
    def ratio(self) -> float:
        return self.measured.median / self.floor.median

    @property
    def ratio_of_minima(self) -> float:
        return self.measured.minimum / self.floor.minimum

    @property
    def noisy(self) -> bool:
        """Whether something slowed most rounds, which hides the difference between the two sides."""
        return self.floor.median > NOISE * self.floor.minimum

    @property
    def met(self) -> bool:
        if self.beyond:
            return self.measured.median - self.floor.median <= self.beyond
        return self.ratio <= self.target


def measure(case: Case, *, rounds: int | None = None, size: int | None = None) -> Result:
    """Run a case; `rounds` and `size` are the case's own unless given."""
    rounds, size = rounds or case.rounds, size or case.size
    pair = case.prepare(WARM_UP + rounds, size)
    try:
        measured, floor = take_turns(pair, rounds)
    finally:
        pair.end()
    return Result(
        name=case.name,
        title=case.title.format(size=size),
        against=case.floor,
        target=case.target,
        beyond=case.beyond,
        rounds=rounds,
        unit=case.unit,
        measured=summary(measured),
        floor=summary(floor),
    )


def take_turns(pair: Pair, rounds: int) -> tuple[list[float], list[float]]:
    """Time both sides in every round, each going first in half of them."""
    measured: list[float] = []
    floor: list[float] = []
    for number in range(WARM_UP + rounds):
        turns = [(pair.measured, measured), (pair.floor, floor)]
        for side, times in turns if number % 2 else reversed(turns):
            times.append(seconds(side(number)))
    return measured[WARM_UP:], floor[WARM_UP:]


def seconds(timed: Timed) -> float:
    start = time.perf_counter()
    found = timed()
    return found if isinstance(found, float) else time.perf_counter() - start


def summary(times: list[float]) -> Timing:
    return Timing(median=median(times), minimum=min(times))
