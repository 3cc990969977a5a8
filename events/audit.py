"""The audit: whether the log holds together, and where it first does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from events import chain, guards, store
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
    except LogCorrupt as error:
        report.add(str(error), 1)
        return report
    position, hash_ = _walk(using, at.registry_id, report)
    if (position, hash_) != (at.position, at.hash):
        report.add(
            f"the head says position {at.position}, the log ends at {position}",
            min(at.position, position) + 1,
        )
    if not guards.present(connections[using]):
        report.add("the append-only triggers are missing; run `manage.py dynamo doctor --fix`")
    return report


def _walk(using: str, registry_id: str, report: Report) -> tuple[int, Any]:
    """Follow the chain; a good event costs little more than its hash."""
    last, before = 0, chain.GENESIS
    versions: dict[str, int] = {}
    digest, version_of = chain.digest, versions.get
    for row in store.raw(using):
        (position, event_id, stream_id, stream_version, kind, kind_version, data, *rest) = row
        batch, correlation, causation, actor, source, reason, recorded_at, prev_hash, own = rest
        try:
            envelope = (
                registry_id,
                prev_hash,
                position,
                event_id,
                stream_id,
                stream_version,
                kind,
                kind_version,
                batch,
                correlation,
                causation,
                actor,
                source,
                reason,
                recorded_at,
            )
            holds = digest(envelope, data) == own
        except (TypeError, ValueError):
            holds = False
        follows = position == last + 1 and prev_hash == before
        if not (holds and follows and stream_version == version_of(stream_id, 0) + 1):
            _report(row, holds=holds, last=last, before=before, versions=versions, report=report)
        # What holds nonsense is reported, and the next is held against what should have been there.
        versions[stream_id] = stream_version if type(stream_version) is int else version_of(stream_id, 0) + 1
        last, before = position, own
        report.events += 1
    return last, before


def _report(
    row: tuple[Any, ...], *, holds: bool, last: int, before: Any, versions: dict[str, int], report: Report
) -> None:
    """Say what is wrong with an event."""
    position, stream_id = row[0], row[2]
    if position != last + 1:
        report.add(f"position {last + 1} is missing", last + 1)
    if row[3] != versions.get(stream_id, 0) + 1:
        expected = versions.get(stream_id, 0) + 1
        report.add(f"version {row[3]} of stream {stream_id}, expected {expected}", position)
    if row[14] != before:
        report.add(f"position {position} does not follow the event before it", position)
    if not holds:
        report.add(f"position {position} was changed: its hash does not fit its content", position)
