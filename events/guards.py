"""Database triggers that keep the log append-only against SQL that goes around the models.

SQLite's REPLACE deletes without firing delete triggers, so a BEFORE INSERT guard stops it; PostgreSQL's
TRUNCATE needs a statement trigger of its own. MariaDB's TRUNCATE passes: there the hash chain tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "dynamo_events_schemaevent"
MESSAGE: Final = "schema events are append-only"

INSTALL: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": (
        f"""CREATE TRIGGER dynamo_events_no_update BEFORE UPDATE ON {TABLE}
            BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END""",
        f"""CREATE TRIGGER dynamo_events_no_delete BEFORE DELETE ON {TABLE}
            BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END""",
        f"""CREATE TRIGGER dynamo_events_no_replace BEFORE INSERT ON {TABLE}
            WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE position = NEW.position OR event_id = NEW.event_id
                         OR (stream_id = NEW.stream_id AND stream_version = NEW.stream_version))
            BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END""",
    ),
    "postgresql": (
        f"""CREATE FUNCTION dynamo_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$""",
        f"""CREATE TRIGGER dynamo_events_no_change BEFORE UPDATE OR DELETE ON {TABLE}
            FOR EACH ROW EXECUTE FUNCTION dynamo_events_refuse()""",
        f"""CREATE TRIGGER dynamo_events_no_truncate BEFORE TRUNCATE ON {TABLE}
            FOR EACH STATEMENT EXECUTE FUNCTION dynamo_events_refuse()""",
    ),
    "mysql": (
        f"""CREATE TRIGGER dynamo_events_no_update BEFORE UPDATE ON {TABLE}
            FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}'""",
        f"""CREATE TRIGGER dynamo_events_no_delete BEFORE DELETE ON {TABLE}
            FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}'""",
    ),
}

REMOVE: Final[dict[str, tuple[str, ...]]] = {
    "sqlite": (
        "DROP TRIGGER IF EXISTS dynamo_events_no_update",
        "DROP TRIGGER IF EXISTS dynamo_events_no_delete",
        "DROP TRIGGER IF EXISTS dynamo_events_no_replace",
    ),
    "postgresql": (
        f"DROP TRIGGER IF EXISTS dynamo_events_no_change ON {TABLE}",
        f"DROP TRIGGER IF EXISTS dynamo_events_no_truncate ON {TABLE}",
        "DROP FUNCTION IF EXISTS dynamo_events_refuse()",
    ),
    "mysql": (
        "DROP TRIGGER IF EXISTS dynamo_events_no_update",
        "DROP TRIGGER IF EXISTS dynamo_events_no_delete",
    ),
}

PRESENT: Final = {
    "sqlite": f"SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'",
    "postgresql": f"""SELECT count(*) FROM pg_trigger
        WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal AND tgenabled <> 'D'""",
    "mysql": f"""SELECT count(*) FROM information_schema.triggers
        WHERE event_object_schema = database() AND event_object_table = '{TABLE}'""",
}
EXPECTED: Final = {"sqlite": 3, "postgresql": 2, "mysql": 2}


def install(connection: BaseDatabaseWrapper) -> None:
    _run(connection, INSTALL)


def remove(connection: BaseDatabaseWrapper) -> None:
    _run(connection, REMOVE)


def present(connection: BaseDatabaseWrapper) -> bool:
    """Whether the triggers are there; on SQLite also whether they still do what they should."""
    with connection.cursor() as cursor:
        cursor.execute(PRESENT[connection.vendor])
        found = cursor.fetchone()[0]
        if found < EXPECTED[connection.vendor] or connection.vendor != "sqlite":
            return bool(found >= EXPECTED[connection.vendor])
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        return set(INSTALL["sqlite"]) <= {row[0] for row in cursor.fetchall()}


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let `flush` empty the log; the triggers are back afterwards, whatever happened."""
    remove(connection)
    try:
        yield
    finally:
        install(connection)


def _run(connection: BaseDatabaseWrapper, statements: dict[str, tuple[str, ...]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements.get(connection.vendor, ()):
            cursor.execute(statement)
