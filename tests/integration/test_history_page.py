"""The history as a timeline: change sets in words, filters, and all there is about one event."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

import dynamo
from dynamo.models import MetaField, MetaModel
from dynamo.pages import history
from events import guards
from events.models import SchemaEvent
from tests.integration.making import add, make, rename

pytestmark = pytest.mark.django_db(transaction=True)

HISTORY = "/dynamo/history/"


@pytest.fixture
def root(client):
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


@pytest.fixture
def books(root):
    """Three change sets of two models; the second by the user, with a reason."""
    with dynamo.batch():
        meta = make("Book", title="CharField")
    with dynamo.batch(reason="tidy up", actor=f"user:{root.pk}"):
        rename(meta.fields.get(), "name")
        add(meta, "pages", "IntegerField")
    make("Shelf")
    return meta


def entries(text: str) -> list[str]:
    """The ids of the change sets, newest first."""
    return re.findall(r'<li id="event-(\d+)">', text)


def test_each_change_set_is_one_entry_in_words(client, books):
    text = client.get(HISTORY).text
    assert entries(text) == ["5", "4", "2"]
    second = text[text.index('id="event-4"') : text.index('id="event-2"')]
    assert "renamed field dynamic.Book.title to name" in second
    assert "added field dynamic.Book.pages (IntegerField)" in second
    assert "<q>tidy up</q>" in second
    assert "<span>by root</span>" in second
    assert "hashes hold" in second
    assert second.count('type="radio"') == 2


def test_reasons_of_batches_in_a_batch_are_shown_together(client, root):
    with dynamo.batch():
        for reason, name in (("first", "A"), ("second", "B"), ("first", "C")):
            with dynamo.batch(reason=reason):
                make(name)
        make("D")
    assert "<q>first; second</q>" in client.get(HISTORY).text


def test_history_of_a_model_has_its_versions_and_no_other_model(client, books):
    text = client.get("/dynamo/history/dynamic.Book/").text
    assert entries(text) == ["4", "2"]
    assert "Version 4" in text
    assert client.get("/dynamo/history/dynamic.Nothing/").status_code == 404


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"model": "dynamic.Shelf"}, ["5"]),
        ({"model": "dynamic.book"}, ["4", "2"]),
        ({"type": "field.renamed"}, ["3"]),
        ({"type": "model.created"}, ["5", "1"]),
        ({"by": "user"}, ["4"]),
        ({"source": "admin"}, []),
        ({"type": "model.created", "model": "dynamic.Book"}, ["1"]),
        # What is none filters nothing.
        ({"type": "<script>"}, ["5", "4", "2"]),
        ({"model": "<b>"}, ["5", "4", "2"]),
    ],
)
def test_filters_leave_what_was_asked_for(client, root, books, asked, found):
    given = {**asked, "by": f"user:{root.pk}"} if "by" in asked else asked
    text = client.get(HISTORY, given).text
    assert entries(text) == found
    assert ("All events" in text) == bool(given)
    assert "<b>" not in text
    assert ("There is no model" in text) == (asked.get("model") == "<b>")


def test_older_events_keep_the_filters_and_say_that_a_change_set_goes_on(client, root, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 3)
    with dynamo.batch():
        meta = make("Wide", **{f"f{n}": "IntegerField" for n in range(4)})
    with dynamo.batch():
        for name in ("a", "b"):
            add(meta, name, "IntegerField")
    first = client.get(HISTORY, {"type": "field.added"}).text
    assert entries(first) == ["7", "5"]
    assert "goes on among the older" in first
    (older,) = re.findall(r'<a href="\?(type=field.added&amp;before=5)">', first)
    second = client.get(f"{HISTORY}?{older.replace('&amp;', '&')}").text
    assert entries(second) == ["4"]
    assert "Older events" not in second


def test_a_kind_that_is_none_is_named(client, books):
    assert "There is no kind zz" in client.get(HISTORY, {"type": "zz"}).text


def test_event_has_a_page_with_all_there_is_about_it(client, books):
    recorded = dynamo.history()[2]
    text = client.get("/dynamo/history/event/3/").text
    for shown in (
        "renamed field dynamic.Book.title to name",
        recorded.hash,
        recorded.prev_hash,
        recorded.event_id,
    ):
        assert shown in text
    assert "<code>&quot;title&quot;</code>" in text
    assert "Its hash holds." in text
    assert 'href="/dynamo/history/event/2/"' in text
    assert 'href="/dynamo/history/event/4/"' in text
    (statements,) = re.findall(r'href="(/dynamo/compare/[^"]+)"', text)
    assert "RENAME" in client.get(statements.replace("&amp;", "&")).text
    assert "event/6/" not in client.get("/dynamo/history/event/5/").text


@pytest.mark.parametrize("position", ["0", "6", "9" * 18, "9" * 40, "x", "-1"])
def test_event_that_is_not_there_is_not_found(client, books, position):
    assert client.get(f"/dynamo/history/event/{position}/").status_code == 404


def test_event_that_was_tampered_with_is_marked(client, books):
    table = SchemaEvent._meta.db_table
    with transaction.atomic(), guards.lifted(connection), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET reason = 'forged' WHERE position = 3")
    assert "its hash does not hold" in client.get(HISTORY).text
    assert "its hash does not hold" in client.get("/dynamo/history/event/3/").text
    assert "Its hash holds." in client.get("/dynamo/history/event/4/").text
    with transaction.atomic(), guards.lifted(connection), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET reason = 'tidy up' WHERE position = 3")


def test_pages_of_the_history_need_its_permission(client, books):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    for path in (HISTORY, "/dynamo/history/dynamic.Book/", "/dynamo/history/event/1/"):
        assert client.get(path).status_code == 403


def test_text_of_an_event_is_shown_and_never_run(client, root):
    hostile = "<script>alert(1)</script>"
    with dynamo.batch(reason=hostile, actor=hostile):
        meta = MetaModel.objects.create(name="Book", description=hostile)
        MetaField.objects.create(
            meta_model=meta, name="a", type="TextField", help=hostile, verbose_name=hostile
        )
    for path in (HISTORY, "/dynamo/history/event/1/", "/dynamo/history/event/2/"):
        text = client.get(path).text
        assert hostile not in text
        assert "&lt;script&gt;" in text
