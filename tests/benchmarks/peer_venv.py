"""The peer's own virtual environment, made when it is first measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

PEER: Final = "django-dynamic-model"
VERSION: Final = "0.3.0"
FOLDER: Final = Path(sys.prefix) / "peer"


def command(size: int, database: dict[str, Any]) -> list[str]:
    """What starts the peer with so many models, on a database of its own on that server."""
    name = f"dynamo_peer_{os.getpid()}"
    kept = {key: database[key] for key in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")}
    os.environ["DYNAMO_BENCH_PEER"] = json.dumps({**kept, "NAME": name, "TEST": {"NAME": name}})
    return [str(python()), "-m", "tests.benchmarks.peer", str(size)]


def python() -> Path:
    """Its Python, with the same releases of Django and of the driver."""
    found, done = FOLDER / "bin" / "python", FOLDER / "done"
    if not done.exists():
        venv.create(FOLDER, clear=True, with_pip=True)
        driver = f"psycopg[binary]=={version('psycopg')}"
        wanted = (f"{PEER}=={VERSION}", f"Django=={version('Django')}", driver)
        subprocess.run([found, "-m", "pip", "install", "--quiet", *wanted], check=True)
        done.touch()
    return found
