"""A class obtained once stays valid: through fields that come and go, renames, pickles and receivers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import transaction
from django.db.models.signals import m2m_changed, post_init, post_save, pre_delete

import dynamo
from dynamo.exceptions import ModelNotFound
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(transactional_db) -> MetaModel:
    return make("Book", title="CharField")


@pytest.fixture
def listen():
    """Connect receivers to Django's signals, and disconnect them when the test is over."""
    connected = []

    def connect(signal, sender):
        heard = []

        def receiver(sender, **kwargs):
            heard.append(sender)

        signal.connect(receiver, sender=sender, weak=False)
        connected.append((signal, receiver, sender))
        return heard

    yield connect
    for signal, receiver, sender in connected:
        signal.disconnect(receiver, sender=sender)


def every_change(meta: MetaModel) -> None:
    add(meta, "pages", "IntegerField")
    alter(meta.fields.get(name="pages"), type="CharField")
    rename(meta.fields.get(name="title"), "name")
    alter(meta.fields.get(name="name"), unique=True)
    add(meta, "user", "ForeignKey", related_model="auth.User")
    meta.fields.get(name="pages").delete()
    rename(meta, "Volume")


def test_the_class_is_the_same_after_every_kind_of_change(book):
    cls = book.get_model()
    every_change(book)
    assert dynamo.get_model("Volume") is cls is book.get_model()
    assert apps.get_model("dynamic", "volume") is cls
    assert (cls.__name__, cls._meta.label, cls._meta.db_table) == (
        "Volume",
        "dynamic.Volume",
        "dynamic_volume",
    )


def test_a_class_imported_once_sees_fields_that_come_later(book):
    cls = book.get_model()
    add(book, "pages", "IntegerField")
    row = cls.objects.create(title="x", pages=3)
    assert cls.objects.get(pages=3) == row
    assert cls(pages=4).pages == 4


def test_a_field_that_went_is_gone_from_the_class(book):
    cls = book.get_model()
    add(book, "state", choices=[["a", "A"]])
    add(book, "day", "DateField", required=True, backfill="2024-01-01")
    assert hasattr(cls, "get_state_display")
    book.fields.get(name="state").delete()
    book.fields.get(name="day").delete()
    gone = {"state", "day", "get_state_display", "get_next_by_day", "get_previous_by_day"}
    assert not gone & set(dir(cls))
    with pytest.raises(TypeError):
        cls(state="a")
    with pytest.raises(FieldDoesNotExist):
        cls._meta.get_field("day")


def test_a_query_made_before_a_change_works_after_it(book):
    cls = book.get_model()
    cls.objects.create(title="x")
    query = cls.objects.filter(title="x")
    add(book, "pages", "IntegerField", default=7)
    assert query.get().pages == 7


def test_an_instance_loaded_before_a_field_came_can_be_saved(book):
    row = book.get_model().objects.create(title="x")
    add(book, "pages", "IntegerField", default=7)
    row.title = "y"
    row.save()
    row.refresh_from_db()
    assert (row.title, row.pages) == ("y", 7)


def test_an_instance_loaded_before_a_field_went_can_be_saved(book):
    add(book, "pages", "IntegerField")
    row = book.get_model().objects.create(title="x", pages=3)
    book.fields.get(name="pages").delete()
    row.title = "y"
    row.save()
    assert book.get_model().objects.get().title == "y"


def test_an_instance_loaded_before_a_rename_keeps_the_columns_value_when_saved(book):
    row = book.get_model().objects.create(title="x")
    rename(book.fields.get(), "name")
    row.save()
    assert book.get_model().objects.get().name == "x"


def test_instances_keep_their_type(book):
    cls = book.get_model()
    row = cls.objects.create(title="x")
    every_change(book)
    assert isinstance(row, dynamo.get_model("Volume"))
    assert isinstance(cls.objects.get(), cls)
    assert cls.objects.get() == row


