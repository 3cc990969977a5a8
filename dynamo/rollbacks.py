"""Rollback: return to the schema of an earlier moment, by events that compensate for what came since.

History only grows: a rollback is a change set like any other, and can itself be rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError

from dynamo import goals, handling, intent, moments, naming, plans, record
from dynamo.appending import note
from dynamo.changeset import ChangeSet
from dynamo.goals import Goal
from dynamo.moments import At
from dynamo.patience import patient
from dynamo.saving import rename_link_columns
from events import lineage, store
from events.diff import Handling
from events.envelope import uuid7
from events.exceptions import ModelNotFound, SchemaRefused
from events.lineage import Trail
from events.schema import FieldSchema, Frozen, ModelSchema, Schema, by_id, in_order
from events.types import Recorded, RegistryRolledBack
from projections import conf, conversions
from projections.ddl import reverting
from projections.registry import registry

# What may become of values that do not fit, and of what was purged.
ON_ERROR: Final = ("fail", "null")
PURGED: Final = ("fail", "empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller said about rows, by the name of a field or its id.

    `empty` are the fields and models that come back without values, as those were purged.
    """

    backfill: Mapping[str, Any]
    on_error: str
    used: set[str] = field(default_factory=set)
    empty: list[str] = field(default_factory=list)

    def value(self, model: ModelSchema, field: FieldSchema, *, alone: bool) -> Any:
        """The backfill of a field; its bare name will do where only one model is rolled back."""
        label = f"{model.label}.{field.name}"
        names = [field.id, label, label.removeprefix(f"{conf.default_app()}.")]
        for name in (*names, field.name) if alone else names:
            if name in self.backfill:
                self.used.add(name)
                return self.backfill[name]
        return None


@patient
def rollback(
    to: At,
    model: Any = None,
    backfill: Mapping[str, Any] | None = None,
    on_error: str = "fail",
    *,
    purged: str = "fail",
    expected: str | None = None,
) -> tuple[Recorded, ...]:
    """Return to the schema of a position, time or tag: all of it, or that of one model.

    What was retired since comes back with its values, what was added since is retired, and a converted
    field has its original values again where a row was not edited meanwhile. `model` is a MetaModel, a
    generated class or a label. `backfill` has values, by "app.Model.field", for rows that were written
    meanwhile and need one; `on_error="null"` empties what does not fit or refers to nothing any more.
    `purged="empty"` brings back without values what was purged, which is refused otherwise. `expected` is
    the token of a plan: after any other change the rollback is refused, naming what changed.

    Returns the recorded events, none if there was nothing to do. Raises what saving would raise.
    """
    if on_error not in ON_ERROR:
        raise ValidationError({"on_error": f"it is one of {', '.join(ON_ERROR)}, not {on_error!r}"})
    if not isinstance(backfill or {}, Mapping):
        raise ValidationError({"backfill": "it maps names of fields to values"})
    if purged not in PURGED:
        raise ValidationError({"purged": f"it is one of {', '.join(PURGED)}, not {purged!r}"})
    place = moments.position(to)
    with record.change_set() as work:
        started = work.mark
        then = moments.schema(place)
        wish = Wish(backfill=dict(backfill or {}), on_error=on_error)
        found = _whole(work, then, wish) if model is None else [_alone(work, then, _id(model), wish)]
        _refuse_unused(wish)
        _refuse_empty(wish, told=purged == "empty")
        first = len(work.pending)
        changing = [goal for goal in found if goal.steps]
        if changing:
            _record(work, changing, place, to, "" if model is None else changing[0].after.id)
        recorded = tuple(work.pending[first:])
        plans.hold_to(expected, work, started)
    return recorded


def rollback_model(row: Any, version: int, **said: Any) -> tuple[Recorded, ...]:
    """Return to a version of one model."""
    return rollback(moments.version(str(row.pk), version), row, **said)


def _record(work: ChangeSet, found: list[Goal], place: int, to: At, model_id: str) -> None:
    after = {"position": place, "model": model_id, "asked": str(to)}
    note(work, RegistryRolledBack(stream_id=work.mark.registry_id, after=Frozen(after)))
    goals.reach(work, found)
    if model_id:
        _follow_name(found[0], work)


def _follow_name(goal: Goal, work: ChangeSet) -> None:
    """Link tables of other models have a column that is named after this one."""
    made = work.model(goal.after.id)
    if made is not None and goal.before is not None and goal.before.name != made.name:
        rename_link_columns(made, work)


