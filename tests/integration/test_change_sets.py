"""Several changes in one change set: net effect on tables, names, grants and classes."""

# ruff: noqa: PT012  # a transaction that rolls back is a block of several statements

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.exceptions import DataRefused, SchemaRefused
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, everything, make, rename


class Undo(Exception):
    """Raised to leave a savepoint."""


@pytest.fixture
def book(transactional_db: None) -> MetaModel:
    meta = make("Book", title="CharField", pages="CharField")
    meta.get_model().objects.create(title="Emma", pages="12")
    return meta


def field(name: str) -> MetaField:
    return MetaField.objects.get(name=name)


def test_a_later_change_of_the_same_field_takes_no_conversion_back(book: MetaModel) -> None:
    with dynamo.batch():
        alter(field("pages"), type="IntegerField")
        alter(field("pages"), help="of the first edition")
        added = add(book, "copies", "IntegerField", required=True, default=0, backfill=5)
        alter(added, help="in the shop")
    row = book.get_model().objects.get()
    assert (row.pages, row.copies) == (12, 5)
    assert dynamo.verify().problems == []


@pytest.mark.needs("ddl in atomic")
def test_a_refusal_that_the_caller_catches_refuses_the_whole_batch(book: MetaModel) -> None:
    before = everything()
    with pytest.raises(SchemaRefused, match="all of it"):
        _catch_a_refusal(book)
    assert everything() == before
    assert dynamo.verify().problems == []


def _catch_a_refusal(book: MetaModel) -> None:
    with dynamo.batch():
        alter(field("title"), type="IntegerField")
        with pytest.raises(DataRefused):
            dynamo.get_model("Book")
        add(book, "later")


def test_a_transaction_marked_for_rollback_inside_a_batch_changes_nothing(book: MetaModel) -> None:
    before = everything()
    with pytest.raises(SchemaRefused, match="marked for rollback"):
        _mark_for_rollback(book)
    assert everything() == before


def _mark_for_rollback(book: MetaModel) -> None:
    with dynamo.batch():
        add(book, "later")
        transaction.set_rollback(True)


def test_catching_up_inside_a_batch_shows_nothing_early(book: MetaModel) -> None:
    cls = book.get_model()
    with dynamo.batch():
        add(book, "later")
        assert dynamo.catch_up() is False
        assert [f.name for f in cls._meta.fields] == ["id", "title", "pages"]
    assert [f.name for f in cls._meta.fields] == ["id", "title", "pages", "later"]


def test_a_relation_added_and_retired_in_one_batch_leaves_no_foreign_key(book: MetaModel) -> None:
    make("Author", name="CharField")
    with dynamo.batch():
        added = add(book, "author", "ForeignKey", related_model="Author")
        added.delete()
    assert dynamo.verify().problems == []


def test_grants_follow_models_that_swap_their_names(book: MetaModel) -> None:
    other = make("Other", name="CharField")
    reader = User.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_book"))
    with dynamo.batch():
        rename(book, "Between")
        rename(other, "Book")
        rename(book, "Other")
    reader = User.objects.get()
    assert reader.has_perm("dynamic.view_other")
    assert not reader.has_perm("dynamic.view_book")
    assert ContentType.objects.filter(app_label="dynamic").count() == 2


def test_a_new_model_of_a_retired_name_inherits_no_grants(book: MetaModel) -> None:
    reader = User.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="delete_book"))
    book.delete()
    make("Book", title="CharField")
    assert not User.objects.get().has_perm("dynamic.delete_book")


def test_the_link_table_is_found_by_its_name_after_any_change(book: MetaModel) -> None:
    add(book, "tags", "ManyToManyField", related_model="self")
    add(book, "more")
    cls = book.get_model()
    assert apps.get_model("dynamic", "Book_tags") is cls.tags.through
    assert apps.get_model("dynamic", "Book") is cls


@pytest.mark.needs("ddl in atomic")
def test_an_instance_whose_first_save_rolled_back_can_be_saved_again(book: MetaModel) -> None:
    row = MetaModel(name="Again")
    with transaction.atomic():
        row.save()
        transaction.set_rollback(True)
    row.save()
    assert dynamo.get_model("Again") is row.get_model()


def test_converting_one_member_of_a_group_that_is_unique_together_is_no_clash(book: MetaModel) -> None:
    cls = book.get_model()
    cls.objects.create(title="Emma", pages="13")
    with dynamo.batch():
        alter(field("title"), unique_together=True)
        alter(field("pages"), unique_together=True)
    alter(field("pages"), type="IntegerField")
    assert sorted(cls.objects.values_list("title", "pages")) == [("Emma", 12), ("Emma", 13)]