def test_receivers_stay_connected(book, listen):
    cls = book.get_model()
    saved, initialised, deleted = (listen(signal, cls) for signal in (post_save, post_init, pre_delete))
    every_change(book)
    dynamo.get_model("Volume").objects.create(name="x")
    dynamo.get_model("Volume").objects.get().delete()
    assert (saved, initialised, deleted) == ([cls], [cls, cls], [cls])


def test_receivers_connected_by_a_name_that_comes_later_hear_it(transactional_db, listen):
    heard = listen(post_save, "dynamic.Book")
    make("Book", title="CharField").get_model().objects.create(title="x")
    assert len(heard) == 1


def test_receivers_of_link_tables_stay_connected(book, listen):
    add(book, "users", "ManyToManyField", related_model="auth.User")
    through = book.get_model().users.through
    heard = listen(m2m_changed, through)
    add(book, "pages", "IntegerField")
    book.get_model().objects.create().users.add(User.objects.create(username="u"))
    assert heard == [through, through]


def test_foreign_keys_to_the_class_stay_valid(book):
    author = make("Author", name="CharField")
    add(book, "author", "ForeignKey", related_model="Author")
    cls, target = book.get_model(), author.get_model()
    rename(author, "Writer")
    add(author, "born", "DateField")
    row = cls.objects.create(author=target.objects.create(name="A"))
    assert cls._meta.get_field("author").related_model is target
    assert cls.objects.filter(author__born=None).select_related("author").get().author == row.author


def test_reverse_managers_keep_working_through_changes_of_either_side(book):
    author = make("Author", name="CharField")
    add(book, "author", "ForeignKey", related_model="Author")
    a = author.get_model().objects.create(name="A")
    manager = a.book_set
    row = manager.create(title="x")
    add(book, "pages", "IntegerField")
    add(author, "born", "DateField")
    assert (list(manager.all()), list(a.book_set.all())) == ([row], [row])


def test_an_own_subclass_of_what_a_model_gives_keeps_working(book):
    cls: Any = book.get_model()

    class Proxy(cls):
        class Meta:
            proxy = True
            app_label = "library"

    try:
        row = Proxy.objects.create(title="x")
        add(book, "pages", "IntegerField", default=7)
        assert Proxy.objects.get(pk=row.pk).pages == 7
        assert isinstance(Proxy.objects.get(pages=7), cls)
    finally:
        dict.pop(apps.all_models["library"], "proxy")
        apps.clear_cache()


def test_an_own_queryset_made_from_the_class_keeps_working(book):
    cls = book.get_model()
    query = cls.objects.all()
    every_change(book)
    cls.objects.create(name="x")
    assert query.get().name == "x"


def test_instances_can_be_pickled_through_a_change(book):
    row = book.get_model().objects.create(title="x")
    data = pickle.dumps(row)
    add(book, "pages", "IntegerField", default=7)
    again = pickle.loads(data)
    assert (type(again), again, again.title, again.pages) == (book.get_model(), row, "x", 7)


def test_a_pickle_is_readable_by_a_process_that_never_used_the_class(project):
    data = project.run("""
        import pickle
        print(pickle.dumps(make("Book", title="CharField").get_model().objects.create(title="x")).hex())
    """)
    read = "import pickle; print(pickle.loads(bytes.fromhex(sys.argv[1])).title)"
    assert project.run(read, data) == "x"


def test_rows_querysets_and_meta_rows_can_be_copied_and_pickled(book):
    book.get_model().objects.create(title="x")
    for value in (book, MetaField.objects.get(), book.get_model().objects.get()):
        assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value
    assert [row.title for row in pickle.loads(pickle.dumps(book.get_model().objects.all()))] == ["x"]


def test_a_pickled_meta_row_still_knows_what_was_changed(book):
    field = MetaField.objects.get()
    field.help = "changed"
    pickle.loads(pickle.dumps(field)).save()
    copy.deepcopy(field).save()
    assert MetaField.objects.get().help == "changed"