def _whole(work: ChangeSet, then: Schema, wish: Wish) -> list[Goal]:
    ids = {*then.models, *registry.models, *work.models}
    found = []
    for model_id in sorted(ids):
        now, past = work.model(model_id), _live(then.models.get(model_id))
        if past is not None:
            found.append(_returning(work, now, past, then.position, wish, alone=False))
        elif now is not None and not now.retired:
            found.append(Goal(before=now, steps=[naming.retired_model(now, work.position())]))
    return found


def _alone(work: ChangeSet, then: Schema, model_id: str, wish: Wish) -> Goal:
    now, past = work.model(model_id), _live(then.models.get(model_id))
    if now is None and past is None:
        raise ModelNotFound(f"there is no model {model_id!r}, neither now nor then", label=model_id)
    if past is None:
        assert now is not None
        raise SchemaRefused(
            f"{now.label} was not there at position {then.position}; retire it, or roll back everything"
        )
    return _returning(work, now, past, then.position, wish, alone=True)


def _returning(
    work: ChangeSet, now: ModelSchema | None, past: ModelSchema, place: int, wish: Wish, *, alone: bool
) -> Goal:
    """What a model has to become to be again what it was."""
    goal = Goal(before=now)
    if now is None:
        goal.steps = [replace(past, retired_fields=(), version=0)]
        wish.empty.append(past.label)
        return goal
    if wish.on_error == "null" and now.retired:
        goal.said[past.id] = Handling(on_error="null")
    events = [r.event for r in store.read(work.using, after=place, stream_id=past.id)]
    way = _Way(goal=goal, now=now, wish=wish, work=work, trails=lineage.trails(past, events), alone=alone)
    way.give_up_columns(past)
    for item in past.fields:
        way.bring_back(intent.with_link(item, past, work) if alone else item, past)
    for item in now.fields:
        if past.field(item.id) is None and item not in way.given_up:
            way.put_aside(way.tombstone(item))
    made = replace(past, version=now.version, fields=in_order(way.live), retired_fields=way.tombstones())
    if way.detour or way.given_up:
        start = now if not now.retired else replace(now, **past.attributes())
        back = {one.id for one in way.detour}
        live = (*(one for one in now.fields if one not in way.given_up), *way.detour)
        kept = (*(one for one in now.retired_fields if one.id not in back), *map(way.tombstone, way.given_up))
        goal.steps = [replace(start, fields=in_order(live), retired_fields=by_id(kept))]
    if goal.steps or made != now:
        goal.steps.append(made)
    return goal


