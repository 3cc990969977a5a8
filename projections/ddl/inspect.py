"""Compare the tables that are there with those that the schema says should be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connections

from events.schema import ModelSchema, Schema
from projections.ddl import engine, offline, physical
from projections.ddl.shapes import REFERENCE, UNIQUE, Shape
from projections.ddl.steps import Create, Refer, Reshape, Step


def differences(schema: Schema, using: str) -> list[str]:
    """What is missing or too many, in words."""
    connection = connections[using]
    describer = engine.dialect(using, schema.models.get).describer
    with connection.cursor() as cursor:
        present = {name.lower() for name in connection.introspection.table_names(cursor)}
        out: list[str] = []
        for model in schema.models.values():
            try:
                shapes = [describer.shape(item) for item in _items(model)]
            except LookupError as error:
                out.append(f"{model.label} cannot be built: {error}")
                continue
            for shape in shapes:
                if shape.name.lower() not in present:
                    out.append(f"table {shape.name!r} of {model.label} is missing")
                else:
                    out += _compare(shape, connection, cursor)
    return out


def remedy(schema: Schema, using: str) -> list[str]:
    """Statements that make what is missing: tables and columns, without the values that they had."""
    connection = connections[using]
    lookup = schema.models.get
    steps: list[Step] = []
    with connection.cursor() as cursor:
        present = {name.lower() for name in connection.introspection.table_names(cursor)}
        for model in schema.models.values():
            for item in _items(model):
                if item.name.lower() not in present:
                    steps += [Create(item=item), Refer(item=item)]
                elif isinstance(item, physical.Table):
                    steps += _missing_columns(item, connection, cursor)
    return offline.rendered(steps, using, lookup).get(connection.vendor, []) if steps else []


def _missing_columns(table: physical.Table, connection: Any, cursor: Any) -> list[Step]:
    rows = connection.introspection.get_table_description(cursor, table.name)
    there = {row.name for row in rows}
    kept = {storage: c for storage, c in table.columns.items() if c.column in there}
    if len(kept) == len(table.columns):
        return []
    together = tuple(storage for storage in table.together if storage in kept)
    return [Reshape(before=replace(table, columns=kept, together=together), after=table)]


def _items(model: ModelSchema) -> list[physical.Item]:
    return [physical.table(model), *physical.links(model).values()]


def _compare(shape: Shape, connection: Any, cursor: Any) -> list[str]:
    """Columns with whether they take NULL, unique sets of columns, and foreign keys."""
    name, introspection = shape.name, connection.introspection
    rows = introspection.get_table_description(cursor, name)
    constraints = introspection.get_constraints(cursor, name).values()
    columns = {row.name: bool(row.null_ok) and row.name != "id" for row in rows}
    unique = {tuple(sorted(c["columns"])) for c in constraints if c["unique"] and not c["primary_key"]}
    references = {(c["columns"][0], c["foreign_key"][0]) for c in constraints if c["foreign_key"]}
    wanted = {c.name: c.null for c in shape.columns.values()}
    own = shape.constraints.values()
    wanted_unique = {tuple(sorted(shape.column_names(c))) for c in own if c.kind == UNIQUE}
    wanted_references = {(shape.column_names(c)[0], c.target[0]) for c in own if c.kind == REFERENCE}
    out = [f"column {name}.{c} is missing" for c in wanted if c not in columns]
    out += [f"column {name}.{c} is not in the log" for c in columns if c not in wanted]
    for column, nullable in wanted.items():
        if columns.get(column, nullable) != nullable:
            out.append(f"column {name}.{column} {'does not take' if nullable else 'takes'} NULL")
    out += [f"{name}: {', '.join(c)} should be unique" for c in wanted_unique - unique]
    out += [f"{name}: {', '.join(c)} should not be unique" for c in unique - wanted_unique]
    out += [f"{name}.{c} should refer to {t}" for c, t in wanted_references - references]
    return out + [f"{name}.{c} should not refer to {t}" for c, t in references - wanted_references]
