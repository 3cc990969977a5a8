"""The twelve signals: what is sent when, in which order, with what, and what a receiver may do."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test import override_settings

import dynamo
from dynamo import signals
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, columns, everything, make, rename, table_names

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [
    f"{when}_{what}_{kind}"
    for what in ("model", "field")
    for kind in ("creation", "update", "delete")
    for when in ("pre", "post")
]
ARGUMENTS = {
    "model_creation": {"new_model"},
    "model_update": {"old_model", "new_model", "old_schema", "new_schema"},
    "model_delete": {"old_model"},
    "field_creation": {"new_field"},
    "field_update": {"old_field", "new_field"},
    "field_delete": {"old_field"},
}


class Heard(list):
    """The signals that were sent, as (name, sender, arguments)."""

    def names(self) -> list[str]:
        return [name for name, _, _ in self]

    def only(self, wanted: str) -> dict:
        (found,) = (arguments for name, _, arguments in self if name == wanted)
        return found


@pytest.fixture
def listen():
    """Connect receivers to signals by name, and disconnect them when the test is over."""
    connected = []

    def connect(receiver, *names, **kwargs):
        for name in names:
            getattr(signals, name).connect(receiver, weak=False, **kwargs)
            connected.append((name, receiver, kwargs))

    yield connect
    for name, receiver, kwargs in connected:
        getattr(signals, name).disconnect(receiver, **kwargs)


@pytest.fixture
def heard(listen) -> Heard:
    found = Heard()
    for name in NAMES:

        def receiver(signal, sender, name=name, **arguments):
            found.append((name, sender, arguments))

        listen(receiver, name)
    return found


def names_of(model) -> list[str]:
    return [f.name for f in model._meta.get_fields()]


def test_there_are_twelve_signals(transactional_db):
    assert sorted(signals.__all__) == sorted(NAMES)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda book: MetaModel.objects.create(name="Other"), "model_creation"),
        (lambda book: rename(book, "Volume"), "model_update"),
        (lambda book: book.delete(), "model_delete"),
        (lambda book: add(book, "pages", "IntegerField"), "field_creation"),
        (lambda book: alter(book.fields.get(), help="x"), "field_update"),
        (lambda book: book.fields.get().delete(), "field_delete"),
    ],
    ids=ARGUMENTS,
)
def test_each_change_sends_its_pair_with_the_documented_arguments(listen, change, kind):
    book = make("Book", title="CharField")
    found = Heard()
    for name in NAMES:
        listen(lambda signal, sender, name=name, **given: found.append((name, sender, given)), name)
    with dynamo.acting(actor="42"):
        change(book)
    assert found.names() == [f"pre_{kind}", f"post_{kind}"]
    for _, sender, arguments in found:
        assert set(arguments) == ARGUMENTS[kind] | {"events", "position", "actor"}
        assert (arguments["actor"], arguments["position"]) == ("42", dynamo.history()[-1].position)
        assert [event.position for event in arguments["events"]] == [arguments["position"]]
        assert sender is (MetaModel if kind.startswith("model") else book.get_model())


def test_a_description_is_announced_too(transactional_db, heard):
    book = make("Book")
    heard.clear()
    book.description = "x"
    book.save()
    assert heard.names() == ["pre_model_update", "post_model_update"]
    assert heard.only("post_model_update")["new_model"] is book.get_model()


def test_before_a_rename_the_old_model_is_the_live_one_and_afterwards_the_new_one(transactional_db, heard):
    book = make("Book", title="CharField")
    cls = book.get_model()
    heard.clear()
    rename(book, "Volume")
    pre, post = heard.only("pre_model_update"), heard.only("post_model_update")
    assert (pre["old_model"], post["new_model"]) == (cls, cls)
    assert (pre["new_model"].__name__, post["old_model"].__name__) == ("Volume", "Book")
    assert (post["old_model"]._meta.db_table, post["new_model"]._meta.db_table) == (
        "dynamic_book",
        "dynamic_volume",
    )
    assert (pre["old_schema"].name, pre["new_schema"].name) == ("Book", "Volume")


def test_a_new_model_is_shown_before_it_exists(transactional_db, listen):
    shown = []

    def receiver(sender, new_model, **kwargs):
        shown.append((new_model.__name__, new_model._meta.label, "dynamic_book" in table_names()))

    listen(receiver, "pre_model_creation")
    make("Book")
    assert shown == [("Book", "dynamic.Book", False)]


def test_after_the_creation_the_model_can_be_used(transactional_db, listen):
    made = []
    listen(lambda sender, new_model, **kwargs: made.append(new_model.objects.create()), "post_model_creation")
    book = make("Book")
    assert isinstance(made[0], book.get_model())


def test_field_signals_carry_rows_with_the_former_and_the_present_values(transactional_db, heard):
    book = make("Book", title="CharField")
    heard.clear()
    field = book.fields.get()
    field.name, field.required = "name", True
    field.save()
    assert heard.names() == ["pre_field_update", "post_field_update"]
    for arguments in (heard.only("pre_field_update"), heard.only("post_field_update")):
        old, new = arguments["old_field"], arguments["new_field"]
        assert isinstance(old, MetaField)
        assert (old.name, old.required, old.pk) == ("title", False, field.pk)
        assert (new.name, new.required, new.pk) == ("name", True, field.pk)
        assert new.meta_model == book
        assert [event.type for event in arguments["events"]] == ["field.renamed", "field.altered"]


def test_the_former_field_is_an_unsaved_copy(transactional_db, heard):
    book = make("Book", title="CharField")
    book.fields.get().delete()
    old = heard.only("post_field_delete")["old_field"]
    assert (old.name, old.type, old._state.adding) == ("title", "CharField", True)


def test_pre_signals_see_the_table_as_it_was_and_post_signals_as_it_is(transactional_db, listen):
    book = make("Book")
    seen = []
    for name in ("pre_field_creation", "post_field_creation"):
        listen(lambda sender, **kwargs: seen.append("title" in columns("dynamic_book")), name)
    add(book, "title")
    assert seen == [False, True]


def test_post_signals_are_sent_after_the_commit(transactional_db, listen):
    book = make("Book")
    states = []
    listen(lambda sender, **kwargs: states.append(connection.in_atomic_block), "pre_field_creation")
    listen(lambda sender, **kwargs: states.append(connection.in_atomic_block), "post_field_creation")
    add(book, "title")
    assert states == [True, False]


@pytest.mark.needs("ddl in atomic")
def test_inside_a_callers_transaction_post_signals_wait_for_its_commit(transactional_db, heard):
    with transaction.atomic():
        make("Book", title="CharField")
        assert heard.names() == ["pre_model_creation", "pre_field_creation"]
    assert heard.names()[2:] == ["post_model_creation", "post_field_creation"]


@pytest.mark.needs("ddl in atomic")
def test_a_transaction_that_rolls_back_sends_no_post_signal(transactional_db, heard):
    with transaction.atomic():
        make("Book", title="CharField")
        transaction.set_rollback(True)
    assert heard.names() == ["pre_model_creation", "pre_field_creation"]


@pytest.mark.needs("ddl in atomic")
def test_receivers_of_one_models_fields_hear_each_of_several_saves_in_a_transaction(transactional_db, listen):
    book = make("Book")
    cls, heard = book.get_model(), []
    listen(
        lambda sender, new_field, **kwargs: heard.append(new_field.name), "post_field_creation", sender=cls
    )
    with transaction.atomic():
        add(book, "title")
        add(book, "pages", "IntegerField")
    assert heard == ["title", "pages"]


@pytest.mark.needs("ddl in atomic")
def test_a_model_made_and_extended_in_one_transaction_is_announced_with_its_live_class(
    transactional_db, heard
):
    with transaction.atomic():
        book = make("Book", title="CharField")
    assert heard.only("post_model_creation")["new_model"] is book.get_model()


def test_a_batch_announces_each_thing_once_in_the_order_of_the_log(transactional_db, heard):
    with dynamo.batch():
        book = make("Book", title="CharField", pages="IntegerField")
        alter(book.fields.get(name="title"), help="x")
        alter(book.fields.get(name="title"), help="y")
    kinds = ["model_creation", "field_creation", "field_creation", "field_update"]
    assert heard.names() == [f"{when}_{kind}" for when in ("pre", "post") for kind in kinds]
    assert [event.type for event in heard.only("post_field_update")["events"]] == ["field.altered"] * 2


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("pre")])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_veto_leaves_no_trace(transactional_db, listen, name, error):
    book = make("Book", title="CharField")
    book.get_model().objects.create(title="kept")
    changes = {
        "pre_model_creation": lambda: make("Other"),
        "pre_model_update": lambda: rename(book, "Volume"),
        "pre_model_delete": lambda: MetaModel.objects.get().delete(),
        "pre_field_creation": lambda: add(book, "pages", "IntegerField"),
        "pre_field_update": lambda: rename(book.fields.get(), "name"),
        "pre_field_delete": lambda: book.fields.get().delete(),
    }
    before = everything()

    def veto(sender, **kwargs):
        raise error("no")

    listen(veto, name)
    with pytest.raises(error, match="no"):
        changes[name]()
    assert everything() == before


def test_a_veto_of_one_change_takes_the_whole_batch_back(transactional_db, listen):
    book = make("Book")
    before = everything()

    def veto(sender, new_field, **kwargs):
        if new_field.name == "pages":
            raise PermissionError("no")

    listen(veto, "pre_field_creation")
    rows = [MetaField(meta_model=book, name=name, type="IntegerField") for name in ("title", "pages")]
    with pytest.raises(PermissionError):
        MetaField.objects.bulk_create(rows)
    assert everything() == before


def test_a_vetoed_row_can_be_saved_later(transactional_db, listen):
    book = make("Book")
    allowed: list[object] = []

    def veto(sender, **kwargs):
        if not allowed:
            raise PermissionError("no")

    listen(veto, "pre_field_creation")
    field = MetaField(meta_model=book, name="title", type="CharField")
    with pytest.raises(PermissionError):
        field.save()
    allowed.append(True)
    field.save()
    assert names_of(book.get_model()) == ["id", "title"]


def test_a_post_receiver_that_raises_stops_nothing(transactional_db, listen, heard, caplog):
    def fail(sender, **kwargs):
        raise ValueError("out of order")

    listen(fail, "post_model_creation")
    book = make("Book")
    assert book.get_model().objects.count() == 0
    assert heard.names() == ["pre_model_creation", "post_model_creation"]
    assert "out of order" in caplog.text


def test_a_post_receiver_may_change_the_schema_further(transactional_db, listen):
    def follow(sender, new_model, **kwargs):
        add(MetaModel.objects.get(name=new_model.__name__), "created", "DateTimeField")

    listen(follow, "post_model_creation")
    book = make("Book")
    assert names_of(book.get_model()) == ["id", "created"]
    assert dynamo.verify().problems == []


def test_a_pre_receiver_that_changes_the_schema_never_makes_it_diverge(transactional_db, listen):
    def follow(sender, **kwargs):
        add(MetaModel.objects.get(name="Book"), "created", "DateTimeField")

    listen(follow, "pre_model_creation")
    try:
        make("Book")
    except dynamo.exceptions.DynamoError:
        assert MetaModel.objects.count() == 0
    assert dynamo.verify().problems == []
    assert everything()["connection"] == (False, False, True)


@override_settings(DYNAMO_DELETE_COLUMNS=True, DYNAMO_DELETE_TABLES=True)
def test_dropping_at_once_is_announced_as_a_deletion(transactional_db, heard):
    book = make("Book", title="CharField")
    heard.clear()
    book.fields.get().delete()
    book.delete()
    assert heard.names() == ["pre_field_delete", "post_field_delete", "pre_model_delete", "post_model_delete"]
    assert "dynamic_book" not in str(everything()["tables"])


def test_receivers_see_the_class_that_everybody_uses(transactional_db, listen):
    book = make("Book", title="CharField")
    senders = set()
    listen(lambda sender, **kwargs: senders.add(sender), "pre_field_update", "post_field_update")
    alter(book.fields.get(), required=True)
    rename(book.fields.get(), "name")
    assert senders == {book.get_model()}


def test_relations_are_announced_with_their_targets_name(transactional_db, heard):
    make("Author")
    make("Book", author={"type": "ForeignKey", "related_model": "Author"})
    assert heard.only("pre_field_creation")["new_field"].related_model == "dynamic.Author"
    assert heard.only("post_field_creation")["new_field"].related_model == "dynamic.Author"
