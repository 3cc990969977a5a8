"""A hand-written model with a foreign key to a generated one, from its migration to its cascade."""

from __future__ import annotations

from tests.integration.homes import Home

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


def test_a_hand_written_model_refers_to_a_generated_one_by_name(home: Home) -> None:
    home.run("before", "-m", "django", "migrate", "--verbosity", "0")
    home.run("before", "-c", MAKE)
    home.run("after", "-m", "django", "check")
    home.run("after", "-m", "django", "makemigrations", "reviews")
    home.run("after", "-m", "django", "migrate", "--verbosity", "0")
    assert "No changes" in home.run("after", "-m", "django", "makemigrations", "--check")
    assert home.run("after", "-c", USE).split() == ["1", "1", "0"]
