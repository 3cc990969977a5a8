"""Compare the tables that are there with those that the schema says should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from events.schema import ModelSchema, Schema
from projections.ddl import physical


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table's columns with whether they take NULL, its unique sets of columns, its foreign keys."""

    columns: dict[str, bool]
    unique: frozenset[tuple[str, ...]]
    references: frozenset[tuple[str, str]]


def differences(schema: Schema, using: str) -> list[str]:
    """What is missing or too many, in words."""
    connection = connections[using]
    with connection.cursor() as cursor:
        present = {name.lower() for name in connection.introspection.table_names(cursor)}
        out: list[str] = []
        for model in schema.models.values():
            try:
                tables = expected(model, schema)
            except LookupError as error:
                out.append(f"{model.label} cannot be built: {error}")
                continue
            for name, wanted in tables.items():
                if name.lower() not in present:
                    out.append(f"table {name!r} of {model.label} is missing")
                else:
                    out += _compare(name, wanted, _found(connection, cursor, name))
    return out


def expected(model: ModelSchema, schema: Schema) -> dict[str, Shape]:
    """Each table of a model as it should be."""
    lookup = schema.models.get
    described = physical.table(model)
    out = {model.db_table: _described(physical.table_class(described, lookup))}
    for link in physical.links(model).values():
        out[link.name] = _described(physical.link_class(link, lookup))
    return out


def _described(cls: Any) -> Shape:
    opts = cls._meta
    fields = [f for f in opts.local_concrete_fields if not f.primary_key]
    column = {f.name: f.column for f in fields}
    groups = [*(c.fields for c in opts.constraints), *opts.unique_together]
    unique = {(f.column,) for f in fields if f.unique} | {
        tuple(sorted(column[name] for name in group)) for group in groups
    }
    keys = (f for f in fields if f.remote_field and f.db_constraint)
    return Shape(
        columns={"id": False, **{f.column: f.null for f in fields}},
        unique=frozenset(unique),
        references=frozenset((f.column, f.remote_field.model._meta.db_table) for f in keys),
    )


def _found(connection: Any, cursor: Any, name: str) -> Shape:
    introspection = connection.introspection
    rows = introspection.get_table_description(cursor, name)
    constraints = introspection.get_constraints(cursor, name).values()
    unique = {tuple(sorted(c["columns"])) for c in constraints if c["unique"] and not c["primary_key"]}
    references = {(c["columns"][0], c["foreign_key"][0]) for c in constraints if c["foreign_key"]}
    columns = {row.name: bool(row.null_ok) and row.name != "id" for row in rows}
    return Shape(columns=columns, unique=frozenset(unique), references=frozenset(references))


def _compare(name: str, wanted: Shape, found: Shape) -> list[str]:
    out = [f"column {name}.{c} is missing" for c in wanted.columns if c not in found.columns]
    out += [f"column {name}.{c} is not in the log" for c in found.columns if c not in wanted.columns]
    for column, nullable in wanted.columns.items():
        if found.columns.get(column, nullable) != nullable:
            out.append(f"column {name}.{column} {'does not take' if nullable else 'takes'} NULL")
    out += [f"{name}: {', '.join(c)} should be unique" for c in wanted.unique - found.unique]
    out += [f"{name}: {', '.join(c)} should not be unique" for c in found.unique - wanted.unique]
    out += [f"{name}.{c} should refer to {t}" for c, t in wanted.references - found.references]
    return out + [f"{name}.{c} should not refer to {t}" for c, t in found.references - wanted.references]
