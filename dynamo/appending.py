"""Appending: schemas of a model become events of the open change set, and meta rows that follow them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.utils.translation import gettext as _

from dynamo import rows
from dynamo.changeset import ChangeSet, current
from events import fold, store
from events.diff import Handling, diff
from events.envelope import linked
from events.exceptions import ProjectionFailed, SchemaRefused
from events.schema import ModelSchema
from events.types import Event, Recorded, RegistryEvent
from projections import conf
from projections.ddl import engine
from projections.transition import Change, Transition


def record(
    work: ChangeSet,
    before: ModelSchema | None,
    after: ModelSchema | None,
    handling: Mapping[str, Handling] | None = None,
    *,
    version: int = 0,
) -> tuple[Recorded, ...]:
    """Append the events between two schemas of a model; nothing at all if they are equal.

    `version` is that of the stream where a model that was purged comes back.
    """
    events = list(diff(before, after, handling))
    if not events:
        return ()
    model_id = events[0].stream_id
    _assert_folds(before, after, events)
    _refuse_converted_again(work.before.get(model_id, before), handling or {})
    version = version if before is None else before.version
    recorded = _appended(work, events, version)
    work.before.setdefault(model_id, before)
    work.models[model_id] = None if after is None else replace(after, version=version + len(recorded))
    work.statements.extend(rows.project(work, before, work.models[model_id]))
    return recorded


def note(work: ChangeSet, event: RegistryEvent) -> Recorded:
    """Append a fact about the registry itself."""
    write_events(work)
    (recorded,) = _appended(work, [event], store.last_version(work.using, event.stream_id))
    return recorded


def _appended(work: ChangeSet, events: list[Event], version: int) -> tuple[Recorded, ...]:
    if not work.pending:
        work.start = work.mark
    recorded = linked(work.mark, work.now, events, work.context, {events[0].stream_id: version})
    work.mark = replace(work.mark, position=recorded[-1].position, hash=recorded[-1].hash)
    work.pending.extend(recorded)
    work.unwritten.extend(recorded)
    return tuple(recorded)


def transition(work: ChangeSet) -> Transition:
    """What is pending, as one step from what the tables are to what they should be."""
    changes = {key: Change(before=old, after=work.models[key]) for key, old in work.before.items()}
    events = tuple(work.pending)
    return Transition(changes=changes, events=events, start=work.start, end=work.mark, others=work.model)


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


def _refuse_converted_again(started: ModelSchema | None, handling: Mapping[str, Handling]) -> None:
    """Values go from a column that is there when the tables change; one made in between never is."""
    there = {} if started is None else {f.id: f.storage for f in (*started.fields, *started.retired_fields)}
    for field_id, said in handling.items():
        if said.kept is not None and field_id in there and said.kept.storage not in there.values():
            label = said.kept.name if started is None else f"{started.label}.{said.kept.name}"
            raise SchemaRefused(
                _(
                    "%(label)s was converted in this change set; convert it again in the next, or roll "
                    "back then"
                )
                % {"label": label}
            )


def _assert_folds(before: ModelSchema | None, after: ModelSchema | None, events: list[Event]) -> None:
    """The log is the truth, so what it will say must be what was meant."""
    folded = before
    for event in events:
        folded = fold.evolve(folded, event)
    if folded != (None if after is None or folded is None else replace(after, version=folded.version)):
        raise ProjectionFailed("the events of this change do not add up to it; nothing was recorded")
    if after is not None:
        storages = [f.storage for f in (*after.fields, *after.retired_fields)]
        if len(set(storages)) != len(storages):
            raise ProjectionFailed(f"two fields of {after.label} would share a column; nothing was recorded")
