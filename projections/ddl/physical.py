"""Detached classes that describe tables to Django's schema editor.

They hold what the table holds: live columns, tombstones, a physical DEFAULT where a column must not be NULL.
Relations point to stubs, so nothing here ever touches a class that is in use. Fields are named by their
storage id, which stays the same through every rename.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from django.apps.registry import Apps
from django.db import models
from django.db.models import NOT_PROVIDED

from events.schema import FieldSchema, Frozen, ModelSchema
from projections import classes, fields

Lookup: TypeAlias = Callable[[str], ModelSchema | None]

SIDES: Final = frozenset({"source", "target"})

# Types whose value can stand as a literal in a column's DEFAULT on every database.
LITERAL: Final = (
    models.CharField,
    models.IntegerField,
    models.BooleanField,
    models.FloatField,
    models.DecimalField,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of a model's table, live and retired, by storage id.

    `together` are the storages of the multi-column constraint; `relaxed` are columns on their way in,
    which take NULL until they are filled; `loose` are relations without a foreign key, as all of a
    retired table are.
    """

    schema: ModelSchema
    name: str
    columns: dict[str, FieldSchema] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    relaxed: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()

    def with_column(self, column: FieldSchema) -> Table:
        return replace(self, columns={**self.columns, column.storage: column})

    def without(self, storage: str) -> Table:
        return replace(self, columns={k: c for k, c in self.columns.items() if k != storage})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The link table of a many-to-many. `loose` are the sides without a foreign key."""

    schema: ModelSchema
    column: FieldSchema
    name: str
    source: str
    target: str
    loose: frozenset[str] = frozenset()
    unique: bool = True


def table(schema: ModelSchema) -> Table:
    every = (*schema.fields, *schema.retired_fields)
    columns = {f.storage: f for f in every if not f.is_many_to_many}
    together = () if schema.retired else tuple(f.storage for f in schema.fields if f.unique_together)
    relations = (f for f in columns.values() if f.is_relation)
    loose = frozenset(f.storage for f in relations if f.retired or schema.retired)
    return Table(schema=schema, name=schema.db_table, columns=columns, together=together, loose=loose)


def links(schema: ModelSchema) -> dict[str, Link]:
    """The link tables of a model, live and retired, by storage id."""
    every = (f for f in (*schema.fields, *schema.retired_fields) if f.is_many_to_many)
    return {f.storage: _link(f, schema) for f in every}


def _link(column: FieldSchema, schema: ModelSchema) -> Link:
    left, right = column.link_columns
    gone = column.retired or schema.retired
    return Link(
        schema=schema,
        column=column,
        name=column.table,
        source=left,
        target=right,
        loose=SIDES if gone else frozenset(),
        unique=not gone,
    )


def attribute(storage: str) -> str:
    return f"c{storage.replace('-', '')}"


def table_class(described: Table, lookup: Lookup) -> Any:
    """A class for the table as described."""
    apps = Apps()
    body: dict[str, Any] = {"id": models.BigAutoField(primary_key=True)}
    for column in described.columns.values():
        made = column_field(column, described.schema, lookup, apps, loose=column.storage in described.loose)
        body[attribute(column.storage)] = relax(made) if column.storage in described.relaxed else made
    body["Meta"] = _meta(apps, described.name, constraint(described))
    return _model("Table", body)


def constraint(described: Table) -> list[Any]:
    if not described.together:
        return []
    names = [attribute(storage) for storage in described.together]
    return [models.UniqueConstraint(fields=names, name=classes.together_name(described.schema))]


def column_field(
    column: FieldSchema, schema: ModelSchema, lookup: Lookup, apps: Apps, *, loose: bool = False
) -> Any:
    """The Django field of one column."""
    if column.is_relation:
        made = _reference(column, schema, lookup, apps, loose)
    else:
        made = fields.build(replace(column, help="", choices=()))
    natural = None if column.retired else natural_default(made, column)
    made.default = NOT_PROVIDED
    if column.retired:
        return relax(made)
    if natural is not None:
        made.db_default = natural
    return made


def relax(made: Any) -> Any:
    """Let a column take any value of its type: NULL, duplicates, no index."""
    made.null, made._unique, made.db_index = True, False, False
    made.default = made.db_default = NOT_PROVIDED
    return made


def natural_default(made: Any, column: FieldSchema) -> Any:
    """The DEFAULT that a NOT NULL column keeps, so that writers who do not know it yet can insert."""
    if made.null or not isinstance(made, LITERAL):
        return None
    if column.default is not None:
        return made.get_default()
    return "" if not column.required and made.empty_strings_allowed else None


def link_class(link: Link, lookup: Lookup) -> Any:
    """A class for a link table, its columns named as Django names them."""
    apps = Apps()
    schema = link.schema
    body: dict[str, Any] = {"id": models.BigAutoField(primary_key=True)}
    for side, reference in (("source", schema.id), ("target", link.column.related_model)):
        make = _loose_key if side in link.loose else _foreign_key
        stub = _stub(apps, side.capitalize(), *table_of(reference, lookup, schema))
        body[side] = make(stub, getattr(link, side))
    body["Meta"] = _meta(apps, link.name, [], together=[("source", "target")] if link.unique else [])
    return _model("Link", body)


def _reference(column: FieldSchema, schema: ModelSchema, lookup: Lookup, apps: Apps, loose: bool) -> Any:
    table, key = table_of(column.related_model, lookup, schema)
    # The editor tells targets apart by their class names, so the table's name is in it.
    target = _stub(apps, f"{attribute(column.storage).capitalize()}_{table}", table, key)
    if loose:
        made = _loose_key(target, column.column)
        made.null = fields.nullable(column)
        made._unique = column.unique
        return made
    options = {key: value for key, value in column.options.items() if key != "related_name"}
    plain = replace(column, options=Frozen({**options, "related_name": "+"}), help="")
    return fields.build(plain, target)


def _foreign_key(target: Any, column: str) -> Any:
    return models.ForeignKey(target, on_delete=models.CASCADE, related_name="+", db_column=column)


def _loose_key(target: Any, column: str) -> Any:
    """A column of the target's key type without a constraint: rows of either side stay deletable."""
    return models.ForeignKey(
        target,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_column=column,
        db_constraint=False,
        db_index=False,
    )


