"""Goals: what several models are to become together, recorded first and then looked at as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dynamo import clashes, neighbours, record
from dynamo.changeset import ChangeSet
from events import store
from events.diff import Handling
from events.schema import ModelSchema


@dataclass(slots=True)
class Goal:
    """The schemas of one model on the way to what it is to be, and what is said about its rows by field.

    There is more than one step where a field has to be brought back before it can change.
    """

    before: ModelSchema | None
    steps: list[ModelSchema] = field(default_factory=list)
    said: dict[str, Handling] = field(default_factory=dict)

    @property
    def after(self) -> ModelSchema:
        return self.steps[-1]


def reach(work: ChangeSet, goals: Iterable[Goal]) -> None:
    """Record all of them. Names may be swapped on the way; what clashes in the end is refused."""
    goals = sorted(goals, key=lambda goal: not goal.after.retired)
    # Of a purged model nothing is left, but its stream goes on.
    versions = store.last_versions(work.using, [goal.after.id for goal in goals if goal.before is None])
    for goal in goals:
        before = goal.before
        for step in goal.steps:
            record.record(work, before, step, goal.said, version=versions.get(step.id, 0))
            before = work.model(step.id)
    for goal in goals:
        made = work.model(goal.after.id)
        if made is not None and goal.before is not None and goal.before.name != made.name:
            neighbours.rename_link_columns(made, work)
    for goal in goals:
        made = work.model(goal.after.id)
        if made is not None and made.retired:
            neighbours.refuse_referenced(made, work)
        elif made is not None:
            clashes.check_model(made, work)
            clashes.check_fields(made, work)
            for one in made.fields:
                neighbours.refuse_gone_target(work, made, one)
