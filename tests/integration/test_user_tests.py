"""Dynamo inside the tests of a project: Django's own test cases, and the fixtures of the pytest plugin."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase

import dynamo
from dynamo.models import MetaField, MetaModel
from dynamo.signals import post_model_creation
from events import store
from projections.registry import registry


def make_book() -> Any:
    meta = MetaModel.objects.create(name="Book")
    MetaField.objects.create(meta_model=meta, name="title", type="CharField", required=True)
    MetaField.objects.create(meta_model=meta, name="parent", type="ForeignKey", related_model="self")
    return meta


def assert_nothing_left() -> None:
    tables = connection.introspection.table_names()
    assert not [name for name in tables if name.startswith(("dynamic_", "zz_"))]
    assert not MetaModel.objects.exists()
    assert store.head("default").position == 0
    assert not ContentType.objects.filter(app_label="dynamic").exists()
    with pytest.raises(LookupError):
        apps.get_model("dynamic.Book")
    assert registry.built() == 0


@pytest.mark.needs("ddl in atomic")
class InTestCase(TestCase):
    """Everything happens inside the test's transaction."""

    def test_a_model_is_made_used_changed_and_retired(self) -> None:
        assert_nothing_left()
        meta = make_book()
        book = apps.get_model("dynamic.Book")
        first = book.objects.create(title="Emma")
        book.objects.create(title="Sanditon", parent=first)
        field = MetaField.objects.get(name="title")
        field.name = "name"
        field.unique = True
        field.save()
        rows = sorted(book.objects.values_list("name", "parent__name"))
        assert rows == [("Emma", None), ("Sanditon", "Emma")]
        field.delete()
        assert [f.name for f in book._meta.fields] == ["id", "parent"]
        MetaModel.objects.get(pk=meta.pk).delete()
        with pytest.raises(LookupError):
            apps.get_model("dynamic.Book")

    def test_nothing_is_left_by_the_test_before(self) -> None:
        assert_nothing_left()

    def test_signals_after_the_commit_wait_for_it(self) -> None:
        heard: list[Any] = []

        def receiver(**kwargs: Any) -> None:
            heard.append(kwargs["new_model"])

        post_model_creation.connect(receiver)
        try:
            with self.captureOnCommitCallbacks(execute=True):
                MetaModel.objects.create(name="Book")
                assert heard == []
            assert [model.__name__ for model in heard] == ["Book"]
        finally:
            post_model_creation.disconnect(receiver)


@pytest.mark.needs("ddl in atomic")
class WithSetUpTestData(TestCase):
    """Models made for the whole class stay for each test and go with the class."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.meta = make_book()
        cls.row = cls.meta.get_model().objects.create(title="Emma")

    def test_one_adds_a_field(self) -> None:
        MetaField.objects.create(meta_model=self.meta, name="pages", type="IntegerField")
        assert apps.get_model("dynamic.Book").objects.get().pages is None

    def test_two_does_not_see_it(self) -> None:
        names = [f.name for f in apps.get_model("dynamic.Book")._meta.fields]
        assert names == ["id", "title", "parent"]
        assert apps.get_model("dynamic.Book").objects.get().title == "Emma"


class InTransactionTestCase(TransactionTestCase):
    """Everything is committed, and flushed at the end."""

    def test_a_model_is_made_and_used(self) -> None:
        make_book()
        apps.get_model("dynamic.Book").objects.create(title="Emma")
        assert dynamo.verify().problems == []

    def test_nothing_is_left_by_the_test_before(self) -> None:
        assert_nothing_left()

    def test_flush_resets_log_rows_tables_and_classes_together(self) -> None:
        meta = make_book()
        meta.fields.get(name="title").delete()
        meta.delete()
        make_book()
        call_command("flush", interactive=False, verbosity=0)
        assert_nothing_left()
        assert dynamo.verify().problems == []
        make_book()
        assert dynamo.verify().problems == []


@pytest.mark.needs("ddl in atomic")
def test_the_plugin_gives_a_model_inside_a_transaction(dynamo_registry: Any, make_model: Any) -> None:
    book = make_model("Book", title="CharField", pages={"type": "IntegerField", "default": 3})
    assert book.objects.create(title="Emma").pages == 3
    assert connection.in_atomic_block


def test_the_plugin_gives_a_committed_model(transactional_dynamo_registry: Any, make_model: Any) -> None:
    make_model("Book", title="CharField")
    assert not connection.in_atomic_block
    assert dynamo.verify().ok
