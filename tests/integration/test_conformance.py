"""Real packages' migration histories: after every step, tables and classes equal what Django builds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.integration.databases import database

ROOT = Path(__file__).resolve().parent.parent.parent
HISTORIES = sorted((ROOT / "tests" / "data" / "histories").glob("*.json"))


@pytest.fixture
def server(tmp_path, django_db_blocker) -> Iterator[dict[str, str]]:
    """What the script, which makes its databases itself, has to know of the server."""
    given = connection.settings_dict
    name = database.fresh_name(tmp_path)
    values = {key: str(given[key]) for key in ("HOST", "PORT", "USER", "PASSWORD")}
    yield {f"CONFORMANCE_DB_{key}": value for key, value in {**values, "NAME": name}.items()}
    with django_db_blocker.unblock():
        database.drop(name)


@pytest.mark.parametrize("history", HISTORIES, ids=lambda path: path.stem)
def test_every_step_of_a_history_equals_what_django_builds(history, server, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    kind = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mariadb"}[connection.vendor]
    done = subprocess.run(
        [sys.executable, "tests/conformance.py", str(history), "--db", kind],
        env={**environment, **server, "TMPDIR": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].endswith("errors 0")