@dataclass(slots=True, kw_only=True)
class _Way:
    """Field by field: which column each gets, and what becomes of the columns that are there."""

    goal: Goal
    now: ModelSchema
    wish: Wish
    work: ChangeSet
    trails: Mapping[str, Trail]
    alone: bool
    live: list[FieldSchema] = field(default_factory=list)
    # Fields that have to be there again before their column can change.
    detour: list[FieldSchema] = field(default_factory=list)
    # Live fields whose column is another field's again.
    given_up: list[FieldSchema] = field(default_factory=list)
    aside: dict[str, FieldSchema] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aside = {one.id: one for one in self.now.retired_fields}

    def give_up_columns(self, past: ModelSchema) -> None:
        """The hidden column of a conversion may have been restored under a name of its own meanwhile."""
        wanted = {one.storage for one in past.fields}
        for one in self.now.fields:
            if past.field(one.id) is None and one.storage in wanted:
                self.given_up.append(one)
                self.put_aside(self.tombstone(one))

    def tombstone(self, item: FieldSchema) -> FieldSchema:
        return replace(naming.tombstone(item, self.work.position()), unique_together=False)

    def put_aside(self, tombstone: FieldSchema) -> None:
        self.aside[tombstone.id] = tombstone

    def tombstones(self) -> tuple[FieldSchema, ...]:
        return by_id(self.aside.values())

    def bring_back(self, item: FieldSchema, past: ModelSchema) -> None:
        value = self.wish.value(past, item, alone=self.alone)
        current, gone = self.now.field(item.id), self.aside.pop(item.id, None)
        if current is None and gone is None:
            made, said = self._anew(item, past), Handling()
        elif current is None and gone is not None and gone.storage != item.storage:
            live = replace(gone, name=item.name, column=naming.column_name(gone), retired=False)
            self.detour.append(intent.with_link(replace(live, name=item.name), past, self.work))
            made, said = self._converted(item, self.detour[-1], past, value)
        elif current is not None and current.storage != item.storage:
            made, said = self._converted(item, current, past, value)
        elif current is not None:
            made, said = self._in_place(item, current, value)
        else:
            made, said = item, self._letting_go(item, value)
        said = replace(said, backfill=value)
        if said != Handling():
            self.goal.said[item.id] = said
            handling.check(made, said)
        self.live.append(made)

    def _anew(self, item: FieldSchema, past: ModelSchema) -> FieldSchema:
        """The column was dropped; a former one of the same field may still be there under its name."""
        self.wish.empty.append(f"{past.label}.{item.name}")
        taken = any(one.storage == item.storage for one in self.aside.values())
        return replace(item, storage=uuid7()) if taken else item

    def _in_place(self, item: FieldSchema, current: FieldSchema, value: Any) -> tuple[FieldSchema, Handling]:
        if item == current and not self.now.retired:
            return current, Handling()
        said = self._letting_go(item, value)
        made, moves = intent.placed(item, current, on_error=said.on_error)
        if not moves:
            return made, said if self.now.retired else Handling()
        return made, replace(said, kept=self._kept(current))

    def _converted(
        self, item: FieldSchema, current: FieldSchema, past: ModelSchema, value: Any
    ) -> tuple[FieldSchema, Handling]:
        """The field has another column now; the former one comes back, or its values are converted."""
        former = next((one for one in self.aside.values() if one.storage == item.storage), None)
        mode = conversions.mode(current, item)
        said = self._letting_go(item, value)
        kept = self._kept(current)
        if former is not None and current.is_many_to_many and item.is_many_to_many:
            # The link table of another target: its links are put aside as they are.
            del self.aside[former.id]
            return item, Handling(kept=kept)
        if former is not None and not self._must_narrow(former, item, said):
            del self.aside[former.id]
            return item, replace(said, kept=kept, path=self._path(item, current, past))
        if mode in (conversions.REFUSE, conversions.REPLACE):
            self.wish.empty.append(f"{past.label}.{item.name}")
            said = replace(said, on_error="keep")
        made = item if former is None else replace(item, storage=uuid7())
        return made, replace(said, kept=kept)

    def _path(self, item: FieldSchema, current: FieldSchema, past: ModelSchema) -> tuple[Frozen, ...]:
        """The conversions since; refused where nothing tells any more which rows were edited."""
        path = self.trails.get(item.id, Trail()).between(item.storage, current.storage)
        there = {one.storage for one in (*self.now.fields, *self.now.retired_fields)}
        if not reverting.knows(path, item.storage, current.storage, there):
            raise SchemaRefused(
                f"{past.label}.{item.name} was converted several times, and what lies between was purged or "
                "was a many-to-many, so nothing tells which rows were edited since; roll back to a moment "
                "between the conversions first"
            )
        return path

    def _must_narrow(self, former: FieldSchema, item: FieldSchema, said: Handling) -> bool:
        """A column that was widened later may hold what does not fit; it is spared if that is to be lost."""
        return said.on_error == "null" and conversions.mode(former, item) == conversions.FITS

    def _kept(self, current: FieldSchema) -> FieldSchema:
        kept = naming.kept_column(current, self.work.position())
        self.put_aside(kept)
        return kept

    def _letting_go(self, item: FieldSchema, value: Any) -> Handling:
        """A field can lose a value if it takes none, or if another was given for such rows."""
        loses = self.wish.on_error == "null" and (not item.required or value is not None)
        return Handling(on_error="null") if loses and not item.is_many_to_many else Handling()


def _refuse_unused(wish: Wish) -> None:
    unused = sorted(set(wish.backfill) - wish.used)
    if unused:
        raise ValidationError(
            {"backfill": f"no field that the rollback brings back is called {', '.join(unused)}"}
        )


def _refuse_empty(wish: Wish, *, told: bool) -> None:
    if wish.empty and not told:
        raise SchemaRefused(
            f"the values of {', '.join(wish.empty)} were purged and cannot come back; "
            'purged="empty" brings them back without values, and does the rest',
            empty=wish.empty,
        )


def _live(model: ModelSchema | None) -> ModelSchema | None:
    return None if model is None or model.retired else model


def _id(model: Any) -> str:
    """Also of a model that was retired, by its label."""
    if isinstance(model, str):
        label = model if "." in model else f"{conf.default_app()}.{model}"
        named = [m for m in registry.models.values() if m.label.lower() == label.lower() or m.id == model]
        if not named:
            raise ModelNotFound(f"there is no generated model {model!r}", label=model)
        return min(named, key=lambda m: m.retired).id
    key = getattr(model, "dynamo_id", None) or getattr(model, "pk", None)
    if not isinstance(key, str | UUID):
        raise ModelNotFound(f"{model!r} is no MetaModel, generated class or label", label=str(model))
    return str(key)
