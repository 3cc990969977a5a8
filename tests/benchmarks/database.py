"""The database of a process: made for it, dropped after it, and described for the report."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("sqlite", "postgres", "mariadb")
DRIVERS: Final = {"postgresql": "psycopg", "mysql": "mysqlclient"}
# What decides whether a commit waits for the disk.
DURABILITY: Final = {
    "sqlite": {"journal_mode": "PRAGMA journal_mode", "synchronous": "PRAGMA synchronous"},
    "postgresql": {"fsync": "SHOW fsync", "synchronous_commit": "SHOW synchronous_commit"},
    "mysql": {
        "innodb_flush_log_at_trx_commit": "SELECT @@innodb_flush_log_at_trx_commit",
        "innodb_flush_method": "SELECT @@innodb_flush_method",
    },
}


def set_up(name: str) -> None:
    """Set up Django for such a database, once in a process."""
    os.environ["DYNAMO_BENCH_DB"] = name
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    import django

    django.setup()


@contextmanager
def prepared(name: str) -> Iterator[Any]:
    """Set up Django on a new, migrated database; yields the connection."""
    set_up(name)
    from django.db import connection

    former = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield connection
    finally:
        connection.creation.destroy_test_db(former, verbosity=0)


def described(connection: Any) -> str:
    """The database, its version, its driver, and how safe its commits are."""
    server = ".".join(map(str, connection.get_database_version()))
    driver = DRIVERS.get(connection.vendor)
    through = f"{driver} {version(driver)}" if driver else "the sqlite3 of Python"
    return f"{connection.display_name} {server}, {through}, {durability(connection)}"


def durability(connection: Any) -> str:
    found = []
    with connection.cursor() as cursor:
        for name, statement in DURABILITY[connection.vendor].items():
            cursor.execute(statement)
            found.append(f"{name}={cursor.fetchone()[0]}")
    return ", ".join(found)


def machine() -> str:
    """What a ratio depends on least, and the times most."""
    python, django = platform.python_version(), version("Django")
    return f"{processor()}, {os.cpu_count()} cores, Python {python}, Django {django}"


def processor() -> str:
    """The processor's name; Python knows it on some systems only, Linux tells it in a file."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
