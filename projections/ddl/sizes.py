"""How many rows tables have: counted while they are few, else what the database believes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db import DatabaseError, connections
from django.db.transaction import atomic

from projections.ddl.quoting import quoted

# Counting takes as long as there are rows, and a list asks for many tables at once.
COUNTED: Final = 1_000
# SQLite takes no more parts in one statement.
PARTS: Final = 400


@dataclass(frozen=True, slots=True)
class Size:
    """`exact` is False where `rows` is an estimate."""

    rows: int
    exact: bool


def sizes(tables: Collection[str], using: str) -> dict[str, Size]:
    """The sizes of tables, of 400 at most, with two queries; of none if one of them is not there."""
    names = sorted(tables)
    try:
        # A savepoint, as the tables may be changing, and a list must not break its request's transaction.
        with atomic(using=using):
            counts = dict(_counted(names[:PARTS], using)) if names else {}
            large = [name for name, count in counts.items() if count > COUNTED]
            believed = dict(_BELIEVED[connections[using].vendor](large, using)) if large else {}
    except DatabaseError:
        return {}
    return {name: _size(count, believed.get(name)) for name, count in counts.items()}


def _size(count: int, believed: int | None) -> Size:
    """What was never looked at by the database is more than was counted, and nothing else is known."""
    return (
        Size(count, exact=True) if count <= COUNTED else Size(max(COUNTED, int(believed or 0)), exact=False)
    )


def _counted(names: list[str], using: str) -> list[tuple[str, int]]:
    limited = "SELECT {place}, COUNT(*) FROM (SELECT 1 AS n FROM {table} LIMIT {most}) t{place}"
    return _each(names, using, limited, most=COUNTED + 1)


def _each(names: list[str], using: str, select: str, **values: Any) -> list[tuple[str, int]]:
    """Ask the same of each table, in one statement."""
    connection: Any = connections[using]
    parts = (
        select.format(place=place, table=quoted(connection, name), **values)
        for place, name in enumerate(names)
    )
    return [(names[place], count) for place, count in _rows(using, " UNION ALL ".join(parts))]


def _largest_keys(names: list[str], using: str) -> list[tuple[str, int]]:
    """SQLite keeps no statistics of its own accord; the largest key is found at once."""
    return _each(names, using, "SELECT {place}, MAX(id) FROM {table}")


def _postgresql(names: list[str], using: str) -> list[tuple[str, int]]:
    sql = "SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s) AND pg_table_is_visible(oid)"
    return _rows(using, sql, [names])


def _mysql(names: list[str], using: str) -> list[tuple[str, int]]:
    sql = (
        "SELECT table_name, table_rows FROM information_schema.tables "
        f"WHERE table_schema = DATABASE() AND table_name IN ({', '.join(['%s'] * len(names))})"
    )
    return _rows(using, sql, names)


def _rows(using: str, sql: str, params: Any = None) -> list[tuple[Any, Any]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


_BELIEVED: Final[dict[str, Callable[[list[str], str], list[tuple[str, int]]]]] = {
    "sqlite": _largest_keys,
    "postgresql": _postgresql,
    "mysql": _mysql,
}
