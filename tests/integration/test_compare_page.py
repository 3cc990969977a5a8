"""Comparing two moments on a page: steps from one to the next, its tabs, and the statements in between."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

import dynamo
from dynamo import moments, scripts
from dynamo.models import MetaModel
from events import store
from tests.integration.making import add, alter, everything, make, rename
from tests.integration.people import person

pytestmark = pytest.mark.django_db(transaction=True)

COMPARE = "/dynamo/compare/"
CHANGED = ("title", "name"), ("isbn", "code")


@pytest.fixture
def root(client):
    client.force_login(User.objects.create_superuser("root"))


@pytest.fixture
def books(root):
    """A model of two fields, made in one change set and changed in another."""
    with dynamo.batch():
        meta = make("Book", title="CharField", isbn="CharField")
    with dynamo.batch():
        for old, new in CHANGED:
            rename(meta.fields.get(name=old), new)
    add(meta, "pages", "IntegerField")
    return meta


def shown(client, **given) -> str:
    response = client.get(COMPARE, given)
    assert response.status_code == 200
    return " ".join(response.text.split())


def links(text: str) -> list[str]:
    return [found.replace("&amp;", "&") for found in re.findall(r'href="(\?a=[^"]+)"', text)]


def test_previous_and_next_go_from_one_change_set_to_another(client, books):
    text = shown(client, a=3, b=5)
    assert links(text)[:4] == [
        "?a=0&b=5&show=meaning",
        "?a=5&b=5&show=meaning",
        "?a=3&b=3&show=meaning",
        "?a=3&b=6&show=meaning",
    ]
    assert "?a=3&b=7" not in text
    ends = shown(client, a=0, b=6)
    assert links(ends)[:2] == ["?a=3&b=6&show=meaning", "?a=0&b=5&show=meaning"]


def test_differences_stand_in_groups_and_nothing_is_said_so(client, books):
    books.fields.get(name="code").delete()
    alter(books.fields.get(name="name"), help="Printed", order=7)
    text = shown(client, a=3)
    for group in ("Added", "Removed", "Renamed", "Changed", "Moved"):
        assert f"<h3>{group}</h3>" in text
    assert "Nothing separates them" in shown(client, a=3, b=3)


def test_the_address_of_a_comparison_means_the_same_later(client, books):
    dynamo.tag("printed", 3)
    text = shown(client, a="printed")
    assert 'value="http://testserver/dynamo/compare/?a=3&amp;b=7&amp;show=meaning" readonly' in text
    assert 'value="printed"' in text


def test_tabs_are_links_and_the_chosen_one_says_so(client, books):
    for name, inside in (("json", "&quot;differences&quot;"), ("sql", "ALTER TABLE"), ("nope", "Renamed")):
        text = shown(client, a=3, b=5, show=name)
        assert inside in text
        assert text.count('aria-current="page"') >= 1
        assert f"?a=3&amp;b=5&amp;show={name if name != 'nope' else 'meaning'}" in text


def test_moments_to_pick_from_are_tags_and_the_last_change_sets(client, books):
    dynamo.tag("printed", 3)
    text = shown(client)
    assert '<option value="printed">3</option>' in text
    assert re.search(r'<option value="6">[^<]*added field dynamic\.Book\.pages', text)
    assert '<option value="4">' not in text


def test_going_back_from_now_shows_the_statements_of_the_rollback(client, books):
    state = everything()
    text = shown(client, a=6, b=3, show="sql")
    assert "Going back is a rollback" in text
    assert '/dynamo/revert/?to=3"' in text
    expected = dynamo.plan(lambda: dynamo.rollback(3)).sql[connection.vendor]
    assert expected
    for statement in expected:
        assert " ".join(escape(statement).split()) in text
    assert everything() == state


def test_going_back_from_earlier_leads_to_going_back_from_now(client, books):
    text = shown(client, a=5, b=3, show="sql")
    assert "?a=6&b=3&show=sql" in links(text)
    assert "ALTER TABLE" not in text


def test_going_back_to_what_was_purged_says_so(client, books):
    field = books.fields.get(name="pages")
    key = str(field.pk)
    field.delete()
    dynamo.purge(key)
    text = shown(client, a=8, b=6, show="sql")
    assert "were purged and cannot come back" in text


def test_who_may_not_roll_back_sees_no_plan_of_it(client, books):
    client.force_login(person("view_history"))
    text = shown(client, a=6, b=3, show="sql")
    assert "Going back is a rollback" in text
    assert "ALTER TABLE" not in text
    assert "/dynamo/revert/" not in text


def test_the_time_of_a_schema_is_picked_on_the_page(client, books):
    assert 'name="at" type="datetime-local"' in shown(client)
    assert client.get("/dynamo/schema/", {"at": "2001-01-01T12:00"}).text.count("<h3>") == 0


def statements(after: int) -> list[str]:
    """What the script says, without what is written into rows."""
    passages = scripts.script(moments.schema(after), store.head("default").position)
    return [line for passage in passages for line in passage.statements if not line.startswith("--")]


def test_the_script_has_the_statements_that_ran(root):
    author = make("Author", name="CharField")
    before = store.head("default").position
    with CaptureQueriesContext(
        connection,
    ) as ran:
        meta = make("Book", title="CharField", pages="CharField", code="IntegerField")
        meta.get_model().objects.create(title="Emma", pages="212")
        rename(meta, "Volume")
        pages = meta.fields.get(name="pages")
        alter(pages, type="IntegerField")
        alter(pages, type="DecimalField", options={"max_digits": 9, "decimal_places": 2})
        alter(meta.fields.get(name="title"), unique=True)
        add(meta, "authors", "ManyToManyField", related_model="Author")
        meta.fields.get(name="code").delete()
        dynamo.purge("Volume.code")
        rename(author, "Writer")
        dynamo.rollback(before)
    sent = [query["sql"] for query in ran]
    found = statements(before)
    assert len(found) > 10
    # MariaDB's begin with how long they wait for a lock.
    assert [one for one in found if not any(sql.endswith(one) for sql in sent)] == []


def test_too_long_a_way_is_said(client, books, monkeypatch):
    monkeypatch.setattr(scripts, "MOST", 1)
    text = shown(client, a=3, b=6, show="sql")
    assert "compare in parts" in text
    assert "Going back" not in text


def test_comparing_asks_as_much_however_long_the_log_is(client, books):
    def asked() -> int:
        for _twice in range(2):
            with CaptureQueriesContext(connection) as seen:
                shown(client, a=3, b=5)
        return len(seen)

    few = asked()
    meta = MetaModel.objects.get()
    with dynamo.batch():
        for n in range(60):
            add(meta, f"f{n}")
    assert asked() == few


def test_the_script_goes_through_what_was_purged_since(client, root):
    author, meta = make("Author", name="CharField"), make("Book", title="CharField")
    for name, kind in (("author", "ForeignKey"), ("readers", "ManyToManyField")):
        add(meta, name, kind, related_model="Author", options={"related_name": "+"})
    for name in ("author", "readers"):
        meta.fields.get(name=name).delete()
        dynamo.purge(f"Book.{name}")
    author.delete()
    dynamo.purge("Author")
    make("Author", other="CharField")
    text = shown(client, a=0, show="sql")
    assert "DROP TABLE" in text
    assert len(statements(0)) > 8
