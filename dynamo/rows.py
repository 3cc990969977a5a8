"""The meta rows as a projection of the schema: whatever the events say, MetaModel and MetaField show."""

from __future__ import annotations

from typing import Any, Protocol

from django.apps import apps
from django.db.models import QuerySet

from dynamo import intent
from events.schema import FieldSchema, ModelSchema, same
from events.statements import inserts, run


class Catalogue(Protocol):
    using: str

    def model(self, model_id: str) -> ModelSchema | None: ...
    def named(self, app: str, name: str) -> ModelSchema | None: ...
    def referrers(self, reference: str) -> Any: ...


def project(work: Catalogue, before: ModelSchema | None, after: ModelSchema | None) -> None:
    """Write the rows of one model that differ between two of its schemas."""
    live = None if after is None or after.retired else after
    former = None if before is None or before.retired else before
    if live is None:
        if former is not None:
            remove(former, work.using)
        return
    if former is None or former.attributes() != live.attributes():
        _write(_plain("MetaModel", work.using), live.id, intent.model_row(live), new=former is None)
    _project_fields(work, former, live)
    if former is not None and former.label != live.label:
        _rename_target(work, live)


def rebuild(work: Catalogue, models: list[ModelSchema]) -> int:
    """Write all rows anew from schemas; returns how many."""
    _plain("MetaField", work.using)._raw_delete(work.using)
    _plain("MetaModel", work.using)._raw_delete(work.using)
    for model in models:
        _write(_plain("MetaModel", work.using), model.id, intent.model_row(model), new=True)
    for model in models:
        _project_fields(work, None, model)
    return sum(1 + len(model.fields) for model in models)


def differences(work: Catalogue, models: list[ModelSchema]) -> list[str]:
    """Where the rows say something else than the schemas."""
    found: list[str] = []
    wanted = {model.id: (model.label, intent.model_row(model)) for model in models}
    found += _compare(_plain("MetaModel", work.using), wanted, intent.MODEL_ATTRIBUTES)
    wanted = {
        field.id: (f"{model.label}.{field.name}", intent.field_row(field, model, work))
        for model in models
        for field in model.fields
    }
    return found + _compare(_plain("MetaField", work.using), wanted, intent.FIELD_ATTRIBUTES)


def remove(model: ModelSchema, using: str) -> None:
    _plain("MetaField", using).filter(meta_model_id=model.id)._raw_delete(using)
    _plain("MetaModel", using).filter(pk=model.id)._raw_delete(using)


def _project_fields(work: Catalogue, before: ModelSchema | None, after: ModelSchema) -> None:
    old = {} if before is None else {f.id: f for f in before.fields}
    gone = old.keys() - {f.id for f in after.fields}
    if gone:
        _plain("MetaField", work.using).filter(pk__in=gone)._raw_delete(work.using)
    for field in after.fields:
        if old.get(field.id) != field:
            _write_field(work, field, after, new=field.id not in old)


def _rename_target(work: Catalogue, model: ModelSchema) -> None:
    """Rows of relations show their target's name, so they follow it."""
    for other in work.referrers(model.id):
        for field in other.fields:
            if field.related_model == model.id:
                _write_field(work, field, other, new=False)


def _write_field(work: Catalogue, field: FieldSchema, model: ModelSchema, *, new: bool) -> None:
    attributes = {"meta_model_id": model.id, **intent.field_row(field, model, work)}
    _write(_plain("MetaField", work.using), field.id, attributes, new=new)


def _write(rows: Any, key: str, attributes: dict[str, Any], *, new: bool) -> None:
    """A new row is inserted and nothing else, so that a key given twice cannot take another's row."""
    if new:
        names, values = ("id", *attributes), (key, *attributes.values())
        run(rows.db, inserts(rows.db, rows.model, names, [values]))
    else:
        rows.filter(pk=key).update(**attributes)


def _compare(rows: Any, wanted: dict[str, tuple[str, dict[str, Any]]], names: tuple[str, ...]) -> list[str]:
    present = {str(row["pk"]): row for row in rows.values("pk", *names)}
    found = [f"the row of {wanted[key][0]} is missing" for key in wanted if key not in present]
    for key, row in present.items():
        if key not in wanted:
            found.append(f"the row {row['name']!r} ({key}) is not in the log")
            continue
        label, attributes = wanted[key]
        odd = [name for name in names if not same(row[name], attributes[name])]
        found += [
            f"the row of {label} says {name} {row[name]!r}, the log {attributes[name]!r}" for name in odd
        ]
    return found


def _plain(name: str, using: str) -> QuerySet[Any]:
    """A queryset of Django's own, which writes rows without recording anything."""
    return QuerySet(apps.get_model("dynamo", name), using=using)
