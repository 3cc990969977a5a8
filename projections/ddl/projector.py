"""The DDL projector: by storage id, lead each table from its former shape to the new one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connections, models

from events.schema import FieldSchema
from projections import fields
from projections.ddl import convert, engine, linking, moving, physical, preflight
from projections.ddl.physical import Table
from projections.ddl.work import TableWork
from projections.transition import Transition


def project(transition: Transition, using: str) -> None:
    """Run the schema statements of a transition: moves first, so that names are free, drops last."""
    changes = [change for _, change in transition.shaped()]
    if not changes:
        return
    engine.settle(using)
    with engine.editor(using, transition.end.position) as editor:
        work = [TableWork(using, editor, transition, change) for change in changes]
        moving.project(work)
        for step in (_create, _reshape, linking.project, _drop):
            for item in work:
                step(item)
    engine.check_references(using, [name for item in work for name in item.names()])


def _create(work: TableWork) -> None:
    if work.change.before is not None or work.change.after is None:
        return
    described = physical.table(work.change.after)
    work.editor.create_model(work.model(described))
    work.state = described


def _reshape(work: TableWork) -> None:
    after = work.change.after
    if work.change.before is None or after is None or work.state is None:
        return
    target = physical.table(after)
    if work.state.together and work.state.together != target.together:
        _set_together(work, ())
    for storage in [s for s in work.state.columns if s not in target.columns]:
        _remove(work, storage)
    _alter_columns(work, target)
    for storage, column in target.columns.items():
        if storage not in work.state.columns:
            _add(work, column, loose=storage in target.loose)
    if work.state.together != target.together:
        _set_together(work, target.together)


def _set_together(work: TableWork, together: tuple[str, ...]) -> None:
    state = work.state
    assert state is not None
    if together:
        work.state = replace(state, together=together)
        model = work.model(work.state)
        work.editor.add_constraint(model, model._meta.constraints[0])
    else:
        model = work.model(state)
        dropped = model._meta.constraints[0]
        # The editor remakes SQLite's table from the class, which must not list the constraint any more.
        if connections[work.using].vendor == "sqlite":
            model = work.model(replace(state, together=()))
        work.editor.remove_constraint(model, dropped)
        work.state = replace(state, together=())


def _alter_columns(work: TableWork, target: Table) -> None:
    """Alter what is in both; a column whose new name is still taken waits, or steps aside."""
    assert work.state is not None
    waiting = [s for s in target.columns if s in work.state.columns and _differs(work, target, s)]
    while waiting:
        state = work.state
        assert state is not None
        taken = {c.column.lower(): s for s, c in state.columns.items()}
        free = [s for s in waiting if taken.get(target.columns[s].column.lower(), s) == s]
        if free:
            _alter(work, target, free[0])
            waiting.remove(free[0])
        else:
            _step_aside(work, waiting[0])


def _differs(work: TableWork, target: Table, storage: str) -> bool:
    """Whether the database sees a difference; most changes of a model concern one column."""
    state = work.state
    assert state is not None
    loose = (storage in state.loose, storage in target.loose)
    if state.columns[storage] == target.columns[storage] and loose[0] == loose[1]:
        return False
    before, after = (work.column(described, storage) for described in (state, target))
    connection = connections[work.using]
    return _signature(before, connection) != _signature(after, connection)


def _step_aside(work: TableWork, storage: str) -> None:
    assert work.state is not None
    column = work.state.columns[storage]
    moved = replace(column, column=f"zz_aside_{storage.replace('-', '')[:12]}")
    _alter_to(work, work.state, work.state.with_column(moved), storage, None)


def _alter(work: TableWork, target: Table, storage: str) -> None:
    state = work.state
    assert state is not None
    column = target.columns[storage]
    loose = (state.loose - {storage}) | (target.loose & {storage})
    altered = replace(state.with_column(column), loose=loose)
    former = state.columns[storage]
    if _optional_text_becomes_unique(former, column) or _stops_being_unique(former, column):
        relaxed = replace(altered, relaxed=altered.relaxed | {storage})
        _alter_to(work, state, relaxed, storage, None)
        if column.unique:
            _empty_to_null(work, relaxed, storage)
        state = relaxed
    _alter_to(
        work,
        state,
        altered,
        storage,
        convert.existing_value(column, preflight.handling_of(work.transition, column)),
    )


def _alter_to(work: TableWork, old: Table, new: Table, storage: str, fill: Any) -> None:
    """Alter one column; NULLs take `fill` first where NULL is no longer allowed."""
    name = physical.attribute(storage)
    old_model, new_model = work.model(old), work.model(new)
    before, after = old_model._meta.get_field(name), new_model._meta.get_field(name)
    connection = connections[work.using]
    if _signature(before, connection) != _signature(after, connection):
        if before.null and not after.null:
            _fill_nulls(work, old_model, before, after, fill)
        work.editor.alter_field(old_model, before, after)
    work.state = new


def _fill_nulls(work: TableWork, model: Any, before: Any, after: Any, fill: Any) -> None:
    value = "" if fill is None and after.empty_strings_allowed else fill
    if value is None:
        return
    empty = model._base_manager.using(work.using).filter(**{f"{before.name}__isnull": True})
    if empty.update(**{before.name: value}):
        engine.settle(work.using)


def _optional_text_becomes_unique(old: FieldSchema, new: FieldSchema) -> bool:
    """Then '' must become NULL, because only NULL may occur more than once."""
    text = new.type in convert.TEXT
    return text and new.unique and not new.required and not fields.nullable(old) and not new.retired


def _stops_being_unique(old: FieldSchema, new: FieldSchema) -> bool:
    """Then several NULLs become one value, which must wait until the constraint is gone."""
    filled = fields.nullable(old) and not fields.nullable(new)
    return filled and old.unique and not new.unique and not new.retired


def _empty_to_null(work: TableWork, described: Table, storage: str) -> None:
    name = physical.attribute(storage)
    rows = work.model(described)._base_manager.using(work.using)
    if rows.filter(**{name: ""}).update(**{name: None}):
        engine.settle(work.using)


def _add(work: TableWork, column: FieldSchema, *, loose: bool) -> None:
    state = work.state
    assert state is not None
    if loose:
        work.state = state = replace(state, loose=state.loose | {column.storage})
    handling = preflight.handling_of(work.transition, column)
    source = None if handling.on_error == "keep" else handling.kept
    per_row = column.options.get("default_factory") == "uuid4"
    if source is None and not per_row:
        _add_constant(work, column)
        return
    relaxed = replace(state.with_column(column), relaxed=state.relaxed | {column.storage})
    model = work.model(relaxed)
    name = physical.attribute(column.storage)
    work.editor.add_field(work.model(state), model._meta.get_field(name))
    work.state = relaxed
    if source is not None:
        convert.copy(work.using, model, source, column, handling)
    else:
        convert.fill_each(work.using, model, name, fields.FACTORIES["uuid4"])
    engine.settle(work.using)
    final = replace(relaxed, relaxed=state.relaxed)
    _alter_to(work, relaxed, final, column.storage, convert.existing_value(column, handling))
    work.state = final


def _add_constant(work: TableWork, column: FieldSchema) -> None:
    """Add a column with one value for the rows that are there."""
    state = work.state
    assert state is not None
    described = state.with_column(column)
    model = work.model(described)
    made = model._meta.get_field(physical.attribute(column.storage))
    value = convert.existing_value(column, preflight.handling_of(work.transition, column))
    if value is not None and made.db_default is models.NOT_PROVIDED:
        made.default = value
    work.editor.add_field(work.model(state), made)
    if value is not None and made.db_default is not models.NOT_PROVIDED and made.db_default != value:
        made.default = models.NOT_PROVIDED
        model._base_manager.using(work.using).update(**{made.name: value})
        engine.settle(work.using)
    work.state = described


def _remove(work: TableWork, storage: str) -> None:
    state = work.state
    assert state is not None
    model = work.model(state)
    work.editor.remove_field(model, model._meta.get_field(physical.attribute(storage)))
    work.state = state.without(storage)


def _drop(work: TableWork) -> None:
    if work.change.after is None and work.state is not None:
        work.editor.delete_model(work.model(work.state))


def _signature(field: Any, connection: Any) -> tuple[Any, ...]:
    """All of a column that the database knows."""
    relation = field.remote_field
    return (
        field.column,
        field.db_parameters(connection),
        field.null,
        field.unique,
        field.db_index,
        None if relation is None else (relation.model._meta.db_table, field.db_constraint),
        None if field.db_default is models.NOT_PROVIDED else field.db_default,
    )
