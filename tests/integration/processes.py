"""Processes of their own, each on a fresh copy of a migrated database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.databases import database

ROOT = Path(__file__).resolve().parent.parent.parent
PREAMBLE = """
from __future__ import annotations
import os, signal, sys, threading
import django
django.setup()
import dynamo
from django.db import connection, connections, transaction
from django.core.exceptions import ValidationError
from dynamo.exceptions import *
from dynamo.models import MetaField, MetaModel
from tests.integration.databases import *
from tests.integration.making import *
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A folder and a database of its own, and what settings its processes have besides those of the tests."""

    folder: Path
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path) -> Project:
        project = cls(folder=folder, name=database.fresh_name(folder))
        database.create(project.name)
        return project

    def copy(self, folder: Path) -> Project:
        folder.mkdir(parents=True, exist_ok=True)
        project = Project(folder=folder, name=database.fresh_name(folder))
        database.copy(self.name, project.name)
        return project

    def drop(self) -> None:
        database.drop(self.name)

    def having(self, **settings: Any) -> Project:
        """The same project for processes that have other settings."""
        return replace(self, settings=self.settings | settings)

    def environment(self) -> dict[str, str]:
        own = {"DYNAMO_TEST_FOLDER": str(self.folder), "DYNAMO_TEST_NAME": self.name}
        python = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        module = "tests.acceptance.served_settings" if self.settings else "tests.settings"
        given = {"DJANGO_SETTINGS_MODULE": module, "DYNAMO_TEST_SETTINGS": json.dumps(self.settings)}
        return {**os.environ, **own, **python, **given}

    def start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(code), *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment(), cwd=ROOT, text=True, **pipes)

    def run(self, code: str, *arguments: str, seconds: int = 170) -> str:
        """Run to the end; a process that fails, or hangs so long, fails the test with what it said."""
        process = self.start(code, *arguments)
        out, errors = process.communicate(timeout=seconds)
        assert process.returncode == 0, errors[-4000:]
        return out.strip()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "django", *arguments]
        return subprocess.run(
            command,
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
