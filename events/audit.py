"""The audit: whether the log holds together, and where it first does not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from django.db import connections

from events import chain, codec, guards, store
from events.envelope import Mark, context_of
from events.exceptions import LogCorrupt


@dataclass(slots=True, kw_only=True)
class Report:
    """What `verify` found. `first_bad_position` is None when all is well."""

    events: int = 0
    first_bad_position: int | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, problem: str, position: int | None = None) -> None:
        self.problems.append(problem)
        if position is not None and (self.first_bad_position is None or position < self.first_bad_position):
            self.first_bad_position = position


def verify(using: str) -> Report:
    """Check that positions are 1..n, versions are gapless, every hash holds and the guards are there."""
    report = Report()
    try:
        at = store.head(using)
    except store.UNREADABLE:
        report.add("the head cannot be read", 1)
        return report
    walk = replace(at, position=0, hash=chain.GENESIS)
    versions: dict[str, int] = {}
    for position, row in store.walk(using):
        report.events += 1
        if row is None:
            report.add(f"position {position} cannot be read", position)
            walk = replace(walk, position=position, hash="")
            continue
        _check_row(row, walk, versions, report)
        walk = replace(walk, position=position, hash=row[-1])
    if (walk.position, walk.hash) != (at.position, at.hash):
        report.add(
            f"the head says position {at.position}, the log ends at {walk.position}",
            min(at.position, walk.position) + 1,
        )
    if not guards.present(connections[using]):
        report.add("the append-only triggers are missing; run `manage.py dynamo doctor --fix`")
    return report


def _check_row(row: tuple[Any, ...], before: Mark, versions: dict[str, int], report: Report) -> None:
    position, stream_id = row[0], str(row[2])
    if position != before.position + 1:
        report.add(f"position {before.position + 1} is missing", before.position + 1)
    expected = versions.get(stream_id, 0) + 1
    if row[3] != expected:
        report.add(f"version {row[3]} of stream {stream_id}, expected {expected}", position)
    versions[stream_id] = row[3]
    if row[14] != before.hash:
        report.add(f"position {position} does not follow the event before it", position)
    linked = chain.link(
        before.registry_id,
        row[14],
        position=position,
        event_id=str(row[1]),
        stream_id=stream_id,
        stream_version=row[3],
        type=row[4],
        type_version=row[5],
        context=context_of(row),
        recorded_at=row[13],
        data=bytes(row[6]),
    )
    if linked != row[15]:
        report.add(f"position {position} was changed: its hash does not fit its content", position)
    try:
        codec.decode(row[4], row[5], bytes(row[6]), stream_id)
    except LogCorrupt as error:
        report.add(f"position {position}: {error}", position)