def table_of(reference: str, lookup: Lookup, schema: ModelSchema) -> tuple[str, Any]:
    """Name and primary key of a relation's target."""
    if "." in reference:
        target = classes.hand_written(reference)
        if target is None:
            raise LookupError(f"{schema.label} refers to {reference}, which is not installed")
        return target._meta.db_table, _key_of(target)
    found = lookup(reference) or (schema if reference == schema.id else None)
    name = found.db_table if found is not None else f"gone_{reference[:8]}"
    return name, models.BigAutoField(primary_key=True)


def _key_of(target: type[models.Model]) -> Any:
    key: Any = target._meta.pk
    column = key.column
    while key.remote_field:
        key = key.target_field
    clone = key.clone()
    clone.primary_key, clone.db_column = True, column
    return clone


def _stub(apps: Apps, name: str, db_table: str, key: Any) -> Any:
    key.db_column = key.db_column or "id"
    return _model(name, {"key": key, "Meta": _meta(apps, db_table, [])})


def _meta(apps: Apps, db_table: str, constraints: list[Any], together: Any = ()) -> type:
    attributes = {
        "apps": apps,
        "app_label": "physical",
        "db_table": db_table,
        "constraints": constraints,
        "unique_together": together,
    }
    return type("Meta", (), attributes)


def _model(name: str, body: dict[str, Any]) -> Any:
    return type(name, (models.Model,), {"__module__": __name__, **body})
