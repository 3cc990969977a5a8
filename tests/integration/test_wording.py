"""Events in words: every type has its sentences, and German pages have German ones."""

from __future__ import annotations

import pytest
from django.utils import translation

import dynamo
from dynamo import wording
from events.types import BY_NAME
from tests.integration.making import add, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_type_has_sentences_for_what_will_be_and_what_was() -> None:
    assert BY_NAME.keys() <= wording.SENTENCES.keys()


def test_events_are_told_in_the_language_of_the_page() -> None:
    book = make("Book", title="CharField")
    rename(book.fields.get(), "name")
    field = add(book, "pages", "IntegerField")
    field.delete()
    told = ["Modell dynamic.Book hinzugefügt", "Feld dynamic.Book.title (CharField) hinzugefügt"]
    told += [
        "Feld dynamic.Book.title in name umbenannt",
        "Feld dynamic.Book.pages (IntegerField) hinzugefügt",
    ]
    told += ["Feld dynamic.Book.pages stillgelegt"]
    with translation.override("de"):
        assert [wording.told_briefly(recorded) for recorded in dynamo.history()] == told
        plan = dynamo.plan(lambda: rename(book, "Novel"))
        assert plan.operations[0].sentence == "Modell Book in Novel umbenennen"
    assert plan.token == dynamo.plan(lambda: rename(book, "Novel")).token
