"""A project with every setting of its own: labels, bases, field types, and another database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_hand_written import Home

SETTINGS = """
from tests.settings import *
DYNAMO_APPS = ["shop", "big_shop"]
DYNAMO_DATABASE = "registry"
DATABASE_ROUTERS = ["dynamo.router.DynamoRouter"]
DATABASES = {**DATABASES, "registry": {**DATABASES["default"], "NAME": FOLDER / "registry.sqlite3"}}
DYNAMO_MODEL_BASES = {"shop.Book": "extras.Shouting"}
DYNAMO_FIELD_TYPES = {"ColourField": "extras.ColourField"}
"""
EXTRAS = """
from django.core.exceptions import ValidationError
from django.db import models

class Shouting(models.Model):
    class Meta:
        abstract = True
    def shout(self):
        return self.title.upper()

class ColourField(models.CharField):
    def clean(self, value, row):
        value = super().clean(value, row)
        if not value.startswith("#"):
            raise ValidationError("a colour begins with #")
        return value
"""
USE = """
import django; django.setup()
from django.core.exceptions import ValidationError
from dynamo.models import MetaField, MetaModel
import dynamo
book = MetaModel.objects.create(name="Book", app="shop")
MetaField.objects.create(meta_model=book, name="title", type="CharField")
try:
    MetaField.objects.create(meta_model=book, name="colour", type="ColourField", default="red")
except ValidationError as error:
    print("refused", "begins with" in str(error))
MetaField.objects.create(meta_model=book, name="colour", type="ColourField", default="#fff")
shelf = MetaModel.objects.create(name="Shelf", app="big_shop")
MetaField.objects.create(meta_model=shelf, name="books", type="ManyToManyField", related_model="shop.Book")
row = book.get_model().objects.create(title="Emma")
shelf.get_model().objects.create().books.add(row)
print(row.shout(), row.colour, row._state.db, row.shelf_set.count(), MetaModel.objects.count())
print(dynamo.verify().problems)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    (tmp_path / "own.py").write_text(SETTINGS)
    (tmp_path / "extras.py").write_text(EXTRAS)
    return found


def test_labels_bases_field_types_and_database_of_a_project_are_used(home: Home) -> None:
    for database in ("default", "registry"):
        home.run("own", "-m", "django", "migrate", "--verbosity", "0", "--database", database)
    home.run("own", "-m", "django", "check")
    assert home.run("own", "-c", USE).splitlines() == [
        "refused True",
        "EMMA #fff registry 1 2",
        "[]",
    ]
    assert "No changes" in home.run("own", "-m", "django", "makemigrations", "--check")
    assert "Emma" in home.run("own", "-m", "django", "dumpdata", "shop", "--database", "registry")