def test_content_types_lead_to_the_class_before_and_after_a_rename(book):
    cls = book.get_model()
    kind = ContentType.objects.get_for_model(cls)
    rename(book, "Volume")
    again = ContentType.objects.get(pk=kind.pk)
    assert (again.model, again.model_class()) == ("volume", cls)
    assert ContentType.objects.get_for_model(cls).pk == kind.pk


def test_deferred_and_only_work_through_a_change(book):
    cls = book.get_model()
    cls.objects.create(title="x")
    row = cls.objects.defer("title").get()
    add(book, "pages", "IntegerField", default=7)
    assert (row.title, row.pages) == ("x", 7)
    assert cls.objects.only("pages").get().get_deferred_fields() == {"title"}


@pytest.mark.needs("ddl in atomic")
def test_rolling_back_restores_the_class_that_everybody_holds(book):
    cls = book.get_model()
    before = (sorted(vars(cls)), [f.name for f in cls._meta.get_fields()])
    with transaction.atomic():
        every_change(book)
        assert cls.__name__ == "Volume"
        transaction.set_rollback(True)
    assert dynamo.get_model("Book") is cls
    assert (sorted(vars(cls)), [f.name for f in cls._meta.get_fields()]) == before
    assert cls.objects.create(title="x").title == "x"


def test_a_retired_model_is_not_found_any_more(book):
    cls = book.get_model()
    book.delete()
    with pytest.raises(ModelNotFound):
        dynamo.get_model("Book")
    with pytest.raises(LookupError):
        apps.get_model("dynamic", "Book")
    assert not [related for related in User._meta.related_objects if related.related_model is cls]


def test_a_new_model_of_a_retired_ones_name_is_another_class_with_no_old_rows(book):
    old = book.get_model()
    old.objects.create(title="x")
    book.delete()
    new = make("Book", title="CharField").get_model()
    assert new is not old
    assert new.objects.count() == 0


def test_a_field_of_a_retired_ones_name_never_shows_the_old_values(book):
    cls = book.get_model()
    cls.objects.create(title="secret")
    book.fields.get().delete()
    add(book, "title")
    assert cls.objects.get().title == ""


def test_two_fields_can_swap_their_names_in_one_batch(book):
    cls = book.get_model()
    add(book, "name")
    cls.objects.create(title="t", name="n")
    with dynamo.batch():
        rename(book.fields.get(name="title"), "between")
        rename(book.fields.get(name="name"), "title")
        rename(book.fields.get(name="between"), "name")
    assert list(cls.objects.values_list("title", "name")) == [("n", "t")]
    assert dynamo.verify().problems == []


def test_two_models_can_swap_their_names_in_one_batch(book):
    other = make("Other", label="CharField")
    first, second = book.get_model(), other.get_model()
    first.objects.create(title="t")
    with dynamo.batch():
        rename(book, "Between")
        rename(other, "Book")
        rename(book, "Other")
    assert (dynamo.get_model("Other"), dynamo.get_model("Book")) == (first, second)
    assert (first.objects.count(), second.objects.count()) == (1, 0)
    assert dynamo.verify().problems == []


def test_a_cached_content_type_that_lost_its_name_is_forgotten_under_its_id_too():
    """A process that is behind may ask for the row that has the name now, by its id."""
    book = make("Book", title="CharField")
    old = ContentType.objects.get_for_model(book.get_model())
    ContentType.objects.get_for_id(old.pk)
    other = ContentType(pk=old.pk + 1_000, app_label=old.app_label, model=old.model)
    ContentType.objects._add_to_cache(old._state.db, other)
    rename(book, "Novel")
    for known in ContentType.objects._cache.values():
        assert not [key for key, found in known.items() if found.model == "book"]
    assert ContentType.objects.get_for_id(old.pk).model == "novel"
