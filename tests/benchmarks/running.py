"""Running the cases of one database, in a process of its own, and looking into one of them."""

from __future__ import annotations

import cProfile
import pstats
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any, Final

from tests.benchmarks import database
from tests.benchmarks.measure import WARM_UP, Case, Result, measure

FUNCTIONS: Final = 45
# The modules with cases. Each has a database to itself, as some leave many models in it.
GROUPS: Final = ("field_saves", "sizes", "scale", "streams", "logs")


class UnknownCase(LookupError):
    """A name that no case has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What the command line asks for: all cases, with their own numbers, unless it says otherwise."""

    only: tuple[str, ...] = ()
    rounds: int | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All that a process found out about its database."""

    database: str
    described: str
    results: tuple[Result, ...]
    failed: tuple[str, ...]


def run(name: str, chosen: Chosen, group: str) -> Outcome:
    """Measure cases on a new database; what fails is told on standard error, and the next case runs."""
    results: list[Result] = []
    failed: list[str] = []
    database.set_up(name)
    wanted = cases(name, chosen, group)
    if not wanted:
        return Outcome(database=name, described="", results=(), failed=())
    with database.prepared(name) as connection:
        for case in wanted:
            try:
                results.append(measure(case, rounds=chosen.rounds, size=chosen.size))
            except Exception:  # noqa: BLE001  # whatever it is, the other figures are still wanted
                traceback.print_exc()
                failed.append(case.title.format(size=chosen.size or case.size))
                # It may have been in the middle of something.
                connection.close()
        described = database.described(connection)
    return Outcome(database=name, described=described, results=tuple(results), failed=tuple(failed))


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of all groups on one database."""
    return Outcome(
        database=outcomes[0].database,
        described=next((one.described for one in outcomes if one.described), ""),
        results=tuple(chain.from_iterable(one.results for one in outcomes)),
        failed=tuple(chain.from_iterable(one.failed for one in outcomes)),
    )


def cases(name: str, chosen: Chosen, *groups: str) -> list[Case]:
    """The chosen cases of a database. Their modules need Django to be set up."""
    known = {group: import_module(f"tests.benchmarks.{group}").CASES for group in GROUPS}
    names = {case.name for case in chain.from_iterable(known.values())}
    if not names.issuperset(chosen.only):
        raise UnknownCase(f"no case is called that; there are {', '.join(sorted(names))}")
    wanted = names.intersection(chosen.only) or names
    found = chain.from_iterable(known[group] for group in groups)
    return [case for case in found if case.database == name and case.name in wanted]


def profile(name: str, chosen: Chosen) -> None:
    """Print where the time of what is measured goes, and the statements of one time."""
    with database.prepared(name) as connection:
        for case in cases(name, chosen, *GROUPS):
            _profile(case, connection, chosen)


def _profile(case: Case, connection: Any, chosen: Chosen) -> None:
    from django.test.utils import CaptureQueriesContext

    rounds = chosen.rounds or case.rounds
    pair = case.prepare(WARM_UP + rounds, chosen.size or case.size)
    side = pair.measured
    with CaptureQueriesContext(connection) as captured:
        for number in range(WARM_UP):
            before = len(captured)
            side(number)()
    profiler = cProfile.Profile()
    for number in range(WARM_UP, WARM_UP + rounds):
        timed = side(number)
        profiler.enable()
        timed()
        profiler.disable()
    pair.end()
    print(f"{case.name} on {case.database}: {len(captured) - before} statements")
    for query in captured.captured_queries[before:]:
        print(f"    {query['time']} {query['sql'][:200]}")
    pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("cumulative").print_stats(FUNCTIONS)
