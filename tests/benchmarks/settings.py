"""Settings of the benchmarks: those of the tests, on the database that DYNAMO_BENCH_DB names.

A server is named by DYNAMO_TEST_POSTGRES or DYNAMO_TEST_MARIADB, as postgres://user:password@host:port and
mysql://user:password@host:port.
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from tests import settings as of_tests
from tests.settings import *  # noqa: F403  # all of them but the database

# A process that a benchmark starts may be told that process's database.
NAME: Final = os.environ.get("DYNAMO_BENCH_NAME") or f"dynamo_bench_{os.getpid()}"
SERVERS: Final = {
    "postgres": ("django.db.backends.postgresql", "DYNAMO_TEST_POSTGRES", "postgres://postgres@127.0.0.1"),
    "mariadb": ("django.db.backends.mysql", "DYNAMO_TEST_MARIADB", "mysql://root@127.0.0.1"),
}
# What Django's documentation advises for production. NORMAL waits for the disk at checkpoints only, which
# leaves less beside which the registry's own work could look small.
WAL: Final = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"


def database(kind: str) -> dict[str, Any]:
    if kind == "sqlite":
        file = of_tests.FOLDER / f"{NAME}.sqlite3"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": file,
            "OPTIONS": {"timeout": 20, "init_command": WAL},
            "TEST": {"NAME": file},
        }
    engine, variable, default = SERVERS[kind]
    url = urlsplit(os.environ.get(variable) or default)
    return {
        "ENGINE": engine,
        "NAME": NAME,
        "HOST": url.hostname,
        "PORT": url.port or "",
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "TEST": {"NAME": NAME, **({"CHARSET": "utf8mb4"} if kind == "mariadb" else {})},
    }


DATABASES = {"default": database(os.environ.get("DYNAMO_BENCH_DB") or "sqlite")}
