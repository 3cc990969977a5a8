"""Plans: what a change set would do, worked out by the write path itself and then given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from dataclasses import field as made_of
from enum import StrEnum
from typing import Any, Final, TypeAlias

from django.db import connections, models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo import neighbours, record, verdicts, wording
from dynamo.changeset import ChangeSet, current
from dynamo.patience import patient
from dynamo.verdicts import Findings
from events import codec, store
from events.envelope import Mark
from events.exceptions import DataRefused, SchemaConflict, SchemaRefused
from events.schema import FieldSchema, ModelSchema, canonical, digest
from events.types import (
    Event,
    FieldAdded,
    FieldAltered,
    FieldEvent,
    FieldRestored,
    ModelAltered,
    ModelRestored,
    Recorded,
)
from projections import conf, conversions
from projections.ddl import notes, offline, planning
from projections.transition import Transition

Change: TypeAlias = models.Model | Callable[[], Any]

# Events that say something about rows; those that only move a field say nothing of them.
ABOUT_ROWS: Final = (FieldAdded, FieldAltered, FieldRestored)


class Risk(StrEnum):
    """SAFE loses nothing and needs no look; REVIEW is seen by rows or code; DESTRUCTIVE loses values."""

    SAFE = "safe"
    REVIEW = "review"
    DESTRUCTIVE = "destructive"

    @property
    def label(self) -> str:
        """The word for people."""
        return str(WORDS[self])


WORDS: Final = {
    Risk.SAFE: gettext_lazy("safe"),
    Risk.REVIEW: gettext_lazy("review"),
    Risk.DESTRUCTIVE: gettext_lazy("destructive"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One event that would be recorded.

    `rows` says of how many rows a field is `filled`, `converts`, `fits`, `fails` or has its reference `lost`.
    `fate` is what becomes of values: they are `kept`, come back (`returns`), are not there yet (`empty`), are
    put aside (`retired`) or are gone for good (`dropped`).
    """

    sentence: str
    type: str
    model: str
    field: str
    risk: Risk
    fate: str = "kept"
    rows: Mapping[str, int] = made_of(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        names = ("sentence", "type", "model", "field", "risk", "fate")
        return {**{name: getattr(self, name) for name in names}, "rows": dict(self.rows)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`hash` names these operations at this head: after any other change the same wish has another hash.

    `sql` has statements by vendor, `vendor` this database's. `refusals` are what rows stand in the way of;
    with any of them the change would be refused as a whole. `notes` say what has to be done besides.
    """

    at: Mark
    hash: str
    vendor: str
    operations: tuple[Operation, ...] = ()
    refusals: tuple[DataRefused, ...] = ()
    locks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sql: Mapping[str, list[str]] = made_of(default_factory=dict)

    @property
    def risk(self) -> Risk:
        order = list(Risk)
        return max((o.risk for o in self.operations), key=order.index, default=Risk.SAFE)

    @property
    def token(self) -> str:
        """The plan in short: what it was made at, and what it would do. See `hold_to`."""
        return f"{self.at.position}.{self.hash}"

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
            "token": self.token,
            "risk": self.risk,
            "operations": [operation.as_dict() for operation in self.operations],
            "refusals": refusals,
            "locks": list(self.locks),
            "notes": list(self.notes),
            "sql": dict(self.sql),
            "vendor": self.vendor,
        }


class _GivenUp(Exception):  # not an error: the way out of the change set
    def __init__(self, plan: Plan) -> None:
        self.plan = plan


@patient
def plan(*changes: Change) -> Plan:
    """What these changes would do together, without doing it.

    A change is a row, planned as its `save()`, or a function that saves and deletes rows. Raises what the
    save itself would raise, except for what rows stand in the way of: that is in the plan. No signal is sent.
    """
    using = conf.database()
    if current(using) is not None:
        raise SchemaRefused(_("a plan starts from what is committed; make it outside of batch()"))
    try:
        with record.change_set() as work:
            at = work.mark
            work.planned = True
            for change in changes:
                _make(change)
            raise _GivenUp(_planned(work, at))
    except _GivenUp as done:
        return done.plan


def hold_to(token: str | None, work: ChangeSet, at: Mark) -> None:
    """Refuse an open change set that is not what was planned; `at` is where it began."""
    if token is None:
        return
    planned, _dot, _rest = token.partition(".")
    made = _hash(record.transition(work), at) if work.pending else digest(_begin(at))
    if f"{at.position}.{made}" == token:
        return
    position = int(planned) if planned.isascii() and planned.isdigit() else at.position
    record.write_open()
    since = list(store.read(work.using, after=position, upto=at.position))
    changes = [wording.told_briefly(recorded) for recorded in since]
    what = _("it was planned as something else")
    if changes:
        what = _("meanwhile: %(changes)s") % {"changes": "; ".join(changes)}
    raise SchemaConflict(
        _("this is not what was planned (%(what)s); plan again") % {"what": what}, changes=changes
    )


def _make(change: Change) -> None:
    """Rows are copied: the caller's must not believe that they were saved."""
    if isinstance(change, models.Model):
        copy(change).save()
    else:
        change()


def _planned(work: ChangeSet, at: Mark) -> Plan:
    vendor = connections[work.using].vendor
    if not work.pending:
        return Plan(at=at, hash=digest(_begin(at)), vendor=vendor)
    done = record.transition(work)
    findings = verdicts.judge(done, work.using)
    steps = planning.plan(done)
    sql = offline.rendered(steps, work.using, planning.lookup(done))
    return Plan(
        at=at,
        operations=tuple(_operations(done, findings)),
        refusals=tuple(findings.refusals),
        locks=tuple(notes.notes(steps, vendor, sql[vendor])),
        notes=tuple(neighbours.left_behind(done)),
        sql=sql,
        vendor=vendor,
        hash=_hash(done, at),
    )


def _hash(done: Transition, at: Mark) -> str:
    """The same wish makes new ids each time it is planned, so they count by their order only."""
    data = canonical([[r.type, codec.encode(r.event)[2].decode()] for r in done.events]).decode()
    for number, key in enumerate(sorted(_fresh(done), key=data.find)):
        # A tombstone's name ends in the last digits of what it was.
        data = data.replace(key, f"new-{number}").replace(f"zz_{key[-8:]}_", f"zz_new-{number}_")
    return digest([*_begin(at), data])


def _begin(at: Mark) -> list[str]:
    """Where a plan begins; a registry that has no events yet gets its id with the first of them."""
    return [at.registry_id if at.position else "", at.hash]


def _fresh(done: Transition) -> set[str]:
    """Ids that were made for this plan."""
    new = {key for change in done.changes.values() for key in _ids(change.after)}
    told = {r.event.field_id for r in done.events if isinstance(r.event, FieldEvent)}
    return (new | told) - {key for change in done.changes.values() for key in _ids(change.before)}


def _ids(model: ModelSchema | None) -> Iterator[str]:
    if model is not None:
        yield model.id
        for field in (*model.fields, *model.retired_fields):
            yield from (field.id, field.storage)


def _operations(done: Transition, findings: Findings) -> Iterator[Operation]:
    for recorded in done.events:
        sides = [
            m for m in (done.after(recorded.stream_id), done.before(recorded.stream_id)) if m is not None
        ]
        label = sides[0].label if sides else recorded.stream_id
        field, rows = _field_name(recorded, sides), _rows(recorded, sides, findings)
        yield Operation(
            sentence=wording.told(recorded, label, field),
            type=recorded.type,
            model=label,
            field=field,
            risk=_risk(recorded, done, rows),
            fate=_fate(recorded),
            rows=rows,
        )


def _field_name(recorded: Recorded, sides: list[ModelSchema]) -> str:
    event = recorded.event
    if not isinstance(event, FieldEvent):
        return ""
    found = (m.field(event.field_id) or m.retired_field(event.field_id) for m in sides)
    named = event.after.get("name") or event.before.get("name")
    return str(named or next((field.name for field in found if field is not None), event.field_id))


def _rows(recorded: Recorded, sides: list[ModelSchema], findings: Findings) -> Mapping[str, int]:
    """A restored model speaks for all of its fields."""
    event = recorded.event
    if isinstance(event, ABOUT_ROWS):
        return findings.counts.get(event.field_id, {})
    counts: Counter[str] = Counter()
    if isinstance(event, ModelRestored) and sides:
        for field in sides[0].fields:
            counts.update(findings.counts.get(field.id, {}))
    return dict(counts)


FATES: Final = {"created": "empty", "added": "empty", "restored": "returns", "retired": "retired"} | {
    "purged": "dropped"
}


def _fate(recorded: Recorded) -> str:
    event = recorded.event
    if isinstance(event, FieldAltered) and event.revived is not None:
        return "returns"
    return FATES.get(recorded.type.partition(".")[2], "kept")


SAFE_TYPES: Final = frozenset(
    {"model.created", "model.altered", "model.restored", "field.added", "field.restored", "field.reordered"}
    | {"registry.rolled_back", "registry.tagged", "registry.imported"}
)


def _risk(recorded: Recorded, done: Transition, rows: Mapping[str, int]) -> Risk:
    event = recorded.event
    if recorded.type.endswith(".purged") or rows.get("lost"):
        return Risk.DESTRUCTIVE
    if isinstance(event, FieldAltered):
        return _risk_of_altered(event, done, rows)
    if rows.get("filled") or _reorders(event):
        return Risk.REVIEW
    return Risk.SAFE if recorded.type in SAFE_TYPES else Risk.REVIEW


def _reorders(event: Event) -> bool:
    """Whether rows are listed in another order from then on."""
    old, new = (side.get("options", {}).get("ordering") for side in (event.before, event.after))
    return isinstance(event, ModelAltered) and old != new


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
