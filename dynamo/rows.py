"""The meta rows as a projection of the schema: whatever the events say, MetaModel and MetaField show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from django.apps import apps
from django.db.models import Q, QuerySet

from dynamo import intent
from events.schema import FieldSchema, ModelSchema, same
from events.statements import Statement, delete, inserts, run, update


class Catalogue(Protocol):
    using: str

    def model(self, model_id: str) -> ModelSchema | None: ...
    def named(self, app: str, name: str) -> ModelSchema | None: ...
    def referrers(self, reference: str) -> Any: ...


def project(work: Catalogue, before: ModelSchema | None, after: ModelSchema | None) -> Iterator[Statement]:
    """The statements that write the rows of one model as far as two of its schemas differ."""
    live = None if after is None or after.retired else after
    former = None if before is None or before.retired else before
    if live is None:
        if former is not None:
            yield delete(work.using, _row("MetaField"), "meta_model", former.id)
            yield delete(work.using, _row("MetaModel"), "id", former.id)
        return
    if former is None or former.attributes() != live.attributes():
        yield _written(work, "MetaModel", live.id, intent.model_row(live), new=former is None)
    yield from _fields(work, former, live)
    if former is None or former.label != live.label:
        yield from _renamed_target(work, live)


def rebuild(work: Catalogue, models: list[ModelSchema], *, whole: bool = True) -> int:
    """Write rows anew from schemas; returns how many. `whole`: these are all models, and no row is kept."""
    found, fields = _plain("MetaModel", work.using), _plain("MetaField", work.using)
    if not whole:
        keys = [model.id for model in models]
        found = found.filter(pk__in=keys)
        fields = fields.filter(Q(meta_model__in=keys) | Q(pk__in=[f.id for m in models for f in m.fields]))
    fields._raw_delete(work.using)
    found._raw_delete(work.using)
    written = [_written(work, "MetaModel", m.id, intent.model_row(m), new=True) for m in models]
    run(work.using, [*written, *(statement for model in models for statement in _fields(work, None, model))])
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


def _fields(work: Catalogue, before: ModelSchema | None, after: ModelSchema) -> Iterator[Statement]:
    old = {} if before is None else {f.id: f for f in before.fields}
    for field_id in old.keys() - {f.id for f in after.fields}:
        yield delete(work.using, _row("MetaField"), "id", field_id)
    for field in after.fields:
        if old.get(field.id) != field:
            yield _field(work, field, after, new=field.id not in old)


def _renamed_target(work: Catalogue, model: ModelSchema) -> Iterator[Statement]:
    """Rows of relations show their target's name, so they follow it."""
    for other in [m for m in work.referrers(model.id) if m.id != model.id]:
        yield from (_field(work, f, other, new=False) for f in other.fields if f.related_model == model.id)


def _field(work: Catalogue, field: FieldSchema, model: ModelSchema, *, new: bool) -> Statement:
    attributes = {"meta_model": model.id, **intent.field_row(field, model, work)}
    return _written(work, "MetaField", field.id, attributes, new=new)


def _written(work: Catalogue, name: str, key: str, attributes: dict[str, Any], *, new: bool) -> Statement:
    """A new row is inserted and nothing else, so that a key given twice cannot take another's row."""
    if not new:
        return update(work.using, _row(name), key, attributes)
    names, values = ("id", *attributes), (key, *attributes.values())
    return next(inserts(work.using, _row(name), names, [values]))


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


def _row(name: str) -> Any:
    return apps.get_model("dynamo", name)


def _plain(name: str, using: str) -> QuerySet[Any]:
    """A queryset of Django's own, which writes rows without recording anything."""
    return QuerySet(_row(name), using=using)
