"""Accepted changes whose tables are not done: on MariaDB a crash, or a statement that fails, leaves some.

A step that was killed is done again. A change whose step fails is taken back, by events of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import DatabaseError, connections
from django.db.transaction import atomic

from dynamo import record
from dynamo.changeset import ChangeSet
from events import fold, journal, store
from events.exceptions import ProjectionFailed
from events.schema import ModelSchema
from events.store import Mark, uuid7
from events.types import Context
from projections import cache, pipeline
from projections.ddl import engine, planning, projector
from projections.ddl.physical import Lookup
from projections.transition import Transition, joined

REMEDY = "`manage.py dynamo doctor --fix` goes on with it, and so does the next change"


def pending(using: str) -> int:
    """How many steps accepted changes still need."""
    return 0 if engine.transactional(using) else len(journal.pending(using))


def resume(using: str) -> bool:
    """Go on where a killed process stopped; says whether there was anything to do.

    The caller holds the lock of `engine.exclusive`, so that nobody else is in the middle of it.
    """
    if engine.transactional(using) or connections[using].in_atomic_block or not journal.pending(using):
        return False
    schema = fold.replay(store.read(using))
    take_steps(using, schema.models.get, unsure=True)
    return True


def take_steps(using: str, lookup: Lookup, *, unsure: bool = False) -> None:
    """Do what the journal says; a change whose tables cannot be done is taken back."""
    try:
        projector.resume(using, lookup, unsure=unsure)
    except DatabaseError as error:
        if engine.is_lost(error):
            raise ProjectionFailed(f"the connection was lost in the middle of a change; {REMEDY}") from error
        _take_back(using)
        raise
    _reached(using, store.head(using))


def _take_back(using: str) -> None:
    """Append what undoes the events that the tables did not reach, then undo what was done of them."""
    reached, head = store.shown(using), store.head(using)
    before = dict(fold.replay(store.read(using, upto=reached.position)).models)
    after = dict(fold.replay(store.read(using, upto=head.position)).models)
    with atomic(using=using):
        mark, now = store.lock(using)
        context = Context(batch_id=uuid7(), source="recovery", reason="its tables could not be changed")
        known: dict[str, ModelSchema | None] = {**before, **after}
        work = ChangeSet(using=using, outermost=True, context=context, mark=mark, now=now, models=known)
        for model_id in _changed(before, after):
            if model_id not in after:
                raise ProjectionFailed(f"what was dropped cannot be brought back; {REMEDY}")
            record.record(work, after[model_id], before.get(model_id))
        back = _transition(work, after, before, head)
        journal.clear(using)
        lookup = {**before, **after}.get
        journal.write(
            using, work.mark.position, projector.entries(planning.plan(back), using, lookup, careful=True)
        )
        cache.project_shared(back, using)
    projector.resume(using, lookup, unsure=True)
    _reached(using, store.head(using))
    pipeline.catch_up()


def _transition(
    work: ChangeSet, after: Mapping[str, ModelSchema], before: Mapping[str, ModelSchema], head: Mark
) -> Transition:
    return Transition(
        changes=joined(after, before), events=tuple(work.pending), start=head, end=work.mark, others=after.get
    )


def _changed(before: Mapping[str, ModelSchema], after: Mapping[str, ModelSchema]) -> list[str]:
    return [key for key in {**after, **before} if before.get(key) != after.get(key)]


def _reached(using: str, mark: Mark) -> None:
    with atomic(using=using):
        journal.clear(using)
        store.checkpoint(using, store.DATABASE, mark)
