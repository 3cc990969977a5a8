"""Compare the tables that are there with those that the schema says should be."""

from __future__ import annotations

from typing import Any

from django.db import connections

from events.schema import ModelSchema, Schema
from projections.ddl import physical


def differences(schema: Schema, using: str) -> list[str]:
    """Tables and columns that are missing or too many, and columns that take NULL differently."""
    connection = connections[using]
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        out: list[str] = []
        for model in schema.models.values():
            for name, columns in expected(model, schema).items():
                if name not in present:
                    out.append(f"table {name!r} of {model.label} is missing")
                else:
                    out += _columns(connection, cursor, name, columns)
    return out


def expected(model: ModelSchema, schema: Schema) -> dict[str, dict[str, bool]]:
    """Each table of a model with its columns and whether they take NULL."""
    cls: Any = physical.table_class(physical.table(model), schema.models.get)
    out = {model.db_table: {f.column: f.null for f in cls._meta.local_concrete_fields}}
    for link in physical.links(model, schema.models.get).values():
        out[link.name] = {"id": False, link.source: False, link.target: False}
    return out


def _columns(connection: Any, cursor: Any, name: str, columns: dict[str, bool]) -> list[str]:
    found = {c.name: bool(c.null_ok) for c in connection.introspection.get_table_description(cursor, name)}
    out = [f"column {name}.{column} is missing" for column in columns if column not in found]
    out += [f"column {name}.{column} is not in the log" for column in found if column not in columns]
    for column, nullable in columns.items():
        if column in found and column != "id" and found[column] != nullable:
            out.append(f"column {name}.{column} {'does not take' if nullable else 'takes'} NULL")
    return out
