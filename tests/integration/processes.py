"""Processes of their own, each on a fresh copy of a migrated database."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

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
    """A folder and a database of its own."""

    folder: Path
    name: str

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

    def environment(self) -> dict[str, str]:
        own = {"DYNAMO_TEST_FOLDER": str(self.folder), "DYNAMO_TEST_NAME": self.name}
        python = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**os.environ, **own, **python, "DJANGO_SETTINGS_MODULE": "tests.settings"}

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
