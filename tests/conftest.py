"""Hooks that hold for every test: no skip passes unnoticed, and failures can be reproduced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

# Reasons for which a test may be skipped, as substrings of the skip's message. Empty: none may.
ALLOWED_SKIPS: tuple[str, ...] = ()

# Two busy cores make a per-example deadline a coin toss; the blob repeats a failure elsewhere.
hypothesis.settings.register_profile("dynamo", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dynamo")


def refuse_skip(report: Any) -> None:
    """Turn a skipped report into a failed one, unless its reason is on the list."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(allowed in reason for allowed in ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"A skip needs a reason listed in tests/conftest.py::ALLOWED_SKIPS. Got: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
