"""A hand-written model with a foreign key to a generated one, from its migration to its cascade."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = """
from django.db import models
class Review(models.Model):
    book = models.ForeignKey("dynamic.Book", on_delete=models.CASCADE)
"""
SETTINGS = """
from tests.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, *{apps!r}]
"""
MAKE = """
import django; django.setup()
from dynamo.models import MetaField, MetaModel
book = MetaModel.objects.create(name="Book")
MetaField.objects.create(meta_model=book, name="title", type="CharField")
"""
USE = """
import django; django.setup()
from reviews.models import Review
import dynamo
Book = dynamo.get_model("Book")
row = Book.objects.create(title="Emma")
Review.objects.create(book=row)
print(row.review_set.count(), Review.objects.filter(book__title="Emma").count())
row.delete()
print(Review.objects.count())
"""


class Home:
    """A project of its own: settings before and after the app that refers to a generated model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = folder / "reviews"
        (package / "migrations").mkdir(parents=True)
        for path in (package / "__init__.py", package / "migrations" / "__init__.py"):
            path.touch()
        (package / "models.py").write_text(MODELS)
        (folder / "before.py").write_text(SETTINGS.format(apps=()))
        (folder / "after.py").write_text(SETTINGS.format(apps=("reviews",)))

    def run(self, settings: str, *arguments: str) -> str:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings,
            "DYNAMO_TEST_FOLDER": str(self.folder),
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(Path.cwd()))),
        }
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_hand_written_model_refers_to_a_generated_one_by_name(home: Home) -> None:
    home.run("before", "-m", "django", "migrate", "--verbosity", "0")
    home.run("before", "-c", MAKE)
    home.run("after", "-m", "django", "check")
    home.run("after", "-m", "django", "makemigrations", "reviews")
    home.run("after", "-m", "django", "migrate", "--verbosity", "0")
    assert "No changes" in home.run("after", "-m", "django", "makemigrations", "--check")
    assert home.run("after", "-c", USE).split() == ["1", "1", "0"]
