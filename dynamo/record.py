"""The write path, on one screen: lock, compare, append, preflight, announce, project, commit, show.

Every change of the schema comes through `record`. A change set is one database transaction: its events, the
meta rows and the tables are committed together or not at all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.db.transaction import atomic, on_commit

from dynamo import announce, context, rows, verdicts
from dynamo.changeset import ChangeSet, current, open_sets
from dynamo.verdicts import Findings
from events import fold, store
from events.diff import Handling, diff
from events.envelope import linked
from events.exceptions import DataRefused, DynamoError, ProjectionFailed, SchemaBusy, SchemaRefused
from events.schema import ModelSchema
from events.types import Event, Recorded
from projections import conf, pipeline
from projections.ddl import engine
from projections.transition import Change, Transition


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
        with _single(joined) if single else _all_or_nothing(joined):
            yield joined
        return
    with context.acting(reason=reason, actor=actor):
        work = yield from _outermost(using)
        for done in work.done:
            pipeline.settle(done)
            announce.after(done, work.context)


def _outermost(using: str) -> Generator[ChangeSet, None, ChangeSet]:
    """Run a whole change set; the caller's own errors pass as they are, ours come translated."""
    from dynamo import recovery

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
                        "a change of this batch was refused, so all of it is"
                    ) from work.failed
                if connections[using].needs_rollback:
                    raise SchemaRefused("the transaction was marked for rollback inside the change set")
                flush(work)
                with _translated():
                    stack.close()
        if work.steps_left and work.outermost:
            with _rows_put_back(work), _translated():
                recovery.take_steps(using, work.model, work.mark, known=work.steps_left)
    return work


def record(
    work: ChangeSet,
    before: ModelSchema | None,
    after: ModelSchema | None,
    handling: Mapping[str, Handling] | None = None,
) -> tuple[Recorded, ...]:
    """Append the events between two schemas of a model; nothing at all if they are equal."""
    events = list(diff(before, after, handling))
    if not events:
        return ()
    model_id = events[0].stream_id
    _assert_folds(before, after, events)
    if not work.pending:
        work.start = work.mark
    version = 0 if before is None else before.version
    recorded = linked(work.mark, work.now, events, work.context, {model_id: version})
    work.mark = replace(work.mark, position=recorded[-1].position, hash=recorded[-1].hash)
    work.before.setdefault(model_id, before)
    work.models[model_id] = None if after is None else replace(after, version=version + len(recorded))
    work.pending.extend(recorded)
    work.unwritten.extend(recorded)
    work.statements.extend(rows.project(work, before, work.models[model_id]))
    return tuple(recorded)


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
            "this change has to look at rows of a table that an earlier one of this transaction changes "
            "after the commit; make both in one batch(), or this one in a transaction of its own"
        ) from error


def write_events(work: ChangeSet) -> None:
    """Put into the log what was recorded so far, in one go: nobody reads it before."""
    if work.unwritten:
        whole = engine.transactional(work.using)
        store.write(work.using, work.unwritten, first=work.take_statements(), reached=whole)
        work.unwritten = []
        work.logged += 1


def write_open() -> None:
    """For who reads the log in the middle of a change set."""
    work = current(conf.database())
    if work is not None:
        write_events(work)


def _take_steps_late(using: str) -> None:
    """The caller's transaction is committed; what it accepted for the tables can be done now."""
    from dynamo import recovery

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
        raise SchemaRefused("a plan makes no classes; ask for the class after the change was made")
    if not engine.transactional(using):
        raise SchemaRefused(
            "MariaDB and MySQL change tables only at the end of a batch; ask for the class after it"
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
        using=using, outermost=outermost, context=context.current().envelope(), mark=mark, now=now
    )
    open_sets[connections[using]] = work
    pipeline.writing.add(connections[using])
    return work


def _end(using: str) -> None:
    open_sets.pop(connections[using], None)
    pipeline.writing.discard(connections[using])


def transition(work: ChangeSet) -> Transition:
    """What is pending, as one step from what the tables are to what they should be."""
    changes = {key: Change(before=old, after=work.models[key]) for key, old in work.before.items()}
    events = tuple(work.pending)
    return Transition(changes=changes, events=events, start=work.start, end=work.mark, others=work.model)


def _assert_folds(before: ModelSchema | None, after: ModelSchema | None, events: list[Event]) -> None:
    """The log is the truth, so what it will say must be what was meant."""
    folded = before
    for event in events:
        folded = fold.evolve(folded, event)
    if folded != (None if after is None or folded is None else replace(after, version=folded.version)):
        raise ProjectionFailed("the events of this change do not add up to it; nothing was recorded")


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
        raise DataRefused(f"rows stand in the way of this change: {error}", count=None, samples=[]) from error
    except OperationalError as error:
        if engine.is_locked(error):
            raise SchemaBusy(f"the schema is being changed elsewhere; try again ({error})") from error
        raise ProjectionFailed(f"the database refused this change: {error}") from error
    except DatabaseError as error:
        raise ProjectionFailed(f"the database refused this change: {error}") from error
