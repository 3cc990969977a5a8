"""What was retired: found by name or id, brought back with its values, or dropped for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dynamo import clashes, handling, intent, naming, neighbours, record, validators
from dynamo.changeset import ChangeSet
from dynamo.patience import patient
from events import store
from events.diff import Handling
from events.exceptions import ModelNotFound, SchemaRefused
from events.schema import FieldSchema, ModelSchema
from projections import conf
from projections.registry import registry

# What may become of references to rows that are gone.
ON_ERROR: Final = ("fail", "null")


@patient
def restore(what: str, *, name: str = "", backfill: Any = None, on_error: str = "fail") -> Any:
    """Bring back a retired "app.Model" or "app.Model.field", or whatever has that id; return its row.

    Of several of one name it is the one that was retired last. `name` gives it another name. `backfill` is
    what rows without a value get where the field is required; `on_error="null"` empties references to rows
    that are gone. Raises ModelNotFound, or what saving such a field would raise.
    """
    if on_error not in ON_ERROR:
        raise ValidationError(
            {
                "on_error": _("it is one of %(names)s, not %(on_error)r")
                % {"names": ", ".join(ON_ERROR), "on_error": on_error}
            }
        )
    with record.change_set() as work:
        model, field = _find(work, what)
        if field is None:
            if backfill is not None:
                raise ValidationError(
                    {
                        "backfill": _("%(model)s is a model; fields have a value for rows")
                        % {"model": model.label}
                    }
                )
            _restore_model(work, model, name, on_error)
        else:
            _restore_field(work, model, field, name, Handling(backfill=backfill, on_error=on_error))
    kind, key = ("MetaModel", model.id) if field is None else ("MetaField", field.id)
    return apps.get_model("dynamo", kind)._default_manager.get(pk=key)


@patient
def purge(what: str) -> None:
    """Drop a retired model or field with its values, for good; found as `restore` finds it.

    Raises SchemaRefused as long as DYNAMO_RETENTION_DAYS keeps it.
    """
    with record.change_set() as work:
        model, field = _find(work, what)
        _refuse_kept(work, model, field)
        record.record(work, model, None if field is None else model.without_retired(field.id))


def kept_until(since: datetime) -> datetime | None:
    """Until when what was retired then cannot be purged; None where that is over, or was never promised."""
    until = since + timedelta(days=conf.get("DYNAMO_RETENTION_DAYS"))
    return until if until > datetime.now(UTC) else None


def _refuse_kept(work: ChangeSet, model: ModelSchema, field: FieldSchema | None) -> None:
    position = retired_at(model, field)
    times = store.times(work.using, {position})
    # What this very change set retires is not in the log yet.
    since = datetime.fromisoformat(times[position]) if position in times else datetime.now(UTC)
    until = kept_until(since)
    if until is not None:
        label = model.label if field is None else f"{model.label}.{field.name}"
        raise SchemaRefused(
            _("%(label)s is kept until %(until)s UTC, as DYNAMO_RETENTION_DAYS says; purge it then")
            % {"label": label, "until": f"{until:%Y-%m-%d %H:%M}"}
        )


def _restore_model(work: ChangeSet, model: ModelSchema, name: str, on_error: str) -> None:
    named = _checked(name, validators.model_name) if name else model.name
    live = replace(model, name=named, db_table=naming.table_name(model.app, named), retired=False)
    live = replace(live, fields=tuple(intent.with_link(f, live, work) for f in live.fields))
    for field in live.fields:
        neighbours.refuse_gone_target(work, live, field)
    clashes.check_model(live, work)
    for field in live.fields:
        if field.is_relation:
            clashes.check_relation(live, field, work)
    record.record(work, model, live, {live.id: Handling(on_error=on_error)})


def _restore_field(
    work: ChangeSet, model: ModelSchema, field: FieldSchema, name: str, said: Handling
) -> None:
    if model.retired:
        raise SchemaRefused(_("%(model)s is retired; restore it first") % {"model": model.label})
    named = _checked(name, validators.field_name) if name else field.name
    live = replace(field, name=named, retired=False)
    live = intent.with_link(replace(live, column=naming.column_name(live)), model, work)
    neighbours.refuse_gone_target(work, model, live)
    handling.check(live, said)
    after = model.without_retired(field.id).with_field(live)
    clashes.check_fields(after, work)
    record.record(work, model, after, {live.id: said})


def _checked(name: str, rule: Callable[[Any], str]) -> str:
    try:
        return rule(name)
    except ValidationError as error:
        raise ValidationError({"name": error.messages}) from None


def _find(work: ChangeSet, what: str) -> tuple[ModelSchema, FieldSchema | None]:
    found = [pair for pair in _candidates(work) if what in _names(*pair)]
    if not found:
        raise ModelNotFound(_("nothing that was retired is called %(what)r") % {"what": what}, label=what)
    return max(found, key=lambda pair: retired_at(*pair))


def _candidates(work: ChangeSet) -> Iterator[tuple[ModelSchema, FieldSchema | None]]:
    models = (work.model(model_id) for model_id in {*registry.models, *work.models})
    return _retired_in(model for model in models if model is not None)


def _retired_in(models: Iterable[ModelSchema]) -> Iterator[tuple[ModelSchema, FieldSchema | None]]:
    for model in list(models):
        if model.retired:
            yield model, None
        yield from ((model, field) for field in model.retired_fields)


def _names(model: ModelSchema, field: FieldSchema | None) -> set[str]:
    label = model.label if field is None else f"{model.label}.{field.name}"
    return {*conf.names(label), model.id if field is None else field.id}


def every() -> Iterator[tuple[ModelSchema, FieldSchema | None]]:
    """All that this process knows as retired: models, and fields of models."""
    yield from _retired_in(registry.models.values())


def last(label: str) -> ModelSchema | None:
    """The model that was retired last under a label, in whatever case."""
    found = [model for model in registry.retired() if model.label.lower() == label.lower()]
    return max(found, key=lambda model: retired_at(model, None), default=None)


def namesake(row: Any) -> str:
    """The id of what was retired under the name of a meta row, and is not this row; "" if nothing was."""
    model_id = getattr(row, "meta_model_id", None)
    if model_id is None:
        former = last(f"{row.app}.{row.name}")
        return "" if former is None else former.id
    model = registry.schema(str(model_id))
    fields = [] if model is None else [(model, f) for f in model.retired_fields if f.name == row.name]
    return max(fields, key=lambda pair: retired_at(*pair))[1].id if fields else ""


def retired_at(model: ModelSchema, field: FieldSchema | None) -> int:
    """The position at which it was retired, which its tombstone's name ends in."""
    name = model.db_table if field is None else field.column or field.table
    return int(name.rpartition("_")[2])
