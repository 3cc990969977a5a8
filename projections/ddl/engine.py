"""One door to each database: the transaction that a change runs in, its locks, and its dialect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from events.exceptions import SchemaBusy, SchemaRefused
from projections import conf
from projections.ddl import sqlite
from projections.ddl.dialect import Dialect
from projections.ddl.mysql import MySQL
from projections.ddl.physical import Lookup
from projections.ddl.postgresql import PostgreSQL
from projections.ddl.quoting import quoted
from projections.ddl.sqlite import SQLite

# What a database says when it waited too long for a lock: these changes may be tried again.
LOCKED: Final = ("locked", "lock timeout", "lock wait timeout", "deadlock")
LOST: Final = frozenset({2006, 2013, 4031})


def transactional(using: str) -> bool:
    """Whether schema statements are part of transactions."""
    return bool(connections[using].features.can_rollback_ddl)


@contextmanager
def transaction(using: str) -> Iterator[bool]:
    """Open the transaction of a change set; yields whether it is the outermost one."""
    connection = connections[using]
    connection.ensure_connection()
    if not connection.in_atomic_block and not connection.get_autocommit():
        raise SchemaRefused(_("autocommit is off, so a transaction may be open: turn it on, or use atomic()"))
    if connection.in_atomic_block:
        _refuse_nested(using)
        with atomic(using=using), _settings_kept(connection):
            yield False
    elif connection.vendor == "sqlite":
        with sqlite.outermost(connection):
            yield True
    else:
        with atomic(using=using):
            yield True


@contextmanager
def exclusive(using: str, *, wait: float | None = None) -> Iterator[bool]:
    """Hold the lock that survives MariaDB's commits; elsewhere the lock on the head is enough.

    Without `wait` it is waited for as long as the project allows, and then SchemaBusy is raised; with it,
    this yields whether it was free in that time.
    """
    connection = connections[using]
    if transactional(using) or connection.in_atomic_block:
        yield True
        return
    name = f"dynamo:{connection.settings_dict['NAME']}"[:64]
    taken = _take(connection, name, lock_seconds() if wait is None else wait)
    if not taken and wait is None:
        raise SchemaBusy(_("the schema is being changed elsewhere; try again"))
    try:
        yield taken
    finally:
        if taken:
            _release(connection, name)


def lock_seconds() -> float:
    return float(conf.get("DYNAMO_LOCK_TIMEOUT_SECONDS"))


def dialect(using: str, lookup: Lookup) -> Dialect:
    """What renders steps for this connection as it is now."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        return SQLite(connection, lookup, enforced=sqlite.foreign_keys_enforced(connection))
    return {"postgresql": PostgreSQL, "mysql": MySQL}[connection.vendor](connection, lookup)


def run(using: str, sql: str, *, settle: bool = False) -> None:
    """Run one schema statement. `settle` has PostgreSQL check first what it put off till the commit."""
    connection: Any = connections[using]
    if connection.vendor == "mysql" and connection.mysql_is_mariadb:
        # Its own limit is a day, and the others queue behind whoever waits.
        sql = f"SET STATEMENT lock_wait_timeout = {max(1, round(lock_seconds()))} FOR {sql}"
    if settle and connections[using].vendor == "postgresql":
        # It refuses to alter a table with deferred checks pending. One message to the server, not two.
        sql = f"SET CONSTRAINTS ALL IMMEDIATE; {sql}"
    with connections[using].cursor() as cursor:
        # Without parameters: a percent sign in a literal is not a placeholder.
        cursor.execute(sql, None)


def hold(using: str, table: str) -> None:
    """Let nobody write a table whose rows are being judged; PostgreSQL would round what came in between."""
    connection = connections[using]
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {quoted(connection, table)} IN SHARE ROW EXCLUSIVE MODE")


def check_references(using: str, used: Dialect) -> None:
    """Only SQLite's outermost transaction runs without enforcing; every other case checks by itself."""
    if isinstance(used, SQLite) and not used.enforced:
        sqlite.check_foreign_keys(connections[using], used.unchecked)


def is_locked(error: BaseException) -> bool:
    return isinstance(error, SchemaBusy) or any(word in str(error).lower() for word in LOCKED)


def is_lost(error: BaseException) -> bool:
    """Whether the connection went away, so that nothing can be done on it now."""
    cause = error.__cause__ or error
    return bool(cause.args) and cause.args[0] in LOST


@contextmanager
def _settings_kept(connection: Any) -> Iterator[None]:
    """PostgreSQL: what the change set says about locks and checks is not meant for the caller."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        (former,) = cursor.fetchone()
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [former])
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _refuse_nested(using: str) -> None:
    if not transactional(using) and not conf.get("DYNAMO_DEFER_DDL"):
        raise SchemaRefused(
            _(
                "MariaDB and MySQL commit at every schema statement, so a model cannot be changed "
                "inside atomic(); save it outside, or set DYNAMO_DEFER_DDL to change the tables "
                "right after the commit"
            )
        )


def _take(connection: BaseDatabaseWrapper, name: str, seconds: float) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", [name, seconds])
        return bool(cursor.fetchone()[0])


def _release(connection: BaseDatabaseWrapper, name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT RELEASE_LOCK(%s)", [name])
    except DatabaseError:
        # The lock is the connection's: it goes with it.
        connection.close()