def test_empty_text_of_an_optional_field_becomes_null_in_another_type(book: MetaModel) -> None:
    cls = book.get_model()
    cls.objects.create(title="Sanditon", pages="")
    alter(field("pages"), type="IntegerField")
    assert dict(cls.objects.values_list("title", "pages")) == {"Emma": 12, "Sanditon": None}


def test_a_new_member_of_a_unique_group_is_judged_by_the_rows(book: MetaModel) -> None:
    book.get_model().objects.create(title="Sanditon")
    with pytest.raises(DataRefused) as refusal:
        add(book, "shelf", default="A", unique_together=True)
    assert refusal.value.count == 1


def test_plain_models_work_in_an_event_loop_that_nothing_prepared(book: MetaModel, project: Any) -> None:
    lines = ["import asyncio", "from django.contrib.auth.models import User"]
    lines += ["async def look(): return await User.objects.filter(username='x').acount()"]
    lines += ["answer = asyncio.run(look())"]
    assert project.run("\n".join([*lines, "print(answer)"])).strip() == "0"


# Where a schema change cannot be taken back, the log commits before it and the checkpoint after it.
COMMITS = 1 if connection.features.can_rollback_ddl else 2


def statements(work: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    # Several may go to the server in one message, and MariaDB's say how long they wait.
    parts = [part for query in captured.captured_queries for part in query["sql"].split(";") if part.strip()]
    return [re.sub(r"SET STATEMENT .*? FOR ", "", part).split()[0].upper() for part in parts]


def test_a_field_is_added_with_one_commit_and_one_alter(book: MetaModel) -> None:
    seen = statements(lambda: add(book, "shelf"))
    assert (seen.count("COMMIT"), seen.count("ALTER"), seen.count("CREATE")) == (COMMITS, 1, 0)
    # MariaDB keeps a journal, and a lock that survives its commits.
    assert len(seen) <= (11 if connection.features.can_rollback_ddl else 18), seen


def test_a_batch_of_ten_fields_is_one_commit(book: MetaModel) -> None:
    def ten() -> None:
        with dynamo.batch():
            for number in range(10):
                add(book, f"field{number}", "IntegerField")

    seen = statements(ten)
    # SQLite adds one column with each statement.
    assert (seen.count("COMMIT"), seen.count("ALTER")) == (
        COMMITS,
        10 if connection.vendor == "sqlite" else 1,
    )


def test_an_identical_save_appends_nothing_and_changes_no_table(book: MetaModel) -> None:
    seen = statements(lambda: alter(field("title")))
    assert not {"INSERT", "ALTER", "CREATE", "DROP"} & set(seen)


@pytest.mark.needs("ddl in atomic")
class CapturedCommits(TestCase):
    """Test tools run commit hooks inside a transaction that rolls back."""

    def test_one_runs_the_hooks(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            make("Leak", name="CharField")
        assert dynamo.get_model("Leak")._meta.db_table == "dynamic_leak"

    def test_two_sees_nothing_of_it(self) -> None:
        with pytest.raises(LookupError):
            apps.get_model("dynamic", "Leak")


def _roll_back(change: Any) -> None:
    """Make a change in a savepoint that is rolled back."""
    with pytest.raises(Undo), transaction.atomic():
        change()
        raise Undo


@pytest.mark.needs("ddl in atomic")
def test_a_savepoint_of_the_caller_that_is_rolled_back_refuses_the_whole_batch(book: MetaModel) -> None:
    before = everything()
    with pytest.raises(SchemaRefused, match="all of it"), dynamo.batch():
        _roll_back(lambda: add(book, "shelf"))
        add(book, "later")
    assert everything() == before


def test_a_savepoint_that_changed_no_schema_can_be_rolled_back_inside_a_batch(book: MetaModel) -> None:
    with dynamo.batch():
        add(book, "shelf")
        _roll_back(lambda: User.objects.create(username="nobody"))
        add(book, "later")
    assert [f.name for f in book.fields.all()][-2:] == ["shelf", "later"]
    assert dynamo.verify().problems == []


def test_a_field_that_becomes_one_to_one_with_one_value_for_all_rows_is_refused_with_their_number(
    book: MetaModel,
) -> None:
    book.get_model().objects.create(title="another", pages="1")
    author = make("Author", name="CharField")
    one = author.get_model().objects.create(name="A")
    with pytest.raises(DataRefused, match="all get") as refusal:
        add(book, "author", "OneToOneField", related_model="Author", required=True, backfill=one.pk)
    assert refusal.value.count == book.get_model().objects.count()


def test_optional_text_that_is_no_longer_unique_keeps_no_value_where_it_had_none(book: MetaModel) -> None:
    code = add(book, "code", unique=True)
    alter(code, default="none")
    alter(code, unique=False)
    assert set(book.get_model().objects.values_list("code", flat=True)) == {""}
