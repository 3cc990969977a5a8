"""The figures as lines for a terminal, and as docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.benchmarks import database
from tests.benchmarks.measure import Result
from tests.benchmarks.running import Outcome

PAGE: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"
NOTICE: Final = "<!-- Written by `make bench`. Run it instead of editing this page. -->"
READING: Final = """\
Read the ratios. The times are those of one machine on one day; each ratio compares two things that were done
in turns, so that a busy disk or processor slows both: in one process and on one database, or, where few and
many models are compared, in a process and on a database for each. *Measured* is what Dynamo did, *floor* what
it is held against: the least that any program must do for the same effect, written with Django's schema
editor and a cursor; for a batch, its saves one by one; for many models, the same with few. Both are medians
over all rounds, and the ratio is theirs. *Best* is the ratio of the shortest times, which noise reaches
least. A ratio that is not above its target meets it; where the target is a time beyond the floor, the
difference counts. It is called noisy where the floor took longer in most rounds than it can: waiting for a
busy disk is the same on both sides and makes the ratio look better than it is, so such a figure should be
taken again."""
# From what is measured, which is seconds, or what the unit says.
SCALES: Final = {"ms": 1e3, "us": 1e6, "KiB": 1.0}
HEAD: Final = ("What", "Against", "Measured", "Floor", "Ratio", "Best", "Target", "Rounds", "")


def lines(outcomes: Iterable[Outcome]) -> str:
    """The figures for a terminal."""
    out: list[str] = []
    for outcome in outcomes:
        out += ["", outcome.described]
        out += [_line(result) for result in outcome.results]
        out += [f"    {title}: FAILED" for title in outcome.failed]
    return "\n".join([*out, ""])


def page(outcomes: Iterable[Outcome]) -> str:
    """docs/benchmarks.md."""
    today = datetime.now(UTC).date().isoformat()
    taken = f"Taken on {today}: {database.machine()}."
    return "\n\n".join(["# Benchmarks", NOTICE, READING, taken, *map(_section, outcomes)]) + "\n"


def _line(result: Result) -> str:
    measured, floor = result.measured, result.floor
    return (
        f"    {result.title}: {result.ratio:.2f}x (target {_aim(result)}, {verdict(result)}), "
        f"best {result.ratio_of_minima:.2f}x\n"
        f"        median {shown(measured.median, result.unit)} against {shown(floor.median, result.unit)}, "
        f"min {shown(measured.minimum, result.unit)} against {shown(floor.minimum, result.unit)}, "
        f"{result.rounds} rounds"
    )


def _section(outcome: Outcome) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, outcome.results)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {outcome.described.partition(',')[0]}\n\n{outcome.described}.\n\n{table}"


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.title,
        result.against,
        shown(result.measured.median, result.unit),
        shown(result.floor.median, result.unit),
        f"{result.ratio:.2f}",
        f"{result.ratio_of_minima:.2f}",
        _aim(result).removesuffix("x"),
        str(result.rounds),
        verdict(result),
    )


def _aim(result: Result) -> str:
    return f"floor + {shown(result.beyond, result.unit)}" if result.beyond else f"{result.target:g}x"


def verdict(result: Result) -> str:
    return ("met" if result.met else "missed") + (", noisy" if result.noisy else "")


def shown(value: float, unit: str) -> str:
    return f"{value * SCALES[unit]:.2f} {unit}"
