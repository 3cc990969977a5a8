"""The command line: `python -m tests.benchmarks [--db NAME]... [--only CASE]... [--write] [--check]`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tests.benchmarks import report, running
from tests.benchmarks.database import NAMES
from tests.benchmarks.running import Chosen, Outcome


def main() -> int:
    arguments = parse()
    only = (arguments.profile,) if arguments.profile else tuple(arguments.only)
    chosen = Chosen(only=only, rounds=arguments.rounds, size=arguments.size)
    names = arguments.db or NAMES
    if arguments.profile:
        for name in names:
            apart(running.profile, name, chosen)
        return 0
    outcomes = [
        running.joined([apart(running.run, name, chosen, group) for group in running.GROUPS])
        for name in names
    ]
    print(report.lines(outcomes))
    if arguments.write and not verdict(outcomes, check=False):
        report.PAGE.write_text(report.page(outcomes))
    return verdict(outcomes, check=arguments.check)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Ratios to floors.")
    add = parser.add_argument
    add("--db", action="append", choices=NAMES, help="a database; all three unless given")
    add("--only", action="append", default=[], metavar="CASE", help="a case by its name, such as field-save")
    add("--rounds", type=int, metavar="N", help="as many rounds, instead of each case's own number")
    add("--size", type=int, metavar="N", help="as many tables, models or events, instead of each case's own")
    add("--write", action="store_true", help="write docs/benchmarks.md; needs all databases and cases")
    add("--check", action="store_true", help="exit 1 when a target is missed")
    add("--profile", metavar="CASE", help="print statements and functions of a case instead of figures")
    arguments = parser.parse_args()
    if arguments.write and (arguments.db or arguments.only or arguments.rounds or arguments.size):
        parser.error("--write is for a whole run: without --db, --only, --rounds and --size")
    return arguments


def apart(function: Any, *arguments: Any) -> Any:
    """Call a function in a process of its own: Django is set up once, for one database."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def verdict(outcomes: list[Outcome], *, check: bool) -> int:
    """The exit code: 1 when something failed, or nothing ran; with `check` also when a target was missed."""
    results = [result for outcome in outcomes for result in outcome.results]
    if not results or any(outcome.failed for outcome in outcomes):
        return 1
    return int(check and not all(result.met for result in results))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except running.UnknownCase as error:
        sys.exit(str(error))
