"""Returning: which column each field of a model gets when the model is to be again what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from dynamo import handling, intent, naming
from dynamo.changeset import ChangeSet
from dynamo.goals import Goal
from events import lineage, store
from events.diff import Handling
from events.envelope import uuid7
from events.exceptions import SchemaRefused
from events.lineage import Trail
from events.schema import FieldSchema, Frozen, ModelSchema, by_id, in_order
from projections import conf, conversions
from projections.ddl import reverting


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
        names = [field.id, *conf.names(f"{model.label}.{field.name}")]
        for name in (*names, field.name) if alone else names:
            if name in self.backfill:
                self.used.add(name)
                return self.backfill[name]
        return None


def returning(
    work: ChangeSet, now: ModelSchema | None, past: ModelSchema, place: int, wish: Wish, *, alone: bool
) -> Goal:
    """What a model has to become to be again what it was at a position. Raises SchemaRefused if it cannot."""
    goal = Goal(before=now)
    if now is None:
        goal.steps = [replace(past, retired_fields=(), version=0)]
        wish.empty.append(past.label)
        return goal
    if not now.retired and now == replace(past, version=now.version, retired_fields=now.retired_fields):
        return goal
    if wish.on_error == "null" and now.retired:
        goal.said[past.id] = Handling(on_error="null")
    events = [r.event for r in store.read(work.using, after=place, stream_id=past.id)]
    way = Way(goal=goal, now=now, wish=wish, work=work, trails=lineage.trails(past, events), alone=alone)
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
class Way:
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
                _(
                    "%(model)s.%(field)s was converted, and nothing relates its column to the former one: "
                    "what lay between was purged, or a many-to-many was among several conversions; roll "
                    "back to a moment between the conversions first"
                )
                % {"model": past.label, "field": item.name}
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
