"""The chain, step by step: what a save appends, runs and leaves alone."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.exceptions import SchemaConflict
from dynamo.models import MetaField, MetaModel
from events.models import SchemaEvent
from tests.integration.making import add, everything, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


def types() -> list[str]:
    return [event.type for event in dynamo.history()]


def statements(queries: CaptureQueriesContext) -> list[str]:
    """The schema statements among the captured ones."""
    words = ("CREATE ", "ALTER ", "DROP ")
    return [q["sql"] for q in queries.captured_queries if q["sql"].strip().upper().startswith(words)]


@pytest.fixture
def book(transactional_db) -> MetaModel:
    return make("Book", title="CharField")


def test_a_save_of_a_new_model_runs_the_whole_chain(transactional_db):
    meta = MetaModel.objects.create(name="Book")
    assert types() == ["model.created"]
    assert meta.get_model().objects.create().pk == 1
    assert (meta.app, meta.version) == ("dynamic", 1)
    assert dynamo.verify().problems == []


def test_an_identical_save_appends_and_changes_nothing(book):
    title = book.fields.get()
    before = everything()
    for row in (book, MetaModel.objects.get(), title, MetaField.objects.get()):
        row.save()
    assert everything() == before


def test_an_identical_save_runs_no_schema_statement(book):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        book.save()
        book.fields.get().save()
    assert statements(queries) == []


@pytest.mark.parametrize("target", ["model", "field"])
def test_a_description_is_recorded_without_touching_class_or_table(book, target):
    row = book if target == "model" else book.fields.get()
    cls, before, row.description = book.get_model(), everything(), "what people read"
    fields = cls._meta.get_fields()
    with CaptureQueriesContext(connection) as queries:
        row.save()
    after = everything()
    assert (types()[-1], statements(queries)) == (f"{target}.altered", [])
    assert {key for key in after if after[key] != before[key]} <= {
        "events",
        "head",
        "checkpoints",
        "mark",
        f"meta {target}s",
    }
    assert all(one is other for one, other in zip(fields, cls._meta.get_fields(), strict=True))
    assert dynamo.verify().problems == []


def test_an_identical_save_sends_no_signal(book):
    from dynamo import signals

    heard = []
    receivers = [lambda sender, **kwargs: heard.append(sender) for _ in range(12)]
    named = [getattr(signals, name) for name in signals.__all__]
    for signal, receiver in zip(named, receivers, strict=False):
        signal.connect(receiver)
    try:
        book.save()
    finally:
        for signal, receiver in zip(named, receivers, strict=False):
            signal.disconnect(receiver)
    assert heard == []


def test_two_people_changing_different_attributes_both_have_their_way(book):
    one, other = MetaField.objects.get(), MetaField.objects.get()
    one.help = "As printed."
    one.save()
    other.required = True
    other.save()
    field = MetaField.objects.get()
    assert (field.help, field.required) == ("As printed.", True)
    assert (other.help, one.required) == ("As printed.", False)


def test_two_people_changing_one_attribute_is_a_conflict_that_shows_all_three_values(book):
    one, other = MetaField.objects.get(), MetaField.objects.get()
    one.help = "one"
    one.save()
    before = everything()
    other.help = "other"
    with pytest.raises(SchemaConflict) as caught:
        other.save()
    error = caught.value
    assert (error.attribute, error.base, error.theirs, error.yours) == ("help", "", "one", "other")
    assert everything() == before


def test_two_people_who_agree_are_no_conflict(book):
    one, other = MetaField.objects.get(), MetaField.objects.get()
    for row in (one, other):
        row.help = "the same"
        row.save()
    assert types().count("field.altered") == 1


def test_a_stale_row_that_changed_nothing_reverts_nothing(book):
    stale = MetaField.objects.get()
    rename(stale, "name")
    stale.save()
    assert MetaField.objects.get().name == "name"
    assert stale.name == "name"


def test_a_row_after_a_conflict_can_be_loaded_again_and_saved(book):
    one, other = MetaModel.objects.get(), MetaModel.objects.get()
    one.description = "one"
    one.save()
    other.description = "other"
    with pytest.raises(SchemaConflict):
        other.save()
    other.refresh_from_db()
    other.description = "other"
    other.save()
    assert MetaModel.objects.get().description == "other"


def test_saving_a_row_that_was_retired_meanwhile_is_a_conflict(book):
    stale = MetaField.objects.get()
    MetaField.objects.get().delete()
    stale.help = "too late"
    with pytest.raises(SchemaConflict):
        stale.save()
    assert MetaField.objects.count() == 0


def test_saving_with_update_fields_records_only_those(book):
    field = MetaField.objects.get()
    field.help, field.description = "yes", "no"
    field.save(update_fields=["help"])
    field = MetaField.objects.get()
    assert (field.help, field.description) == ("yes", "")


def test_a_deferred_attribute_is_left_alone(book):
    field = MetaField.objects.only("help").get()
    field.help = "changed"
    field.save()
    field = MetaField.objects.get()
    assert (field.help, field.name, field.type) == ("changed", "title", "CharField")


def test_a_change_of_many_attributes_is_told_event_by_event(book):
    field = MetaField.objects.get()
    field.name, field.order, field.required = "name", 7, True
    field.save()
    assert types()[-3:] == ["field.renamed", "field.reordered", "field.altered"]
    assert len({event.context.batch_id for event in dynamo.history()[-3:]}) == 1


def test_the_saved_row_shows_what_was_recorded(book):
    field = MetaField(meta_model=book, name="author", type="ForeignKey", related_model="Book")
    field.save()
    assert (field.related_model, field.order, field.options) == ("self", 1, {"on_delete": "SET_NULL"})


def test_an_altered_row_can_be_saved_again_and_again(book):
    field = add(book, "pages", "IntegerField")
    for help_text in ("one", "two", "three"):
        field.help = help_text
        field.save()
    assert MetaField.objects.get(name="pages").help == "three"
    assert SchemaEvent.objects.count() == 6
