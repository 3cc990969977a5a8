"""Plans: what a change set would do, worked out by the write path itself and then given up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from dataclasses import field as made_of
from enum import StrEnum
from typing import Any, Final, TypeAlias

from django.db import connections, models

from dynamo import record, verdicts, wording
from dynamo.changeset import ChangeSet, current
from dynamo.verdicts import Findings
from events import codec
from events.envelope import Mark
from events.exceptions import DataRefused, SchemaRefused
from events.schema import FieldSchema, canonical, digest
from events.types import FieldAltered, FieldEvent, Recorded
from projections import conf, conversions
from projections.ddl import notes, offline, planning
from projections.transition import Transition

Change: TypeAlias = models.Model | Callable[[], Any]

UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Risk(StrEnum):
    """SAFE loses nothing and needs no look; REVIEW is seen by rows or code; DESTRUCTIVE loses values."""

    SAFE = "safe"
    REVIEW = "review"
    DESTRUCTIVE = "destructive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One event that would be recorded; `rows` says how many rows are filled, convert or fail."""

    sentence: str
    type: str
    model: str
    field: str
    risk: Risk
    rows: Mapping[str, int] = made_of(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        names = ("sentence", "type", "model", "field", "risk")
        return {**{name: getattr(self, name) for name in names}, "rows": dict(self.rows)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`hash` names these operations at this head: after any other change the same wish has another hash.

    `sql` has statements by vendor, `vendor` this database's. `refusals` are what rows stand in the way of;
    with any of them the change would be refused as a whole.
    """

    at: Mark
    hash: str
    vendor: str
    operations: tuple[Operation, ...] = ()
    refusals: tuple[DataRefused, ...] = ()
    locks: tuple[str, ...] = ()
    sql: Mapping[str, list[str]] = made_of(default_factory=dict)

    @property
    def risk(self) -> Risk:
        order = list(Risk)
        return max((o.risk for o in self.operations), key=order.index, default=Risk.SAFE)

    @property
    def ok(self) -> bool:
        return not self.refusals

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.operations)

    def as_dict(self) -> dict[str, Any]:
        refusals = [
            {"message": str(r), "count": r.count, "samples": [repr(s) for s in r.samples]}
            for r in self.refusals
        ]
        return {
            "position": self.at.position,
            "hash": self.hash,
            "risk": self.risk,
            "operations": [operation.as_dict() for operation in self.operations],
            "refusals": refusals,
            "locks": list(self.locks),
            "sql": dict(self.sql),
            "vendor": self.vendor,
        }


class _GivenUp(Exception):  # not an error: the way out of the change set
    def __init__(self, plan: Plan) -> None:
        self.plan = plan


def plan(*changes: Change) -> Plan:
    """What these changes would do together, without doing it.

    A change is a row, planned as its `save()`, or a function that saves and deletes rows. Raises what the
    save itself would raise, except for what rows stand in the way of: that is in the plan.
    """
    using = conf.database()
    if current(using) is not None:
        raise SchemaRefused("a plan starts from what is committed; make it outside of batch()")
    try:
        with record.change_set() as work:
            at = work.mark
            for change in changes:
                _make(change)
            raise _GivenUp(_planned(work, at))
    except _GivenUp as done:
        return done.plan


def _make(change: Change) -> None:
    """Rows are copied: the caller's must not believe that they were saved."""
    if isinstance(change, models.Model):
        copy(change).save()
    else:
        change()


def _planned(work: ChangeSet, at: Mark) -> Plan:
    vendor = connections[work.using].vendor
    if not work.pending:
        return Plan(at=at, hash=digest([at.registry_id, at.hash]), vendor=vendor)
    done = record.transition(work)
    findings = verdicts.judge(done, work.using)
    steps = planning.plan(done)
    lookup = planning.lookup(done)
    return Plan(
        at=at,
        operations=tuple(_operations(done, findings)),
        refusals=tuple(findings.refusals),
        locks=tuple(notes.notes(steps, vendor)),
        sql=offline.rendered(steps, work.using, lookup),
        vendor=vendor,
        hash=_hash(done, at),
    )


def _hash(done: Transition, at: Mark) -> str:
    """The same wish makes new ids each time it is planned, so they count by their order only."""
    data = canonical([[r.type, codec.encode(r.event)[2].decode()] for r in done.events])
    known = canonical([c.before.as_dict() for c in done.changes.values() if c.before is not None])
    old = set(UUID.findall(known))
    fresh: dict[bytes, bytes] = {}

    def numbered(match: re.Match[bytes]) -> bytes:
        found = match.group(0)
        return found if found in old else fresh.setdefault(found, f"new-{len(fresh)}".encode())

    return digest([at.registry_id, at.hash, UUID.sub(numbered, data).decode()])


def _operations(done: Transition, findings: Findings) -> Iterator[Operation]:
    for recorded in done.events:
        field_id = recorded.event.field_id if isinstance(recorded.event, FieldEvent) else ""
        before, after = done.before(recorded.stream_id), done.after(recorded.stream_id)
        model = after or before
        assert model is not None
        rows = findings.counts.get(field_id, {})
        found = model.field(field_id) or (before.field(field_id) if before is not None else None)
        yield Operation(
            sentence=wording.told(recorded, model.label),
            type=recorded.type,
            model=model.label,
            field="" if found is None else found.name,
            risk=_risk(recorded, done, rows),
            rows=rows,
        )


SAFE_TYPES: Final = frozenset(
    {"model.created", "model.altered", "model.restored", "field.added", "field.restored", "field.reordered"}
)


def _risk(recorded: Recorded, done: Transition, rows: Mapping[str, int]) -> Risk:
    event = recorded.event
    if recorded.type.endswith(".purged"):
        return Risk.DESTRUCTIVE
    if isinstance(event, FieldAltered):
        return _risk_of_altered(event, done, rows)
    if rows.get("filled"):
        return Risk.REVIEW
    return Risk.SAFE if recorded.type in SAFE_TYPES else Risk.REVIEW


def _risk_of_altered(event: FieldAltered, done: Transition, rows: Mapping[str, int]) -> Risk:
    if rows.get("fails") and event.on_error in {"null", "value"}:
        return Risk.DESTRUCTIVE
    old, new = _field(done.before, event), _field(done.after, event)
    if old is None or new is None or event.kind == "presentation":
        return Risk.SAFE
    if event.kind == "type" or old.options != new.options:
        mode = conversions.mode(old, new)
        return Risk.SAFE if mode == conversions.SAME and not _tightens(old, new) else Risk.REVIEW
    return Risk.REVIEW if _tightens(old, new) else Risk.SAFE


def _tightens(old: FieldSchema, new: FieldSchema) -> bool:
    return any(
        getattr(new, name) and not getattr(old, name) for name in ("required", "unique", "unique_together")
    )


def _field(side: Callable[[str], Any], event: FieldAltered) -> FieldSchema | None:
    model = side(event.stream_id)
    found: FieldSchema | None = None if model is None else model.field(event.field_id)
    return found
