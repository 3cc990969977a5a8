"""A project with every setting of its own: labels, bases, field types, and another database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.databases import database
from tests.integration.homes import Home

SETTINGS = """
from tests.settings import *
DYNAMO_APPS = ["shop", "big_shop"]
DYNAMO_DATABASE = "registry"
DATABASE_ROUTERS = ["dynamo.router.DynamoRouter"]
DATABASES["registry"] = {**DATABASES["default"], "NAME": DATABASES["default"]["NAME"] + "_registry"}
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
def project(home: Home, django_db_blocker: Any) -> Home:
    with django_db_blocker.unblock():
        database.create(f"{home.name}_registry")
    (home.folder / "own.py").write_text(SETTINGS)
    (home.folder / "extras.py").write_text(EXTRAS)
    return home


def test_labels_bases_field_types_and_database_of_a_project_are_used(project: Home) -> None:
    for alias in ("default", "registry"):
        project.run("own", "-m", "django", "migrate", "--verbosity", "0", "--database", alias)
    project.run("own", "-m", "django", "check")
    assert project.run("own", "-c", USE).splitlines() == [
        "refused True",
        "EMMA #fff registry 1 2",
        "[]",
    ]
    assert "No changes" in project.run("own", "-m", "django", "makemigrations", "--check")
    assert "Emma" in project.run("own", "-m", "django", "dumpdata", "shop", "--database", "registry")
