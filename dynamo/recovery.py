"""Accepted changes whose tables are not done: on MariaDB a crash, or a statement that fails, leaves some.

A step that was killed is done again. A change whose step fails is taken back, by events of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from django.db import connections
from django.db.transaction import atomic
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo import appending
from dynamo.changeset import ChangeSet
from events import journal, snapshots, store, streams
from events.envelope import Mark, uuid7
from events.exceptions import ProjectionFailed, SchemaBusy
from events.schema import ModelSchema
from events.types import Context
from projections import cache, pipeline
from projections.ddl import engine, projector
from projections.ddl.physical import Lookup
from projections.ddl.projector import Payload
from projections.transition import Transition, joined

logger = logging.getLogger("dynamo")

REMEDY = gettext_lazy("`manage.py dynamo doctor --fix` goes on with it, and so does the next change")


def pending(using: str) -> int:
    """How many steps of accepted changes are not settled."""
    return 0 if engine.transactional(using) else len(journal.entries(using))


def unfinished(using: str) -> tuple[set[str], bool]:
    """The models whose tables are not done, and whether nobody is at them any more.

    A process that meets an unfinished change goes on with it, so what is left by nobody has failed.
    """
    if engine.transactional(using) or journal.is_empty(using):
        return set(), False
    keys = streams.changed(using, after=store.shown(using).position).distinct()
    with engine.exclusive(using, wait=0) as alone:
        return {str(key) for (key,) in keys.values_list("stream_id")}, alone


def resume(using: str) -> bool:
    """Go on where a killed process stopped; says whether there was anything to do.

    The caller holds the lock of `engine.exclusive`, so that nobody else is in the middle of it.
    """
    if engine.transactional(using) or connections[using].in_atomic_block:
        return False
    if journal.is_empty(using):
        return False
    now, head = _schemas(using, None), store.head(using)
    if any(entry.state == journal.UNDO for entry in journal.entries(using)):
        _undo(using, {**_schemas(using, store.shown(using)), **now}.get, head)
    else:
        take_steps(using, now.get, head, unsure=True)
    return True


def heal(using: str, wait: float = 0) -> None:
    """Finish what a killed process left, if nobody is at it; a reader must not fail because of it.

    `wait` are the seconds that somebody who is at it may take to be done.
    """
    try:
        with engine.exclusive(using, wait=wait) as alone:
            if alone:
                resume(using)
    except Exception:
        logger.exception("an interrupted change of the schema could not be finished; %s", REMEDY)


def take_steps(
    using: str, lookup: Lookup, upto: Mark, *, unsure: bool = False, known: Sequence[Payload] = ()
) -> None:
    """Do what the journal says; a change whose tables cannot be done is taken back.

    `known` is what it says, where the caller wrote it: a single step need not be read again.
    """
    try:
        if len(known) == 1:
            projector.take(known[0], using, lookup)
        else:
            projector.resume(using, lookup, unsure=unsure)
        _reached(using, upto)
    except Exception as error:
        # Whatever a step raises, a value that does not convert too: the change must not stay half done.
        if engine.is_lost(error):
            raise ProjectionFailed(
                _("the connection was lost in the middle of a change; %(remedy)s") % {"remedy": REMEDY}
            ) from error
        _take_back(using)
        if engine.is_locked(error):
            raise SchemaBusy(
                _("a table was not free in time, so the change was taken back; try again (%(error)s)")
                % {"error": error},
                tried=True,
            ) from error
        raise


def _take_back(using: str) -> None:
    """Append what undoes the events that the tables did not reach, and undo what was done of them."""
    before, after = _schemas(using, store.shown(using)), _schemas(using, None)
    if any(key not in after for key in before) or projector.dropped(using):
        raise ProjectionFailed(_("what was dropped cannot be brought back; %(remedy)s") % {"remedy": REMEDY})
    with atomic(using=using):
        mark, now = store.lock(using)
        context = Context(batch_id=uuid7(), source="recovery", reason="its tables could not be changed")
        work = ChangeSet(using=using, outermost=True, context=context, mark=mark, now=now, models=dict(after))
        for model_id in (key for key in after if before.get(key) != after[key]):
            appending.record(work, after[model_id], before.get(model_id))
        store.write(using, work.unwritten, first=work.take_statements())
        cache.project_shared(_way_back(work, after, before), using)
        projector.turn_back(using)
    _undo(using, {**before, **after}.get, work.mark)
    pipeline.catch_up()


def _undo(using: str, lookup: Lookup, upto: Mark) -> None:
    projector.undo(using, lookup)
    _reached(using, upto)


def _way_back(
    work: ChangeSet, after: Mapping[str, ModelSchema], before: Mapping[str, ModelSchema]
) -> Transition:
    return Transition(
        changes=joined(after, before),
        events=tuple(work.pending),
        start=work.start,
        end=work.mark,
        others=after.get,
    )


def _schemas(using: str, at: Mark | None) -> dict[str, ModelSchema]:
    """All models as the log has them, or had them at a place in it."""
    return dict(snapshots.schema(using, None if at is None else at.position).models)


def _reached(using: str, mark: Mark) -> None:
    with atomic(using=using):
        journal.clear(using)
        store.checkpoint(using, store.DATABASE, mark)
