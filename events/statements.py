"""Plain statements for what every change runs: a queryset takes longer to build than its answer to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from django.db import connections
from django.db.models import Model

Statement: TypeAlias = tuple[str, Sequence[Any]]

# SQLite may be built to take no more parameters than this in one statement.
MOST_PARAMETERS: Final = 900


def run(using: str, statements: Iterable[Statement]) -> None:
    """Run statements that return nothing, one after the other; PostgreSQL gets them in one message."""
    connection = connections[using]
    todo = list(statements)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and not binds_on_server(connection):
            sql = "; ".join(sql for sql, _ in todo)
            cursor.execute(sql, [value for _, values in todo for value in values])
        else:
            for sql, values in todo:
                cursor.execute(sql, values)


def inserts(using: str, model: type[Model], names: Sequence[str], rows: Sequence[Any]) -> Iterator[Statement]:
    """INSERT statements for rows, each a sequence of values for the named fields, or their columns."""
    connection: Any = connections[using]
    quote = connection.ops.quote_name
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(quote(field.column) for field in fields)
    marks = f"({', '.join(['%s'] * len(fields))})"
    size = max(1, MOST_PARAMETERS // len(fields))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values = [
            field.get_db_prep_save(value, connection)
            for row in part
            for field, value in zip(fields, row, strict=True)
        ]
        table = quote(model._meta.db_table)
        yield f"INSERT INTO {table} ({columns}) VALUES {', '.join([marks] * len(part))}", values


def update(using: str, model: type[Model], key: Any, attributes: Mapping[str, Any]) -> Statement:
    """UPDATE of the row with that key."""
    names, values = [*attributes], [*attributes.values()]
    pairs = list(_prepared(using, model, names, values))
    quote = connections[using].ops.quote_name
    sets = ", ".join(f"{quote(column)} = %s" for column, _ in pairs)
    ((column, stored),) = _prepared(using, model, ["id"], [key])
    sql = f"UPDATE {quote(model._meta.db_table)} SET {sets} WHERE {quote(column)} = %s"
    return sql, [*(value for _, value in pairs), stored]


def delete(using: str, model: type[Model], name: str, value: Any) -> Statement:
    """DELETE of the rows with that value in a field."""
    ((column, stored),) = _prepared(using, model, [name], [value])
    quote = connections[using].ops.quote_name
    return f"DELETE FROM {quote(model._meta.db_table)} WHERE {quote(column)} = %s", [stored]


def _prepared(
    using: str, model: type[Model], names: Sequence[str], values: Sequence[Any]
) -> Iterator[tuple[str, Any]]:
    """Columns with the values that the driver takes for them."""
    for name, value in zip(names, values, strict=True):
        field: Any = model._meta.get_field(name)
        yield field.column, field.get_db_prep_save(value, connections[using])


def binds_on_server(connection: Any) -> bool:
    """Whether parameters are sent apart from statements, so that PostgreSQL takes one at a time."""
    return bool(connection.settings_dict["OPTIONS"].get("server_side_binding"))
