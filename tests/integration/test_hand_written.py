"""Hand-written models that refer to generated ones: from their migrations to their cascades."""

from __future__ import annotations

import pytest

from tests.integration.homes import MODELS, Home

MAKE = """
import django; django.setup()
from dynamo.models import MetaField, MetaModel
import dynamo
author = MetaModel.objects.create(name="Author")
tag = MetaModel.objects.create(name="Tag")
book = MetaModel.objects.create(name="Book")
MetaField.objects.create(meta_model=book, name="title", type="CharField")
MetaField.objects.create(meta_model=book, name="author", type="ForeignKey", related_model="Author")
MetaField.objects.create(meta_model=book, name="tags", type="ManyToManyField", related_model="Tag")
"""
USE = """
import django; django.setup()
from reviews.models import Review
# Nobody has asked the database for anything yet.
print(Review.objects.filter(book__title="Emma").count())
import dynamo
Book = dynamo.get_model("Book")
row = Book.objects.create(title="Emma")
Review.objects.create(book=row)
print(row.review_set.count(), Review.objects.filter(book__title="Emma").count())
row.delete()
print(Review.objects.count())
"""
ADMIN = """
from django.contrib import admin
import dynamo
from reviews.models import Review

class Books(admin.TabularInline):
    model = dynamo.get_model("dynamic.Book")

@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ["book"]
"""
CHANGE = """
import django; django.setup()
from django.core.exceptions import ValidationError
from dynamo.models import MetaModel
from events.exceptions import DynamoError
import dynamo
book = MetaModel.objects.get(name="Book")
for change in (book.delete, lambda: dynamo.rollback(1), lambda: dynamo.rollback(0, model="Book")):
    try:
        change()
    except (DynamoError, ValidationError) as refusal:
        print(refusal)
def rename():
    book.name = "Tome"
    book.save()
print(*dynamo.plan(rename).notes)
rename()
print(*(event.type for event in dynamo.history()[-1:]))
"""


RENAME = """
import django; django.setup()
from dynamo.models import MetaField
title = MetaField.objects.get(name="title")
title.name = "heading"
title.save()
"""
SCHEMA = """
from pathlib import Path
from django.db import migrations
from dynamo.migrating import ApplySchema
class Migration(migrations.Migration):
    dependencies = [("dynamo", "0004_labels")]
    operations = [ApplySchema(Path(__file__).with_name("schema.json"))]
"""
TESTED = """
from django.test import TestCase
from reviews.models import Review
import dynamo
class ReviewTests(TestCase):
    def test_a_row_of_each(self):
        book = dynamo.get_model("Book").objects.create(title="Emma")
        Review.objects.create(book=book)
        self.assertEqual(Review.objects.get(book__title="Emma").book, book)
"""


@pytest.fixture
def written(home: Home) -> Home:
    """A project whose code has come to refer to a generated model that refers to others."""
    home.run("before", "-m", "django", "migrate", "--verbosity", "0")
    home.run("before", "-c", MAKE)
    return home


def migrated(home: Home) -> Home:
    home.run("after", "-m", "django", "makemigrations", "reviews")
    home.run("after", "-m", "django", "migrate", "--verbosity", "0")
    assert "No changes" in home.run("after", "-m", "django", "makemigrations", "--check")
    return home


def test_a_hand_written_model_refers_to_a_generated_one_by_name(written: Home) -> None:
    written.run("after", "-m", "django", "check")
    migrated(written)
    assert written.run("after", "-c", USE).split() == ["0", "1", "1", "0"]


def test_a_generated_class_is_asked_for_while_the_admin_is_imported(written: Home) -> None:
    written.write("admin.py", ADMIN)
    written.run("after", "-W", "ignore", "-m", "django", "check")
    migrated(written)


def test_the_relation_is_taken_away_again(written: Home) -> None:
    migrated(written)
    written.write("models.py", MODELS.partition("    book =")[0] + "    text = models.TextField(null=True)\n")
    written.run("after", "-m", "django", "makemigrations", "reviews")
    written.run("after", "-m", "django", "sqlmigrate", "reviews", "0002")
    migrated(written)
    assert "book" not in written.run("after", "-m", "django", "inspectdb", "reviews_review")


def test_what_the_code_refers_to_is_not_retired_and_renaming_it_says_what_to_do(written: Home) -> None:
    migrated(written)
    said = written.run("after", "-c", CHANGE).splitlines()
    for refused in said[:2]:
        assert "dynamic.Book is referred to by reviews.Review.book in the project's code" in refused
    assert said[-2] == (
        "reviews.Review.book in the project's code refers to dynamic.Book: write dynamic.Tome there before "
        "the next start"
    )
    assert said[-1] == "model.renamed"
    # What a start without that comes to, and the way out.
    assert "dynamic.Tome" in written.run("after", "-m", "django", "dynamo", "show")
    written.run("after", "-m", "django", "dynamo", "rollback", "--yes", "6")
    written.run("after", "-m", "django", "check")


def exported(home: Home) -> str:
    return home.run("after", "-m", "django", "dynamo", "export")


def test_a_new_database_gets_the_schema_first(written: Home) -> None:
    migrated(written)
    written.write("schema.json", exported(written))
    written.begin_anew()
    written.run("after", "-m", "django", "migrate", "dynamo", "--skip-checks", "--verbosity", "0")
    written.run(
        "after", "-m", "django", "dynamo", "apply", str(written.folder / "reviews/schema.json"), "--yes"
    )
    written.run("after", "-m", "django", "migrate", "--verbosity", "0")
    assert written.run("after", "-c", USE).split() == ["0", "1", "1", "0"]


def test_a_migration_applies_the_schema_that_the_next_refers_to(written: Home) -> None:
    written.write("migrations/schema.json", exported(written))
    written.write("migrations/0001_schema.py", SCHEMA)
    migrated(written)
    assert written.run("after", "-c", USE).split() == ["0", "1", "1", "0"]
    written.write("tests.py", TESTED)
    written.run("after", "-m", "django", "test", "reviews")
    written.begin_anew()
    written.run("after", "-m", "django", "migrate", "--skip-checks", "--verbosity", "0")
    assert written.run("after", "-c", USE).split() == ["0", "1", "1", "0"]
    written.run("after", "-m", "django", "migrate", "reviews", "zero", "--verbosity", "0")
    written.run("after", "-c", RENAME)
    migrated(written)
    # What has gone on since is not turned back.
    assert "heading" in written.run("after", "-m", "django", "dynamo", "show", "Book")
