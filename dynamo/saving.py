"""Saving and deleting meta rows: from a row's attributes to the schema that is meant, then to `record`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dynamo import clashes, handling, intent, naming, neighbours, record
from dynamo.changeset import ChangeSet, current
from dynamo.overlay import Shown
from dynamo.patience import patient
from events import store
from events.diff import Handling
from events.exceptions import ModelNotFound, SchemaConflict, SchemaRefused
from events.schema import FieldSchema, ModelSchema, freeze, same
from projections import conf
from projections.registry import registry


def snapshot(row: Any) -> dict[str, Any]:
    """The attributes as they are now, so that a later save knows which of them were changed."""
    return {name: freeze(row.__dict__[name]) for name in row.ATTRIBUTES if name in row.__dict__}


@patient
def save_model(row: Any, update_fields: Iterable[str] | None) -> None:
    _give_key(row)
    with record.change_set(single=True) as work:
        before = _current_model(work, row)
        given = _merged(row, None if before is None else intent.model_row(before), update_fields)
        after = intent.model_schema(given, before, str(row.pk), work)
        clashes.check_model(after, work)
        _check_accessors(after, before, work)
        record.record(work, before, after)
        if before is not None and before.name != after.name:
            neighbours.rename_link_columns(after, work)
        _remember(row, work)
    _accept(row, intent.model_row(after))


@patient
def save_field(row: Any, update_fields: Iterable[str] | None, said: Handling) -> None:
    _give_key(row)
    with record.change_set(single=True) as work:
        model, before = _model_of(work, row), _current_field(work, row)
        if before is not None and model.field(before.id) is None:
            raise SchemaRefused(
                _("field %(field)r cannot move to another model; add it there and retire it here")
                % {"field": row.name}
            )
        shown = None if before is None else intent.field_row(before, model, work)
        given = _merged(row, shown, update_fields)
        after = intent.field_schema(given, before, model, work, str(row.pk))
        handling.check(after, said)
        by_field = {after.id: said}
        changed = model.with_field(after)
        if before is not None:
            changed, by_field = _altered(work, model, before, after, said)
            after = changed.field(after.id) or after
        clashes.check_fields(changed, work)
        record.record(work, model, changed, by_field)
        attributes = intent.field_row(after, changed, work)
        _remember(row, work)
    _accept(row, attributes)


@patient
def delete_model(row: Any) -> None:
    with record.change_set(single=True) as work:
        before = _current_model(work, row)
        if before is None:
            raise ModelNotFound(
                _("%(row)s is not in the registry any more") % {"row": row}, model=str(row.pk)
            )
        neighbours.refuse_referenced(before, work)
        after = naming.retired_model(before, work.position())
        record.record(work, before, after)
        if conf.get("DYNAMO_DELETE_TABLES"):
            record.record(work, work.model(before.id), None)
        _remember(row, work)
    _forget_key(row)


@patient
def delete_field(row: Any) -> None:
    with record.change_set(single=True) as work:
        model, before = _model_of(work, row), _current_field(work, row)
        if before is None:
            raise SchemaRefused(_("field %(field)r is not in the registry any more") % {"field": row.name})
        if before.unique_together:
            raise SchemaRefused(
                _("%(model)s.%(field)s is part of a unique_together; clear that flag, then retire it")
                % {"model": model.label, "field": before.name}
            )
        after = model.without_field(before.id).with_retired(naming.tombstone(before, work.position()))
        after = intent.follow_name(after, before.name, None)
        record.record(work, model, after)
        if conf.get("DYNAMO_DELETE_COLUMNS"):
            kept = work.model(model.id)
            assert kept is not None
            record.record(work, kept, kept.without_retired(before.id))
        _remember(row, work)
    _forget_key(row)


def clean_model(row: Any) -> None:
    """What a form can know before saving: the row by itself."""
    given = {name: getattr(row, name) for name in row.ATTRIBUTES}
    intent.model_schema(given, None, str(row.pk), Shown())


def clean_field(row: Any) -> None:
    """What a form can know before saving; relations to models of the same form are judged on saving."""
    given = {name: getattr(row, name) for name in row.ATTRIBUTES}
    model = registry.schema(str(row.meta_model_id)) or _unsaved(row)
    catalogue = Shown()
    try:
        intent.field_schema(given, model.field(str(row.pk)), model, catalogue, str(row.pk))
    except ValidationError as error:
        found = error.update_error_dict({})
        if set(found) != {"related_model"} or not given["related_model"]:
            raise


def get_model(row: Any) -> Any:
    using = conf.database()
    record.show(using)
    found = registry.model_class(str(row.pk))
    if found is None:
        registry.ensure_loaded()
        found = registry.model_class(str(row.pk))
    if found is None:
        raise ModelNotFound(
            _("%(row)s has no generated class: it was not saved, or was retired") % {"row": row},
            model=str(row.pk),
        )
    return found


def schema(row: Any) -> ModelSchema | None:
    work = current(conf.database())
    if work is not None:
        return work.model(str(row.pk))
    registry.ensure_loaded()
    return registry.schema(str(row.pk))


def history(row: Any) -> list[Any]:
    record.write_open()
    return list(store.read(conf.database(), stream_id=str(row.pk)))


def _unsaved(row: Any) -> ModelSchema:
    """A model that is being made in the same form."""
    return ModelSchema(id=str(row.meta_model_id), name="Unsaved", app=conf.default_app(), db_table="unsaved")


def _forget_key(row: Any) -> None:
    """As Django leaves a deleted instance: saved again, it would be a new row."""
    row._state.adding = True
    row.pk = None
    row.loaded = {}


def _give_key(row: Any) -> None:
    """Formsets empty the key of a row that is not saved yet."""
    if row.pk is None:
        row.pk = uuid.uuid4()


def _current_model(work: ChangeSet, row: Any) -> ModelSchema | None:
    """The row's schema; None for a new row, or one whose first save was rolled back."""
    found = work.model(str(row.pk))
    if found is None or not found.retired:
        return found
    if row._state.adding:
        raise SchemaRefused(
            _("%(pk)s is the key of a retired model; create %(row)s under a new key")
            % {"pk": row.pk, "row": row}
        )
    raise SchemaConflict(_("%(row)s was retired meanwhile") % {"row": row}, model=str(row.pk))


