"""Statements as text, also for databases that this project does not use: no connection is needed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from events.schema import FieldSchema
from projections import fields
from projections.ddl import engine
from projections.ddl.dialect import Dialect
from projections.ddl.mysql import MySQL
from projections.ddl.physical import Lookup, Table
from projections.ddl.postgresql import PostgreSQL
from projections.ddl.sqlite import SQLite
from projections.ddl.steps import Step, Values

# The oldest servers that Django 5.2 supports, for what depends on a version.
VERSION: Final = (10, 11)
BACKENDS: Final[dict[str, tuple[str, type[Dialect]]]] = {
    "sqlite": ("django.db.backends.sqlite3", SQLite),
    "postgresql": ("django.db.backends.postgresql", PostgreSQL),
    "mysql": ("django.db.backends.mysql", MySQL),
}


class OfflineMySQL(MySQL):
    """The driver escapes a value without a connection too, if it is asked past the connection."""

    def quoted(self, value: Any) -> str:
        from MySQLdb import _mysql
        from MySQLdb.converters import conversions

        escaped = _mysql.escape(value, conversions)
        return escaped.decode() if isinstance(escaped, bytes) else str(escaped)


def rendered(steps: list[Step], using: str, lookup: Lookup) -> dict[str, list[str]]:
    """Statements by vendor; a database that lacks a type, or whose driver is not installed, is left out."""
    own = connections[using].vendor
    out: dict[str, list[str]] = {}
    tied = any(_only_here(column) for step in steps for column in _columns(step))
    for vendor in (own,) if tied else BACKENDS:
        dialect = _dialect(vendor, using, lookup, offline=vendor != own)
        if dialect is not None:
            out[vendor] = _all_lines(dialect, steps)
    return out


def own(steps: list[Step], using: str, lookup: Lookup) -> list[str]:
    """Statements for this database only, as a change set of its own runs them."""
    _module, cls = BACKENDS[connections[using].vendor]
    return _all_lines(cls(connections[using], lookup), steps)


def _all_lines(dialect: Dialect, steps: list[Step]) -> list[str]:
    return [line for step in steps for line in _lines(dialect, step)]


def _columns(step: Step) -> Iterator[FieldSchema]:
    for item in (getattr(step, name, None) for name in ("item", "before", "after")):
        if isinstance(item, Table):
            yield from item.columns.values()


def _only_here(column: FieldSchema) -> bool:
    row = fields.field_type(column.type)
    return row is not None and bool(row.backend)


def _lines(dialect: Dialect, step: Step) -> list[str]:
    if isinstance(step, Values):
        return [f"-- {step.kind} {step.table}.{step.column.column or step.column.table} row by row"]
    return [statement.sql for statement in dialect.statements(step)]


def _dialect(vendor: str, using: str, lookup: Lookup, *, offline: bool) -> Dialect | None:
    module, cls = BACKENDS[vendor]
    if not offline:
        return engine.dialect(using, lookup)
    try:
        backend = import_module(f"{module}.base")
    except ImproperlyConfigured:
        return None
    settings = {**connections[using].settings_dict, "ENGINE": module, "NAME": "", "OPTIONS": {}}
    connection = backend.DatabaseWrapper(settings, alias="offline")
    if vendor == "mysql":
        # Cached properties that would ask the server.
        connection.__dict__.update(mysql_is_mariadb=True, mysql_version=VERSION, mysql_server_data={})
        return OfflineMySQL(connection, lookup)
    return cls(connection, lookup)
