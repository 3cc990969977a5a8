"""What the benchmarks make of times."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from tests.benchmarks import report
from tests.benchmarks.__main__ import verdict
from tests.benchmarks.measure import WARM_UP, Case, Pair, Result, Timing, measure, summary, take_turns
from tests.benchmarks.running import Outcome


def result(*, measured=3.0, floor=2.0, target=1.5, best=2.0, beyond=0.0):
    return Result(
        name="save",
        title="a save",
        against="a statement",
        target=target,
        rounds=7,
        unit="ms",
        measured=Timing(median=measured / 1000, minimum=0.002),
        floor=Timing(median=floor / 1000, minimum=best / 1000),
        beyond=beyond / 1000,
    )


def outcome(*results, failed=()):
    return Outcome(database="sqlite", described="SQLite 3, a driver", results=results, failed=failed)


def test_both_sides_are_timed_in_turns_and_each_goes_first_half_of_the_time():
    calls: list[tuple[str, int]] = []
    pair = Pair(
        measured=lambda number: partial(calls.append, ("measured", number)),
        floor=lambda number: partial(calls.append, ("floor", number)),
    )
    measured, floor = take_turns(pair, rounds=3)
    assert len(measured) == len(floor) == 3
    assert [number for _, number in calls] == sorted([*range(WARM_UP + 3)] * 2)
    assert {calls[0][0], calls[2][0]} == {"measured", "floor"}


def test_a_ratio_is_that_of_the_medians():
    assert summary([5.0, 1.0, 2.0]) == Timing(median=2.0, minimum=1.0)
    assert result(measured=3.0, floor=2.0).ratio == pytest.approx(1.5)


def test_the_page_says_in_words_whether_a_target_is_met():
    page = report.page([outcome(result(), result(measured=3.1))])
    row = "| a save | a statement | 3.00 ms | 2.00 ms | 1.50 | 1.00 | 1.5 | 7 | met |"
    assert row in page
    assert page.count("missed") == 1
    assert "## SQLite 3\n" in page


def test_a_target_may_be_a_time_beyond_the_floor():
    page = report.page([outcome(result(measured=9.0, beyond=7.5), result(measured=9.0, beyond=6.5))])
    assert "| floor + 7.50 ms | 7 | met |" in page
    assert "| floor + 6.50 ms | 7 | missed |" in page


def refuse() -> None:
    raise RuntimeError


@pytest.mark.parametrize("timed", [list, refuse])
def test_what_the_sides_started_is_stopped_at_the_end(timed):
    ended: list[bool] = []
    pair = Pair(measured=lambda _: timed, floor=lambda _: timed, end=lambda: ended.append(True))
    case = Case(name="x", database="sqlite", title="x", floor="y", prepare=lambda *_: pair, rounds=1)
    with suppress(RuntimeError):
        measure(case)
    assert ended == [True]


def test_a_floor_that_could_be_much_faster_is_called_noisy():
    assert report.verdict(result(floor=2.0, best=1.9)) == "met"
    assert report.verdict(result(floor=2.0, best=0.5)) == "met, noisy"


def test_a_missed_target_fails_only_a_check():
    missed = [outcome(result(measured=9.0))]
    assert verdict(missed, check=False) == 0
    assert verdict(missed, check=True) == 1


@pytest.mark.parametrize("outcomes", [[outcome(result(), failed=("a save",))], [outcome()]])
def test_a_run_that_failed_or_measured_nothing_says_so(outcomes):
    assert verdict(outcomes, check=False) == 1


def test_a_failed_case_is_named():
    assert "a save: FAILED" in report.lines([outcome(failed=("a save",))])
