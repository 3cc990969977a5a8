"""Short ways to make models, and one value for everything that a change may leave a trace in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from dynamo.models import MetaField, MetaModel
from events.models import Checkpoint, Head, SchemaEvent
from projections.registry import registry
from tests.integration.databases import database, quoted, sql

RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")
NEEDED = {"DecimalField": {"max_digits": 8, "decimal_places": 2}, "FilePathField": {"path": "files"}}


def make(name: str, /, **fields: Any) -> MetaModel:
    """A model with fields, each given by its type or by its attributes."""
    meta = MetaModel.objects.create(name=name)
    for field_name, given in fields.items():
        add(meta, field_name, **({"type": given} if isinstance(given, str) else given))
    return meta


def add(meta: MetaModel, name: str, type: str = "CharField", **attributes: Any) -> MetaField:
    """A field; the keyword arguments of `save` may stand among its attributes."""
    said = {key: attributes.pop(key) for key in ("backfill", "on_error", "error_value") if key in attributes}
    attributes.setdefault("options", dict(NEEDED.get(type, {})))
    field = MetaField(meta_model=meta, name=name, type=type, **attributes)
    field.save(**said)
    return field


def alter(field: MetaField, /, backfill: Any = None, on_error: str = "fail", **attributes: Any) -> MetaField:
    """Set attributes of a freshly read row, and save it."""
    fresh = MetaField.objects.get(pk=field.pk)
    for name, value in attributes.items():
        setattr(fresh, name, value)
    fresh.save(backfill=backfill, on_error=on_error)
    return fresh


def rename(row: Any, name: str) -> Any:
    fresh = type(row).objects.get(pk=row.pk)
    fresh.name = name
    fresh.save()
    return fresh


def everything() -> dict[str, Any]:
    """All that a change may touch, in the database and in this process; equal when nothing did."""
    ContentType.objects.clear_cache()
    return {
        "events": list(SchemaEvent.objects.values_list("position", "hash")),
        "head": list(Head.objects.values_list("position", "hash")),
        "checkpoints": list(Checkpoint.objects.values_list()),
        "meta models": list(MetaModel.objects.order_by("pk").values()),
        "meta fields": list(MetaField.objects.order_by("pk").values()),
        "tables": tables(),
        "rows": {name: rows(name) for name in table_names() if _is_ours(name)},
        "content types": sorted(ContentType.objects.values_list("pk", "app_label", "model")),
        "permissions": sorted(Permission.objects.values_list("codename", "name", "content_type_id")),
        "classes": {schema.id: shape(registry.model_class(schema.id)) for schema in registry.live()},
        "mark": registry.mark,
        "accessors": sorted(vars(User)),
        "connection": (connection.in_atomic_block, connection.needs_rollback, foreign_keys_enforced()),
    }


def tables() -> list[tuple[str, str, str]]:
    """Everything that is defined in the database, as its kind, its name and its definition."""
    return database.tables()


def table_names() -> list[str]:
    return connection.introspection.table_names()


def rows(table: str) -> list[tuple[Any, ...]]:
    return sql(f"SELECT * FROM {quoted(table)} ORDER BY 1")


def columns(table: str) -> dict[str, bool]:
    """The columns of a table, and whether each refuses NULL."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return {column.name: not column.null_ok for column in found}


def foreign_keys_enforced() -> bool:
    return database.foreign_keys_enforced()


def shape(model: Any) -> tuple[Any, ...]:
    """A class as its users see it: identity, attributes, fields, relations from elsewhere, admin."""
    fields = [(f.name, type(f).__name__, getattr(f, "column", None)) for f in model._meta.get_fields()]
    return model, sorted(vars(model)), fields, admin.site.is_registered(model), model._meta.db_table


def _is_ours(table: str) -> bool:
    return table.startswith(("dynamic_", "zz_", "library_", "auth_user"))