def _model_of(work: ChangeSet, row: Any) -> ModelSchema:
    found = work.model(str(row.meta_model_id))
    if found is None or found.retired:
        raise ValidationError({"meta_model": _("the field's model is not in the registry; save it first")})
    return found


def _current_field(work: ChangeSet, row: Any) -> FieldSchema | None:
    """The row's schema; None for a new row, or one whose first save was rolled back."""
    key = str(row.pk)
    model = work.model(str(row.meta_model_id))
    found = None if model is None else model.field(key)
    if found is not None or model is None:
        return found
    if model.retired_field(key) is not None and row._state.adding:
        raise SchemaRefused(
            _("%(key)s is the key of a retired field; add %(field)r under a new key")
            % {"key": key, "field": row.name}
        )
    elsewhere = not row._state.adding and type(row).objects.filter(pk=key).exists()
    if model.retired_field(key) is not None or elsewhere:
        raise SchemaConflict(
            _("field %(field)r was retired meanwhile, or is of another model") % {"field": row.name},
            field=key,
        )
    return None


def _merged(row: Any, shown: dict[str, Any] | None, update_fields: Iterable[str] | None) -> dict[str, Any]:
    """The row's changed attributes over what is current; the same attribute changed twice is a conflict."""
    given = {name: getattr(row, name) for name in row.ATTRIBUTES if name in row.__dict__}
    if update_fields is not None:
        given = {name: value for name, value in given.items() if name in set(update_fields)}
    if shown is None:
        return {name: getattr(row, name) for name in row.ATTRIBUTES}
    out = dict(shown)
    for name, value in given.items():
        new, loaded, present = freeze(value), row.loaded.get(name), freeze(shown[name])
        if name in row.loaded and same(new, loaded):
            continue
        if name in row.loaded and not same(loaded, present) and not same(new, present):
            raise SchemaConflict(
                _(
                    "%(name)r of %(row)s was changed meanwhile from %(loaded)r to %(present)r, and you "
                    "set %(new)r; load it again and decide"
                )
                % {"name": name, "row": row, "loaded": loaded, "present": present, "new": new},
                attribute=name,
                base=loaded,
                theirs=present,
                yours=new,
            )
        out[name] = value
    return out


def _altered(
    work: ChangeSet, model: ModelSchema, before: FieldSchema, after: FieldSchema, said: Handling
) -> tuple[ModelSchema, dict[str, Handling]]:
    """Place an altered field: in its own column, or in a new one with the former kept as a tombstone."""
    after, moves = intent.placed(after, before, on_error=said.on_error)
    changed = intent.follow_name(model, before.name, after.name)
    if not moves:
        return changed.with_field(after), {after.id: said}
    kept = naming.kept_column(before, work.position())
    return changed.with_field(after).with_retired(kept), {after.id: replace(said, kept=kept)}


def _check_accessors(after: ModelSchema, before: ModelSchema | None, work: ChangeSet) -> None:
    """A new name gives relations new accessors."""
    if before is None or before.key == after.key:
        return
    for field in after.fields:
        if field.is_relation:
            clashes.check_relation(after, field, work)


def _accept(row: Any, attributes: dict[str, Any]) -> None:
    """Show on the row what was recorded: resolved names, order, options with their defaults."""
    for name, value in attributes.items():
        setattr(row, name, value)
    row._state.adding = False
    row._state.db = conf.database()
    row.loaded = snapshot(row)


def _remember(row: Any, work: ChangeSet) -> None:
    """A row whose change is given up must not believe that it was saved."""
    work.accepted.append(partial(_put_back, row, row.pk, row.loaded, adding=row._state.adding))


def _put_back(row: Any, key: Any, loaded: dict[str, Any], *, adding: bool) -> None:
    row.pk, row.loaded, row._state.adding = key, loaded, adding
