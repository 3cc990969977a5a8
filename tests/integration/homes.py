"""Projects with settings, and an app, of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.databases import database

MODELS = """
from django.db import models
class Review(models.Model):
    book = models.ForeignKey("dynamic.Book", on_delete=models.CASCADE)
"""
SETTINGS = """
from tests.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, *{apps!r}]
"""


class Home:
    """A project of its own: settings before and after the app that refers to a generated model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "spare").mkdir()
        self.names = [database.fresh_name(place) for place in (folder, folder / "spare")]
        for name in self.names:
            database.create(name)
        self.name, self.spare = self.names
        package = folder / "reviews"
        (package / "migrations").mkdir(parents=True)
        for path in (package / "__init__.py", package / "migrations" / "__init__.py"):
            path.touch()
        (package / "models.py").write_text(MODELS)
        (folder / "before.py").write_text(SETTINGS.format(apps=()))
        (folder / "after.py").write_text(SETTINGS.format(apps=("reviews",)))

    def write(self, name: str, code: str) -> None:
        """A file of the app."""
        (self.folder / "reviews" / name).write_text(code)

    def run(self, settings: str, *arguments: str) -> str:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "DYNAMO_TEST_FOLDER": str(self.folder),
            "DYNAMO_TEST_NAME": self.name,
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(Path.cwd()))),
        }
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def begin_anew(self) -> None:
        """With an empty database."""
        self.name = self.spare

    def drop(self) -> None:
        for name in self.names:
            database.drop(name)
