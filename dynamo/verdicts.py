"""Verdicts: what stands in the way of a change set as a whole, before anything of it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dynamo import intent
from events.diff import Handling
from events.exceptions import DataRefused
from projections.ddl import planning, preflight
from projections.ddl.preflight import Preflight
from projections.transition import Change, Transition


@dataclass(kw_only=True)
class Findings:
    """Refusals, and by field id how many rows are filled, converted or in the way."""

    refusals: list[DataRefused] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def judge(done: Transition, using: str) -> Findings:
    """Ask names and rows; raises what is wrong with names, and collects what rows say."""
    findings = Findings()
    handling = planning.handling(done)
    for change in done.changes.values():
        _check_names(done, change, using)
        checked = _rows(done, change, handling, using)
        if checked is not None:
            findings.refusals += preflight.check(checked)
            findings.counts |= checked.counts
    return findings


def refuse(findings: Findings) -> None:
    """Raise what was found, all of it in one message."""
    if len(findings.refusals) == 1:
        raise findings.refusals[0]
    if findings.refusals:
        raise DataRefused(
            "; ".join(str(refusal) for refusal in findings.refusals),
            count=sum(refusal.count for refusal in findings.refusals),
            samples=findings.refusals[0].samples,
            refusals=findings.refusals,
        )


def _check_names(done: Transition, change: Change, using: str) -> None:
    after = change.after
    if after is None:
        return
    if not after.retired:
        intent.check_model_options(after)
    for name in _taken_names(change):
        preflight.check_free(name, set(_given_up(done)), using)


def _taken_names(change: Change) -> Iterator[str]:
    """Tables and link tables that the model has not yet."""
    before, after = change.before, change.after
    assert after is not None
    if before is None or (before.db_table != after.db_table and not after.retired):
        yield after.db_table
    known = set() if before is None else {f.table for f in (*before.fields, *before.retired_fields)}
    yield from {f.table for f in after.fields if f.table} - known


def _given_up(done: Transition) -> Iterator[str]:
    """Tables that the models of a transition have now, and may give away."""
    for change in done.changes.values():
        if change.before is not None:
            yield change.before.db_table
            yield from (f.table for f in change.before.fields if f.table)


def _rows(done: Transition, change: Change, handling: Mapping[str, Handling], using: str) -> Preflight | None:
    before, after = change.before, change.after
    if before is None or after is None or after.retired:
        return None
    return Preflight(before=before, after=after, handling=handling, lookup=done.before, using=using)
