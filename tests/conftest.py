"""Hooks that hold for every test: no skip passes unnoticed, and failures can be reproduced.

A test that makes no sense on every database says what it needs: `pytest.mark.needs("sqlite")` for what only
SQLite does (or "postgresql", "mysql", or "server" for both of them), `pytest.mark.needs("ddl in atomic")` for
changes inside a caller's transaction, which MariaDB cannot take back. On another database it is not selected,
which is no skip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Generator

# Reasons for which a test may be skipped, as substrings of the skip's message. Empty: none may.
ALLOWED_SKIPS: tuple[str, ...] = ()

# Two busy cores make a per-example deadline a coin toss; the blob repeats a failure elsewhere.
hypothesis.settings.register_profile("dynamo", deadline=None, print_blob=True)
hypothesis.settings.load_profile("dynamo")


def capabilities() -> set[str]:
    """What a test may need of the database that this run uses."""
    kind = set() if connection.vendor == "sqlite" else {"server"}
    return {connection.vendor} | kind | ({"ddl in atomic"} if connection.features.can_rollback_ddl else set())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    there = capabilities()
    missing = [item for item in items if not there.issuperset(needs_of(item))]
    if missing:
        config.hook.pytest_deselected(items=missing)
        items[:] = [item for item in items if item not in missing]


def needs_of(item: pytest.Item) -> set[str]:
    return {need for mark in item.iter_markers("needs") for need in mark.args}


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
