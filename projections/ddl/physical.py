"""What a table holds: the live columns of a model and its tombstones, by storage id, and its link tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from events.schema import FieldSchema, ModelSchema
from projections import classes

Lookup: TypeAlias = Callable[[str], ModelSchema | None]

SOURCE, TARGET = "source", "target"
SIDES: Final = frozenset({SOURCE, TARGET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of a model's table, live and retired, by storage id.

    `together` are the storages of the multi-column constraint; `loose` are relations without a foreign key,
    as all of a retired table are. While rows are being filled, `relaxed` columns take NULL, `bare` ones
    have no constraint or index yet, and `filled` ones give existing rows a value as a DEFAULT.
    """

    schema: ModelSchema
    name: str
    columns: dict[str, FieldSchema] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    relaxed: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    filled: Mapping[str, Any] = field(default_factory=dict)


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


Item: TypeAlias = Table | Link


def exact_collation(connection: Any) -> str:
    """MariaDB compares text without case unless told otherwise; what is unique must not depend on it."""
    if connection.vendor != "mysql":
        return ""
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


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
    return {f.storage: link(f, schema) for f in every}


def link(column: FieldSchema, schema: ModelSchema) -> Link:
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


def table_of(reference: str, lookup: Lookup, schema: ModelSchema) -> tuple[str, str, Any]:
    """Table, key column and key field of a relation's target."""
    if "." in reference:
        target = classes.hand_written(reference)
        if target is None:
            raise LookupError(f"{schema.label} refers to {reference}, which is not installed")
        return target._meta.db_table, str(target._meta.pk.column), classes.key_of(reference)
    found = lookup(reference) or (schema if reference == schema.id else None)
    name = found.db_table if found is not None else f"gone_{reference[:8]}"
    return name, "id", classes.key_of(reference)
