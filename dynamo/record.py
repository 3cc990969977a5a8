"""The write path, on one screen: lock, compare, append, preflight, announce, project, commit, show.

Every change of the schema comes through `record`. A change set is one database transaction: its events, the
meta rows and the tables are committed together or not at all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.db.transaction import atomic, on_commit
from django.utils.translation import gettext as _

from dynamo import announce, context, recovery, verdicts
from dynamo.appending import record, transition, write_events, write_open
from dynamo.changeset import ChangeSet, current, open_sets
from dynamo.verdicts import Findings
from events import snapshots, store
from events.exceptions import DataRefused, DynamoError, ProjectionFailed, SchemaBusy, SchemaRefused
from projections import conf, pipeline
from projections.ddl import engine
from projections.transition import Transition

# The whole write path by one name: what appends is a room of its own, as recovery appends too.
__all__ = ["change_set", "flush", "flush_open", "record", "show", "transition", "write_open"]


@contextmanager
def change_set(
    *, reason: str | None = None, actor: str | None = None, single: bool = False
) -> Iterator[ChangeSet]:
    """Open a change set, or join the one that is open on this connection.

    `single` says that this is one save, which asks everything before it writes anything.
    """
    using = conf.database()
    joined = current(using)
    if joined is not None:
        with joined.because(reason), _single(joined) if single else _all_or_nothing(joined):
            yield joined
        return
    with context.acting(reason=reason, actor=actor):
        work = yield from _outermost(using)
        for done in work.done:
            pipeline.settle(done)
            announce.after(done, work.context)
        if work.outermost and snapshots.due(work.begun, work.mark.position):
            snapshots.take(using, work.mark, pipeline.known_at)


def _outermost(using: str) -> Generator[ChangeSet, None, ChangeSet]:
    """Run a whole change set; the caller's own errors pass as they are, ours come translated."""
    with ExitStack() as held:
        with _translated():
            held.enter_context(engine.exclusive(using))
            recovery.resume(using)
        with ExitStack() as stack:
            with _translated():
                outermost = stack.enter_context(engine.transaction(using))
                work = _begin(using, outermost=outermost)
            stack.callback(_end, using)
            stack.enter_context(connections[using].execute_wrapper(work.write_rows))
            with _rows_put_back(work):
                yield work
                if work.failed is not None:
                    raise SchemaRefused(
                        _("a change of this batch was refused, so all of it is")
                    ) from work.failed
                if connections[using].needs_rollback:
                    raise SchemaRefused(_("the transaction was marked for rollback inside the change set"))
                flush(work)
                with _translated():
                    stack.close()
        if work.steps_left and work.outermost:
            with _rows_put_back(work), _translated():
                recovery.take_steps(using, work.model, work.mark, known=work.steps_left)
    return work


def flush(work: ChangeSet) -> None:
    """Bring the tables up to what was appended: at the end, or when a class is asked for."""
    if work.flushing:
        # A receiver of pre_* that asks for a class gets it as it is; what it saves comes next in the loop.
        return
    work.flushing = True
    try:
        while work.pending:
            done = transition(work)
            work.pending, work.before = [], {}
            _project(work, done)
    except BaseException as error:
        # What was appended has no table now; who catches this must not get to commit it.
        work.failed = error
        raise
    finally:
        work.flushing = False


def _project(work: ChangeSet, done: Transition) -> None:
    with _translated():
        verdicts.refuse(_judged(work, done))
        write_events(work)
    announce.before(done, work.context)
    with _translated():
        work.steps_left += pipeline.project_shared(done, work.using)
    if work.outermost and not work.shown:
        work.done.append(done)
        return
    if work.steps_left:
        on_commit(partial(_take_steps_late, work.using), using=work.using)
    _stage(work, done)


def _stage(work: ChangeSet, done: Transition) -> None:
    """Show a transition ahead of its commit; if that never comes, the saved rows are unsaved again."""
    publish = partial(announce.after, done, work.context)
    pipeline.stage(done, work.using, publish, work.put_back_rows)


def _judged(work: ChangeSet, done: Transition) -> Findings:
    """With DYNAMO_DEFER_DDL, a table may still be as it was before an earlier change of the transaction."""
    try:
        return verdicts.judge(done, work.using)
    except DatabaseError as error:
        if work.outermost or engine.transactional(work.using) or engine.is_locked(error):
            raise
        raise SchemaRefused(
            _(
                "this change has to look at rows of a table that an earlier one of this transaction "
                "changes after the commit; make both in one batch(), or this one in a transaction of "
                "its own"
            )
        ) from error


def _take_steps_late(using: str) -> None:
    """The caller's transaction is committed; what it accepted for the tables can be done now."""
    with engine.exclusive(using):
        recovery.resume(using)


def flush_open() -> None:
    """Bring the tables up to date in the middle of a change set, so that a refusal comes now."""
    work = current(conf.database())
    if work is not None:
        flush(work)


def show(using: str) -> None:
    """Inside a change set: make what is pending usable now, ahead of the commit."""
    work = current(using)
    if work is None or not (work.pending or work.done):
        return
    if work.planned:
        raise SchemaRefused(_("a plan makes no classes; ask for the class after the change was made"))
    if not engine.transactional(using):
        raise SchemaRefused(
            _("MariaDB and MySQL change tables only at the end of a batch; ask for the class after it")
        )
    ready, work.done = work.done, []
    work.shown = True
    for done in ready:
        _stage(work, done)
    flush(work)


def _begin(using: str, *, outermost: bool) -> ChangeSet:
    mark, now = store.lock(using, wait=engine.lock_seconds())
    pipeline.await_mark(mark)
    work = ChangeSet(
        using=using,
        outermost=outermost,
        context=context.current().envelope(),
        mark=mark,
        now=now,
        begun=mark.position,
    )
    open_sets[connections[using]] = work
    pipeline.writing.add(connections[using])
    return work


def _end(using: str) -> None:
    open_sets.pop(connections[using], None)
    pipeline.writing.discard(connections[using])


@contextmanager
def _rows_put_back(work: ChangeSet, kept: int = 0) -> Iterator[None]:
    try:
        yield
    except BaseException:
        work.put_back_rows(kept)
        raise


@contextmanager
def _all_or_nothing(work: ChangeSet) -> Iterator[None]:
    """A save inside a batch that fails leaves the batch as it was before that save."""
    state = work.copy_state()
    try:
        with _rows_put_back(work, len(work.accepted)), atomic(using=work.using):
            yield
    except BaseException:
        work.restore_state(state)
        raise


@contextmanager
def _single(work: ChangeSet) -> Iterator[None]:
    """A save inside a batch that is refused leaves no trace: it has written nothing yet."""
    state = work.copy_state()
    try:
        yield
    except BaseException:
        work.restore_state(state)
        raise


@contextmanager
def _translated() -> Iterator[None]:
    """Database errors become ours, with the way out; our own and the caller's pass."""
    try:
        yield
    except (DynamoError, ValidationError):
        raise
    except IntegrityError as error:
        raise DataRefused(
            _("rows stand in the way of this change: %(error)s") % {"error": error}, count=None, samples=[]
        ) from error
    except OperationalError as error:
        if engine.is_locked(error):
            raise SchemaBusy(
                _("the schema is being changed elsewhere; try again (%(error)s)") % {"error": error}
            ) from error
        raise ProjectionFailed(_("the database refused this change: %(error)s") % {"error": error}) from error
    except DatabaseError as error:
        raise ProjectionFailed(_("the database refused this change: %(error)s") % {"error": error}) from error
