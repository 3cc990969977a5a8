"""What differs between the databases: how one is copied, and what it says about its tables.

A database is known by its name, which is the file's path on SQLite.
"""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path
from typing import Any, Final

from django.db import connection

from tests.settings import FOLDER

COUNTER: Final = itertools.count(1)


def sql(statement: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return list(cursor.fetchall()) if cursor.description else []


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


class SQLite:
    """Files, whose own table of contents holds the statements that made everything."""

    def fresh_name(self, folder: Path) -> str:
        return str(folder / "main.sqlite3")

    def create(self, name: str) -> None:
        """The first connection makes the file."""

    def copy(self, source: str, target: str) -> None:
        """Copy a database that nobody writes to."""
        for suffix in ("", "-wal"):
            if Path(source + suffix).exists():
                shutil.copy(source + suffix, target + suffix)

    def drop(self, name: str) -> None:
        """The folder goes with the file in it."""

    def tables(self) -> list[tuple[str, str, str]]:
        return sql("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")

    def foreign_keys_enforced(self) -> bool:
        return sql("PRAGMA foreign_keys") == [(1,)]

    def sound(self) -> bool:
        """Whether the database finds no damage in itself."""
        return sql("PRAGMA integrity_check") == [("ok",)]


def _definition(text: str) -> str:
    """A definition without what is no part of it: an order, and the next key, which rollbacks leave."""
    lines = re.sub(r" AUTO_INCREMENT=\d+", "", text).split("\n")
    return "\n".join(sorted(line.rstrip(",") for line in lines))


class Server:
    """Databases on a server, made and dropped through a connection to none of them."""

    LIST: str
    DROP: str

    def fresh_name(self, folder: Path) -> str:
        return f"{FOLDER.name}_{next(COUNTER)}".replace("-", "_")

    def create(self, name: str) -> None:
        self.manage(f"CREATE DATABASE {quoted(name)}")

    def drop(self, name: str) -> None:
        """Drop a database and the copies that were made of it under longer names."""
        for (found,) in self.manage(self.LIST):
            if found == name or found.startswith(f"{name}_"):
                self.manage(self.DROP.format(quoted(found)))

    def sound(self) -> bool:
        """A server recovers its files by itself, and knows no such question."""
        return True

    def manage(self, statement: str) -> list[tuple[Any, ...]]:
        with connection._nodb_cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


class PostgreSQL(Server):
    """The catalogue describes everything, kind by kind."""

    LIST = "SELECT datname FROM pg_database"
    DROP = "DROP DATABASE {} WITH (FORCE)"
    TABLES = """
        SELECT 'table', c.relname, string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)),
            ', ' ORDER BY a.attnum)
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname
        UNION ALL SELECT 'constraint', conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) || ' ' || tgenabled::text
        FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'sequence', sequencename, data_type::text
        FROM pg_sequences WHERE schemaname = 'public'
        ORDER BY 1, 2, 3"""

    def copy(self, source: str, target: str) -> None:
        """Copy a database that nobody is connected to."""
        self.manage(f"CREATE DATABASE {quoted(target)} TEMPLATE {quoted(source)}")

    def tables(self) -> list[tuple[str, str, str]]:
        return sql(self.TABLES)

    def foreign_keys_enforced(self) -> bool:
        return sql("SHOW session_replication_role") == [("origin",)]


class MariaDB(Server):
    """SHOW gives back the statements that made everything, and they make it again elsewhere."""

    LIST = "SHOW DATABASES"
    DROP = "DROP DATABASE {}"

    def create(self, name: str) -> None:
        self.manage(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4")

    def copy(self, source: str, target: str) -> None:
        """Make every table and trigger anew and have the server copy the rows, in the order of names."""
        self.create(target)
        with connection._nodb_cursor() as cursor:

            def ask(statement: str) -> list[tuple[Any, ...]]:
                cursor.execute(statement)
                return list(cursor.fetchall())

            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute(f"USE {quoted(source)}")
            names = [quoted(name) for (name,) in ask("SHOW TABLES")]
            made = [ask(f"SHOW CREATE TABLE {name}")[0][1] for name in names]
            triggers = [ask(f"SHOW CREATE TRIGGER {quoted(row[0])}")[0][2] for row in ask("SHOW TRIGGERS")]
            cursor.execute(f"USE {quoted(target)}")
            copied = [f"INSERT INTO {name} SELECT * FROM {quoted(source)}.{name}" for name in names]
            for statement in (*made, *copied, *triggers):
                cursor.execute(statement)

    def tables(self) -> list[tuple[str, str, str]]:
        names = [name for (name,) in sql("SHOW TABLES")]
        made = [("table", name, sql(f"SHOW CREATE TABLE {quoted(name)}")[0][1]) for name in names]
        triggers = [("trigger", row[0], row[3]) for row in sql("SHOW TRIGGERS")]
        return sorted((kind, name, _definition(text)) for kind, name, text in made + triggers)

    def foreign_keys_enforced(self) -> bool:
        return sql("SELECT @@foreign_key_checks") == [(1,)]


DATABASES: Final = {"sqlite": SQLite, "postgresql": PostgreSQL, "mysql": MariaDB}
database: Final = DATABASES[connection.vendor]()
