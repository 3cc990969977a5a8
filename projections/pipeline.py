"""The pipeline: which projectors run where, and `catch_up`, the one loop that follows the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakSet

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic, on_commit
from django.utils.translation import gettext as _

from events import fold, freshness, snapshots, store
from events.envelope import Mark
from events.exceptions import LogCorrupt, SchemaBusy
from events.schema import ModelSchema
from events.types import Recorded
from projections import admin_site, cache, conf, hearing, lazy
from projections.catalogue import Catalogue
from projections.ddl import engine, projector
from projections.ddl.projector import Payload
from projections.registry import UNKNOWN, registry
from projections.transition import Change, Transition, joined

logger = logging.getLogger("dynamo")

SETTLE_SECONDS = 5

Show: TypeAlias = Callable[[], None]

# Set by the layer above, which knows how to take a change back.
heal: Callable[[str, float], None] | None = None

# Connections with an open change set.
writing: WeakSet[BaseDatabaseWrapper] = WeakSet()


def project_shared(transition: Transition, using: str) -> list[Payload]:
    """What all processes share, in the transaction of the change: tables, content types, checkpoint.

    Returns the steps that are left for after the commit, as on MariaDB; the checkpoint comes with them.
    Where tables follow in the transaction, it was moved with the head.
    """
    steps_left = projector.project(transition, using)
    cache.project_shared(transition, using)
    if not steps_left and not engine.transactional(using):
        store.checkpoint(using, store.DATABASE, transition.end)
    return steps_left


def project_local(transition: Transition) -> None:
    """What each process has of its own: classes, caches, admin."""
    registry.project(transition)
    cache.project_local(transition)
    admin_site.project(transition)


def adopt(catalogue: Catalogue, mark: Mark) -> None:
    """As `project_local`, for a process that knew nothing before and so has no classes."""
    registry.adopt(catalogue, mark)
    cache.forget()


def catch_up(*, within: bool = False, wait: float = 0) -> bool:
    """Bring this process up to the log; says whether anything had changed.

    `wait` are the seconds to wait for a change that MariaDB has done half of, instead of showing what was
    before it.

    The gap is replayed where the log only grew, all of it where it is another log (a flush, a rolled back
    test, a restored backup). Classes that are in use keep their identity either way.
    """
    using = conf.database()
    connection: Any = connections[using]
    now = freshness.moment(connection) or hearing.moment(connection)
    if registry.loaded and freshness.unmoved(connection, now, registry.mark):
        return False
    if connection in writing and not within:
        # Its own events are not committed yet; the end of the change set shows them, or nothing does.
        return False
    while True:
        # While something is staged this process is ahead of the log on purpose, inside a transaction that
        # holds the writers' lock. The log is read without the registry's lock: a writer may wait for that.
        mark, catalogue = registry.mark, registry.catalogue
        if staged or not (registry.loaded or store.installed(using)):
            return False
        at = _shown(using, wait)
        if at == mark:
            registry.loaded = True
            freshness.looked(connection, now, mark)
            return False
        show = (
            _gap(using, catalogue, mark, at)
            or _first(using, catalogue, at)
            or _whole(using, catalogue, mark, at)
        )
        with registry.lock:
            if staged:
                return False
            # Another catalogue with the same mark: something was staged and taken back meanwhile.
            if registry.mark == mark and registry.catalogue is catalogue:
                show()
                registry.loaded = True
                lazy.relist()
                return True


def _shown(using: str, wait: float) -> Mark:
    """Where the tables are; a change that a killed process left half done is finished first."""
    if engine.transactional(using):
        return store.head(using)
    at, whole = store.reached(using)
    if whole or heal is None or connections[using].in_atomic_block:
        return at
    heal(using, wait)
    return store.shown(using)


def await_mark(mark: Mark) -> None:
    """Catch up to the locked head, taking back what was shown and is not in the log any more.

    The holder of the lock sees all that may be staged: its own, which a manual savepoint may have rolled
    back, or that of a thread whose transaction just ended and which is about to settle it.
    """
    using = conf.database()
    with registry.lock:
        gone = next((e for e in staged if not store.exists(using, e.shown.events[-1])), None)
        if gone is not None:
            take_back(gone)
    if registry.mark != mark or not registry.loaded:
        catch_up(within=True)
    with registry.moved:
        if not registry.moved.wait_for(lambda: registry.mark == mark, timeout=SETTLE_SECONDS):
            raise SchemaBusy(_("another thread of this process has not settled its schema change; try again"))


def load() -> None:
    """Read the schema for the first time, if its tables are there; if not, the next look-up asks again.

    There may be no database, as on a build machine. Test tools may forbid its use: pytest-django with a
    RuntimeError, Django's SimpleTestCase with an AssertionError. In an event loop Django forbids it; there
    the query itself opens the first connection, in its thread.
    """
    with suppress(
        DatabaseError, ImproperlyConfigured, SynchronousOnlyOperation, RuntimeError, AssertionError
    ):
        connection = connections[conf.database()]
        # In the middle of our own migrations not all tables are there, and asking must break no transaction.
        with atomic(using=connection.alias) if connection.in_atomic_block else nullcontext():
            follow()


def follow(*, wait: float = 0) -> bool:
    """Catch up, or stay with the last good schema and say so once: a damaged log must not stop the site."""
    try:
        return catch_up(wait=wait)
    except LogCorrupt as error:
        if registry.stuck != str(error):
            logger.error("the schema log cannot be replayed: %s; run `manage.py dynamo verify`", error)
        registry.stuck = str(error)
        registry.loaded = True
        return False


def known_at(mark: Mark) -> Catalogue:
    """All schemas at a mark: this process's own where it is there, else the log's."""
    with registry.lock:
        if registry.mark == mark:
            return registry.catalogue
    return Catalogue.of(snapshots.schema(conf.database(), mark.position).models)


def changed_hands(known: Catalogue, mark: Mark) -> bool:
    """Whether since that mark a column or table went to another field or model by the name that one had.

    Who read by the former schema meanwhile met no error, and has the values of the one for the other.
    """
    using, now = conf.database(), registry.mark
    if now == mark:
        return False
    if now.registry_id != mark.registry_id or now.position < mark.position:
        return True
    held: dict[tuple[str, str], str] = {}
    models: dict[str, ModelSchema] = {}
    seen: set[str] = set()
    for recorded in store.read(using, after=mark.position, upto=now.position):
        model_id = recorded.stream_id
        if model_id not in seen and model_id in known.models:
            models[model_id] = known.models[model_id]
            held |= _places(models[model_id])
        seen.add(model_id)
        fold.advance(models, recorded)
        # After each one: what was so in between, and is not any more, may have been read.
        places = _places(models.get(model_id))
        if any(held.get(place, owner) != owner for place, owner in places.items()):
            return True
    return False


def _places(model: ModelSchema | None) -> dict[tuple[str, str], str]:
    """What is read by name: tables, with what they belong to, and columns, with what is in them."""
    if model is None or model.retired:
        return {}
    found = {("", model.db_table): model.id}
    for field in model.fields:
        place = ("", field.table) if field.is_many_to_many else (model.id, field.column)
        found[place] = field.storage
    return found


def _gap(using: str, known: Catalogue, mark: Mark, at: Mark) -> Show | None:
    """Replay the events between two marks on the models they touch; None where one leads not to the other."""
    if at.registry_id != mark.registry_id or at.position <= mark.position:
        return None
    events = tuple(store.read(using, after=mark.position, upto=at.position))
    if not events or events[0].prev_hash != mark.hash:
        return None
    return partial(project_local, _transition(_changes(known, events), events, mark, at))


def _first(using: str, known: Catalogue, at: Mark) -> Show | None:
    """Where nothing is known yet: take a snapshot as it is, and replay the events since; None without one."""
    if len(known.models):
        return None
    base, names, packed = snapshots.packed(using, at.position)
    if not base:
        return None
    found = Catalogue.packed(names, packed, partial(snapshots.recovered, using, base))
    changes = _changes(found, store.read(using, after=base, upto=at.position))
    return partial(adopt, found.changed(changes), at)


def _whole(using: str, known: Catalogue, mark: Mark, at: Mark) -> Show:
    models = snapshots.schema(using, at.position).models
    return partial(_replace, _transition(joined(known.models, models), (), mark, at))


def _replace(transition: Transition) -> None:
    """As `project_local`, where models of the same name may be others."""
    project_local(transition)
    cache.forget()


def _changes(known: Catalogue, events: Iterable[Recorded]) -> dict[str, Change]:
    """What events make of the models they are about; the others are not looked at."""
    before: dict[str, ModelSchema] = {}
    after: dict[str, ModelSchema] = {}
    for recorded in events:
        model_id = recorded.stream_id
        if model_id not in before and model_id in known.models:
            before[model_id] = after[model_id] = known.models[model_id]
        fold.advance(after, recorded)
    return joined(before, after)


def _transition(
    changes: Mapping[str, Change], events: tuple[Recorded, ...], start: Mark, end: Mark
) -> Transition:
    return Transition(changes=changes, events=events, start=start, end=end, others=registry.schema)


class Staged:
    """A transition shown inside a caller's transaction, taken back unless that transaction commits.

    Django drops the commit hooks of a transaction that rolls back; the hook's end tells us at once.
    """

    def __init__(self, entry: Entry, using: str, publish: Callable[[], None]) -> None:
        self.entry = entry
        self.using = using
        self.publish = publish

    def __call__(self) -> None:
        """The transaction committed; a manual savepoint may still have taken our event away."""
        if self.entry not in staged:
            return
        if not store.exists(self.using, self.entry.shown.events[-1]):
            take_back(self.entry)
            return
        # Test tools run hooks inside the test's transaction and keep them: it rolls back later.
        if not connections[self.using].in_atomic_block:
            staged.remove(self.entry)
        publish, self.publish = self.publish, _nothing
        publish()

    def __del__(self) -> None:
        if self.entry in staged:
            take_back(self.entry)
            # Dropped, which may also mean that another hook failed after a commit: look again before use.
            registry.loaded = False


def _nothing() -> None:
    """What a hook does that has nothing to do, or has done it already."""


class Entry:
    """`dropped` is called when the transition is taken back."""

    def __init__(self, shown: Transition, dropped: Callable[[], None]) -> None:
        self.shown = shown
        self.dropped = dropped


# Transitions shown before their commit, oldest first; only the holder of the writers' lock can have any.
staged: list[Entry] = []


def stage(
    shown: Transition, using: str, publish: Callable[[], None], dropped: Callable[[], None] = _nothing
) -> None:
    """Show a transition inside the caller's transaction; `publish` runs after its commit."""
    entry = Entry(shown, dropped)
    with registry.lock:
        project_local(shown)
        staged.append(entry)
    on_commit(Staged(entry, using, publish), using=using)


def take_back(entry: Entry) -> None:
    """Undo a transition and all that came after it, newest first."""
    with registry.lock:
        while entry in staged:
            last = staged.pop()
            project_local(last.shown.inverse())
            last.dropped()


def settle(done: Transition) -> None:
    """Show a committed transition, unless another thread caught up with it first."""
    with registry.lock:
        if registry.mark == done.start:
            project_local(done)
            return
    catch_up()


def reset() -> Any:
    """Look at the log again from nothing; classes of models that are still there keep their identity."""
    with registry.lock:
        staged.clear()
        registry.mark = UNKNOWN
        registry.loaded = False
    return catch_up()
