"""From a transition to the steps that bring the tables up to it: a table of contents of what is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from events.diff import Handling
from events.schema import FieldSchema, ModelSchema, thaw
from events.types import FieldAdded, FieldAltered, FieldRestored, ModelRestored
from projections import fields
from projections.ddl import physical, steps, values
from projections.ddl.physical import Item, Link, Lookup, Table
from projections.ddl.steps import Step, Values
from projections.transition import Change, Transition

Said: TypeAlias = Mapping[str, Handling]

ASIDE: Final = "zz_aside"
CASE: Final = "zz_case"


def plan(transition: Transition) -> list[Step]:
    """Renames first, so that names are free; drops last, so that nothing refers to what is gone."""
    changes = [change for _, change in transition.shaped()]
    said = handling(transition)
    return [
        *_renames(changes),
        *(steps.Create(item=item) for change in changes for item in _new(change)),
        *(step for change in changes for step in _reshaped(change, said)),
        *(steps.Refer(item=item) for change in changes for item in _new(change)),
        *(step for change in changes for step in _purged(change)),
        *(steps.Drop(name=name) for change in changes for name in _gone(change)),
    ]


def lookup(transition: Transition) -> Lookup:
    """Models as they are meant to be; for what is gone, as they were."""

    def find(model_id: str) -> ModelSchema | None:
        return transition.after(model_id) or transition.before(model_id)

    return find


def handling(transition: Transition) -> dict[str, Handling]:
    """What the change set said about existing rows, by field; saying nothing takes nothing back."""
    found: dict[str, Handling] = {}
    for recorded in transition.events:
        event = recorded.event
        if isinstance(event, FieldAdded | FieldAltered | FieldRestored):
            found[event.field_id] = _merged(found.get(event.field_id, Handling()), event)
        elif isinstance(event, ModelRestored) and event.on_error != "fail":
            model = transition.after(event.stream_id)
            relations = () if model is None else (f for f in model.fields if _can_let_go(f))
            found |= {f.id: Handling(on_error=event.on_error) for f in relations}
    return found


def _can_let_go(field: FieldSchema) -> bool:
    return field.is_relation and not field.is_many_to_many and not field.required


def _merged(said: Handling, event: FieldAdded | FieldAltered | FieldRestored) -> Handling:
    if event.backfill is not None:
        said = replace(said, backfill=thaw(event.backfill))
    if isinstance(event, FieldAltered) and event.kept is not None:
        said = replace(said, kept=FieldSchema(**event.kept))
    if isinstance(event, FieldAltered) and event.revived is not None:
        said = replace(said, path=event.revived["path"])
    if isinstance(event, FieldRestored) and event.on_error != "fail":
        said = replace(said, on_error=event.on_error)
    if isinstance(event, FieldAltered) and event.on_error != "fail":
        said = replace(said, on_error=event.on_error, error_value=thaw(event.error_value))
    return said


def _renames(changes: list[Change]) -> Iterator[Step]:
    pairs = [pair for change in changes for pair in _moved(change)]
    taken = {old.lower() for old, _ in pairs}
    for old, new in steps.one_by_one(pairs, taken, ASIDE):
        if old.lower() == new.lower():
            # SQLite takes a name that differs in case only for the one that is there.
            yield steps.Rename(old=old, new=CASE)
        yield steps.Rename(old=CASE if old.lower() == new.lower() else old, new=new)


def _moved(change: Change) -> Iterator[tuple[str, str]]:
    before, after = change.before, change.after
    if before is None or after is None:
        return
    if before.db_table != after.db_table:
        yield before.db_table, after.db_table
    old = physical.links(before)
    for storage, link in physical.links(after).items():
        if storage in old and old[storage].name != link.name:
            yield old[storage].name, link.name


def _new(change: Change) -> Iterator[Item]:
    if change.after is None:
        return
    if change.before is None:
        yield physical.table(change.after)
    known = {} if change.before is None else physical.links(change.before)
    yield from (link for storage, link in physical.links(change.after).items() if storage not in known)


def _gone(change: Change) -> Iterator[str]:
    """Link tables go before the tables that they refer to."""
    if change.before is None:
        return
    kept = {} if change.after is None else physical.links(change.after)
    yield from (link.name for storage, link in physical.links(change.before).items() if storage not in kept)
    if change.after is None:
        yield change.before.db_table


def _reshaped(change: Change, said: Said) -> Iterator[Step]:
    before, after = change.before, change.after
    if before is None or after is None:
        return
    yield from _reshaped_table(before, after, said)
    old = physical.links(before)
    for storage, link in physical.links(after).items():
        if storage in old:
            former = replace(old[storage], name=link.name)
            if former.loose and not link.loose:
                # Its columns are renamed after that, if the target was renamed meanwhile.
                column = replace(link.column, link_columns=(former.source, former.target))
                yield Values(kind=values.PRUNE, schema_id=after.id, table=after.db_table, column=column)
            yield from _unless_equal(former, link)
            yield from _relinked(after, link, said)


def _relinked(after: ModelSchema, link: Link, said: Said) -> Iterator[Step]:
    """Once a link table is as it was, what was edited since goes into it."""
    own = said.get(link.column.id, Handling())
    if own.path and own.kept is not None and not own.kept.is_many_to_many and not link.column.retired:
        yield Values(
            kind=values.RELINK,
            schema_id=after.id,
            table=after.db_table,
            column=link.column,
            source=own.kept,
            said=own,
            path=own.path,
        )


def _purged(change: Change) -> Iterator[Step]:
    """Columns go at the very end: nothing brings them back, so all else has to be done by then."""
    if change.before is not None and change.after is not None:
        yield from _unless_equal(_with_purged(change.before, change.after), physical.table(change.after))


def _with_purged(before: ModelSchema, after: ModelSchema) -> Table:
    """The new table with the columns that are about to go, under names that nothing else takes."""
    new = physical.table(after)
    old = physical.table(before).columns
    going = {key: _going(column) for key, column in old.items() if key not in new.columns}
    loose = frozenset(key for key, column in going.items() if column.is_relation)
    return replace(new, columns={**new.columns, **going}, loose=new.loose | loose) if going else new


def _going(column: FieldSchema) -> FieldSchema:
    if column.retired:
        return column
    return replace(column, column=f"zz_{column.storage.replace('-', '')[-12:]}_gone", retired=True)


def _reshaped_table(before: ModelSchema, after: ModelSchema, said: Said) -> Iterator[Step]:
    """At most two passes: where rows have to be filled, once before that and once after."""
    old = replace(physical.table(before), name=after.db_table)
    new = _with_purged(before, after)
    work = list(_values(old, new, after, said))
    interim = _interim(old, new, work) if work else new
    yield from _unless_equal(old, interim)
    yield from (step for step in work if step.kind != values.CONSTANT)
    yield from _unless_equal(interim, new)


def _unless_equal(before: Item, after: Item) -> Iterator[Step]:
    if isinstance(before, Link) or isinstance(after, Link):
        if _described(before) != _described(after):
            yield steps.Reshape(before=before, after=after)
    elif before.together != after.together or steps.touched(before, after):
        yield steps.Reshape(before=before, after=after)


def _described(item: Item) -> object:
    assert isinstance(item, Link)
    return item.source, item.target, item.loose, item.unique, item.column.related_model


def _interim(old: Table, new: Table, work: list[Values]) -> Table:
    """The table while its rows are being written: nothing there refuses a row that is not filled yet."""
    filling = {step.column.storage for step in work if step.kind in values.FILLING}
    fresh = {s for s in filling if s not in old.columns}
    had = {s for s, column in old.columns.items() if column.is_unique and not column.retired}
    becoming = {s for s in filling - fresh - had if new.columns[s].is_unique}
    constant = {
        s.column.storage: values.existing(s.column, s.said) for s in work if s.kind == values.CONSTANT
    }
    together = new.together if old.together == new.together else ()
    lost = {s.column.storage for s in work if s.kind in (values.DETACH, values.REVERT)}
    return replace(
        new,
        loose=new.loose | lost,
        relaxed=frozenset(filling),
        bare=frozenset(fresh | becoming),
        filled=constant,
        together=together,
    )


def _values(old: Table, new: Table, model: ModelSchema, said: Said) -> Iterator[Values]:
    """What has to be written into rows: columns of the table first, then new link tables."""
    tied = old.loose - new.loose
    changed = (
        c for storage, c in new.columns.items() if storage in tied or old.columns.get(storage) is not c
    )
    many = (f for f in model.fields if f.is_many_to_many)
    for column in (*changed, *many):
        own = Handling() if column.retired else said.get(column.id, Handling())
        for kind in _kinds(old, new, column, own):
            yield Values(
                kind=kind,
                schema_id=model.id,
                table=new.name,
                column=column,
                source=own.kept,
                said=own,
                path=own.path,
            )


def _kinds(old: Table, new: Table, column: FieldSchema, said: Handling) -> Iterator[str]:
    """Which writing a column needs, if any."""
    former = old.columns.get(column.storage)
    if column.retired:
        return
    if column.is_many_to_many:
        if said.kept is not None and not said.kept.is_many_to_many and not said.path:
            yield values.LINK
    elif former is not None:
        comes_back = said.path and said.kept is not None and (former.retired or former.id != column.id)
        tied = column.is_relation and column.storage in old.loose - new.loose
        if tied and said.on_error == "null" and not comes_back:
            yield values.DETACH
        if comes_back and said.kept is not None:
            yield values.REVERT
            return
        yield from _kinds_of_altered(former, column, said)
    elif said.kept is not None and said.on_error != "keep":
        yield values.UNLINK if said.kept.is_many_to_many else values.CONVERT
    elif column.options.get("default_factory") == "uuid4":
        yield values.EACH
    elif values.existing(column, said) is not None:
        yield values.CONSTANT


def _kinds_of_altered(former: FieldSchema, column: FieldSchema, said: Handling) -> Iterator[str]:
    text = fields.takes_empty(column)
    took_null = former.retired or fields.nullable(former)
    if text and column.unique and not column.required and not took_null:
        yield values.EMPTY
    elif took_null and not fields.nullable(column) and (text or values.existing(column, said) is not None):
        yield values.FILL
