"""One change of each kind, to be made on the same two models with rows and links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dynamo
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, make, rename


def prepare() -> None:
    """An author and a book that refer to each other and to themselves, with rows in every table."""
    with dynamo.batch():
        author = make("Author", name="CharField")
        book = make(
            "Book", title="CharField", pages="CharField", code={"type": "IntegerField", "unique": True}
        )
        add(book, "author", "ForeignKey", related_model="Author")
        add(book, "sequel", "ForeignKey", related_model="self", options={"related_name": "prequels"})
        add(book, "tags", "ManyToManyField", related_model="Author", options={"related_name": "tagged"})
        add(author, "best", "ForeignKey", related_model="Book", options={"related_name": "+"})
    a = author.get_model().objects.create(name="A")
    first = book.get_model().objects.create(title="x", pages="12", code=1, author=a)
    second = book.get_model().objects.create(title="y", pages="34", code=2, author=a, sequel=first)
    a.best = second
    a.save()
    first.tags.add(a)


def prepare_every() -> None:
    """The same with a past: fields that were converted, so that one can return to before that."""
    prepare()
    with dynamo.batch():
        add(model(), "year")
        add(model(), "friends", "ManyToManyField", related_model="Author", options={"related_name": "+"})
    book = model().get_model()
    for row, year in zip(book.objects.order_by("pk"), ("1815", "n/a"), strict=True):
        row.year = year
        row.save()
        row.friends.add(row.author_id)
    with dynamo.batch():
        alter(field("year"), type="IntegerField", on_error="null")
        alter(field("friends"), type="ForeignKey", options={"related_name": "+"})


def model(name: str = "Book") -> MetaModel:
    return MetaModel.objects.get(name=name)


def field(name: str) -> MetaField:
    return MetaField.objects.get(meta_model__name="Book", name=name)


def together(*names: str) -> None:
    with dynamo.batch():
        for name in names:
            alter(field(name), unique_together=True)


def retire_author() -> None:
    with dynamo.batch():
        MetaField.objects.filter(name__in=("author", "tags", "friends")).delete()
        model("Author").delete()


def return_to_before_the_conversions() -> None:
    converted = next(event for event in dynamo.history() if event.type == "field.altered")
    dynamo.rollback(converted.position - 1)


CHANGES: dict[str, Callable[[], Any]] = {
    "create a model": lambda: make("Shelf"),
    "describe a model": lambda: MetaModel.objects.filter(name="Book").update(description="x"),
    "rename a model": lambda: rename(model(), "Volume"),
    "retire a model": retire_author,
    "add a field": lambda: add(model(), "isbn"),
    "add a required field": lambda: add(model(), "isbn", required=True, backfill="none"),
    "add a field with a value per row": lambda: add(
        model(), "key", "UUIDField", required=True, unique=True, options={"default_factory": "uuid4"}
    ),
    "add a foreign key": lambda: add(
        model(), "editor", "ForeignKey", related_model="Author", options={"related_name": "edited"}
    ),
    "add a many-to-many": lambda: add(
        model(), "fans", "ManyToManyField", related_model="auth.User", options={"related_name": "read"}
    ),
    "rename a field": lambda: rename(field("title"), "name"),
    "rename a relation": lambda: rename(field("author"), "writer"),
    "make a field required": lambda: alter(field("title"), required=True),
    "make a field unique": lambda: alter(field("title"), unique=True),
    "make fields unique together": lambda: together("title", "author"),
    "convert a field": lambda: alter(field("pages"), type="IntegerField"),
    "lengthen a field": lambda: alter(field("title"), options={"max_length": 300}),
    "retire a field": lambda: field("title").delete(),
    "retire a many-to-many": lambda: field("tags").delete(),
    "return to before conversions": return_to_before_the_conversions,
}
