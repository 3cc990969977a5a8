"""What holds after every change: all agrees, a refusal left no trace, a plan had said what would happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

import dynamo
from dynamo.exceptions import DataRefused
from projections.registry import registry
from tests.integration.making import everything, foreign_keys_enforced, table_names


def settled() -> None:
    """The log, the rows, the tables and the classes agree, and the connection is as it was."""
    assert dynamo.verify().problems == []
    # The project's own tables are not asked: MariaDB takes 10 ms for each.
    connection.check_constraints([name for name in table_names() if name.startswith(("dynamic_", "zz_"))])
    assert (connection.in_atomic_block, foreign_keys_enforced()) == (False, True)
    for schema in registry.live():
        for row in registry.model_class(schema.id).objects.all():
            assert isinstance(str(row), str)


@contextmanager
def refused(kind: type[Exception] | tuple[type[Exception], ...], match: str | None = None) -> Iterator[Any]:
    """The block is refused, and nothing of it is left."""
    before = everything()
    with pytest.raises(kind, match=match) as caught:
        yield caught
    assert everything() == before


def planned(change: Callable[[], Any]) -> dict[str, int]:
    """Plan a change and make it: the plan left no trace, and named the events and the refusal, if any.

    Returns how many rows the plan said would be filled, convert or fail.
    """
    before = everything()
    plan = dynamo.plan(change)
    assert everything() == before
    refusals: list[DataRefused] = []
    try:
        change()
    except DataRefused as refusal:
        refusals.append(refusal)
    assert [str(refusal) for refusal in plan.refusals] == [str(refusal) for refusal in refusals]
    if refusals:
        assert everything() == before
        raise refusals[0]
    recorded = dynamo.history()[len(before["events"]) :]
    assert [operation.type for operation in plan.operations] == [event.type for event in recorded]
    return {name: count for operation in plan.operations for name, count in operation.rows.items()}


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Say at the end of a failure which of many it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"it was {what}")
        raise


def unlogged() -> dict[str, object]:
    """Everything but the log, which keeps what was accepted and what took it back, and what counts on it."""
    traces = everything()
    for name in ("events", "head", "checkpoints", "mark"):
        del traces[name]
    return traces
