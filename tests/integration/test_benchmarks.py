"""The benchmarks run: a few rounds on small databases, with nothing said about times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def bench(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--db", "sqlite", "--rounds", "2", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.needs("sqlite")
def test_a_run_prints_each_ratio_with_its_target():
    printed = bench("--size", "50")
    assert "save of a nullable field, 50 tables in the file: " in printed
    assert "(target 1.3x, " in printed


@pytest.mark.needs("sqlite")
def test_a_profile_prints_the_statements_and_functions_of_a_save():
    printed = bench("--size", "50", "--profile", "field-save")
    assert "ADD COLUMN" in printed
    assert "(save_field)" in printed


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_measured_against_single_saves():
    from tests.benchmarks import field_saves, measure

    (case,) = [case for case in field_saves.CASES if case.name == "batch"]
    assert measure.measure(case, rounds=1).ratio > 0
