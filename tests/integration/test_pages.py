"""The pages that compare, revert and purge: what they show, what they do, and for whom."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

import dynamo
from dynamo import tombstones
from dynamo.models import MetaField, MetaModel
from dynamo.pages import retired, reverting
from tests.integration.making import add, everything, make, rename
from tests.integration.people import person, token

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "/dynamo/history/": "view_history",
    "/dynamo/compare/": "view_history",
    "/dynamo/schema/": "view_history",
    "/dynamo/revert/": "rollback_schema",
    "/dynamo/retired/": "purge_schema",
}


@pytest.fixture
def books():
    """A book with two versions of its schema; returns the position of the first."""
    meta = make("Book", title="CharField", isbn="CharField")
    meta.get_model().objects.create(title="Emma", isbn="1")
    before = dynamo.history()[-1].position
    rename(meta.fields.get(name="title"), "name")
    meta.fields.get(name="isbn").delete()
    add(meta, "pages", "IntegerField")
    return before


@pytest.mark.parametrize(("path", "permission"), PAGES.items(), ids=PAGES)
def test_each_page_is_for_staff_with_its_permission(client, books, path, permission):
    assert client.get(path).url == f"/admin/login/?next={path}"
    user = person(*(p for p in PAGES.values() if p != permission))
    client.force_login(user)
    assert client.get(path).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename=permission))
    assert client.get(path).status_code == 200
    user.is_staff = False
    user.save()
    assert client.get(path).status_code == 302


def test_comparing_names_each_difference(client, books):
    client.force_login(person("view_history"))
    text = client.get("/dynamo/compare/", {"a": books, "b": ""}).text
    assert "renamed field dynamic.Book.title to name" in text
    assert "added field dynamic.Book.pages (IntegerField)" in text
    assert "removed field dynamic.Book.isbn" in text
    assert "Revert" not in text
    assert "the log has no position 99" in client.get("/dynamo/compare/", {"a": "99"}).text
    assert "is no tag" in client.get("/dynamo/compare/", {"a": "<b>", "b": "1"}).text


def test_the_schema_as_of_a_moment(client, books):
    client.force_login(person("view_history"))
    text = client.get("/dynamo/schema/", {"at": books}).text
    assert "<td>isbn</td>" in text
    assert "<td>pages</td>" not in text
    assert "<td>pages</td>" in client.get("/dynamo/schema/").text


def test_a_revert_shows_its_plan_and_does_it(client, books):
    client.force_login(person("rollback_schema", "view_history"))
    state = everything()
    text = client.get("/dynamo/revert/", {"to": books}).text
    assert everything() == state
    assert "restore field dynamic.Book.isbn" in text
    assert "retire field dynamic.Book.pages" in text
    answer = client.post("/dynamo/revert/", {"to": books, "token": token(text)}, follow=True)
    assert "Reverted, up to position" in answer.text
    assert list(dynamo.get_model("Book").objects.values_list("title", "isbn")) == [("Emma", "1")]
    (actor, source, reason) = {(r.actor, r.source, r.reason) for r in dynamo.history()[-4:]}.pop()
    assert (actor.partition(":")[0], source, reason) == ("user", "admin", "revert")


def test_a_revert_lists_what_comes_back_how_and_until_when_it_can_be_taken_back(client, settings):
    meta = make("Book", isbn="CharField", code="CharField")
    meta.get_model().objects.create(isbn="1", code="2")
    before = dynamo.history()[-1].position
    for name in ("isbn", "code"):
        meta.fields.get(name=name).delete()
    dynamo.purge("Book.code")
    add(meta, "pages", "IntegerField")
    client.force_login(person("rollback_schema", "view_history"))

    def lists() -> dict[str, str]:
        text = client.get("/dynamo/revert/", {"to": before, "purged": "empty"}).text
        found = re.findall(r'<h3>(.*?)</h3>\s*<ul id="(\w+)">(.*?)</ul>', text, re.DOTALL)
        return {kind: " ".join(f"{head} {body}".split()) for head, kind, body in found} | {"text": text}

    found = lists()
    assert "restore field dynamic.Book.isbn" in found["returns"]
    assert "add field dynamic.Book.code" in found["empty"]
    assert "retire field dynamic.Book.pages" in found["retired"]
    assert "as long as nobody purges" in found["text"]
    assert "until" not in found["retired"]
    settings.DYNAMO_RETENTION_DAYS = 30
    found = lists()
    until = date_format(timezone.localtime() + timedelta(days=30), "DATE_FORMAT")
    assert f"is kept until {until}" in found["retired"]
    assert f"at least until {until}" in found["text"]


def test_what_is_still_kept_cannot_be_dropped_and_the_page_says_until_when(client, books, settings):
    settings.DYNAMO_RETENTION_DAYS = 30
    client.force_login(person("purge_schema"))
    text = client.get("/dynamo/retired/").text
    assert "kept until" in text
    assert 'name="confirmation"' not in text
    (found,) = tombstones.tombstones()
    state = everything()
    answer = client.post("/dynamo/retired/", {"id": found.id, "confirmation": found.label})
    assert "as DYNAMO_RETENTION_DAYS says" in answer.text
    assert everything() == state


def test_a_revert_after_somebody_elses_change_is_refused_and_planned_anew(client, books):
    client.force_login(person("rollback_schema"))
    text = client.get("/dynamo/revert/", {"to": books}).text
    make("Reader")
    state = everything()
    answer = client.post("/dynamo/revert/", {"to": books, "token": token(text)})
    assert "added model dynamic.Reader" in answer.text
    assert token(answer.text) != token(text)
    assert everything() == state


def test_a_revert_that_would_lose_values_asks_for_the_word(client):
    meta = make("Book", pages="IntegerField")
    before = dynamo.history()[-1].position
    field = meta.fields.get()
    field.type, field.options = "CharField", {}
    field.save()
    meta.get_model().objects.create(pages="many")
    client.force_login(person("rollback_schema", "view_history"))
    given = {"to": before, "on_error": "null"}
    assert "1 value does not fit" in client.get("/dynamo/revert/", {"to": before}).text
    text = client.get("/dynamo/revert/", given).text
    state = everything()
    answer = client.post("/dynamo/revert/", {**given, "token": token(text), "confirmation": "nope"})
    assert "Values would be lost" in answer.text
    assert everything() == state
    client.post("/dynamo/revert/", {**given, "token": token(text), "confirmation": str(before)})
    assert MetaField.objects.get().type == "IntegerField"


@pytest.mark.parametrize(
    "given",
    [
        {"to": "nope"},
        {"to": "99999999999999999999999"},
        {"to": "1", "model": "Nope"},
        {"to": "1", "backfill": "{"},
        {"to": "1", "backfill": "[]"},
        {"to": "1", "backfill": '{"nope": 1}'},
        {"to": "1", "on_error": "explode"},
        {"to": "1", "purged": "explode"},
        {"to": "1", "token": "1.nonsense"},
        {"to": "1", "token": "\x00"},
    ],
    ids=str,
)
def test_bad_input_to_a_revert_is_said_and_leaves_no_trace(client, books, given):
    client.force_login(person("rollback_schema"))
    state = everything()
    answer = client.post("/dynamo/revert/", given)
    assert answer.status_code == 200
    assert 'class="errornote"' in answer.text
    assert everything() == state


def test_changing_pages_refuse_a_post_without_its_token_of_the_form(books):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("rollback_schema", "purge_schema"))
    state = everything()
    for path in ("/dynamo/revert/", "/dynamo/retired/"):
        assert client.post(path, {"to": "1"}).status_code == 403
        assert client.put(path).status_code in (403, 405)
    assert everything() == state


def test_the_service_asks_for_the_permission_itself(books):
    user = person("rollback_schema", "purge_schema")
    assert user.has_perm("dynamo.rollback_schema")
    User.objects.get().user_permissions.clear()
    with pytest.raises(PermissionDenied):
        reverting.revert_schema(user, {"to": 1}, "x", "", "")
    with pytest.raises(PermissionDenied):
        retired.purge_retired(user, "x", "x")
    with pytest.raises(PermissionDenied):
        retired.restore_model(user, {"what": "x"}, "x", "", "")


def test_text_that_came_from_data_is_escaped_everywhere(client):
    hostile = "<script>alert(1)</script>"
    meta = make("Book", title={"type": "CharField", "help": hostile, "verbose_name": hostile})
    before = dynamo.history()[-1].position
    with dynamo.batch(reason=hostile, actor=hostile):
        field = meta.fields.get()
        field.help, field.choices = "", [["a", hostile]]
        field.save()
    meta.fields.get().delete()
    client.force_login(User.objects.create_superuser("root"))
    for path, given in [
        ("/dynamo/history/", {}),
        ("/dynamo/compare/", {"a": before, "b": before + 1}),
        ("/dynamo/compare/", {"a": hostile}),
        ("/dynamo/schema/", {"at": hostile}),
        ("/dynamo/revert/", {"to": before, "backfill": hostile}),
        ("/dynamo/revert/", {"to": hostile, "model": hostile}),
        ("/dynamo/revert/", {"to": before}),
        ("/dynamo/retired/", {}),
    ]:
        assert hostile not in client.get(path, given).text, path


def test_the_timeline_takes_as_many_queries_however_long_the_log_is(client, books):
    client.force_login(person("view_history"))
    client.get("/dynamo/history/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/dynamo/history/")
    meta = MetaModel.objects.get()
    with dynamo.batch():
        for n in range(120):
            add(meta, f"f{n}", "IntegerField")
    # The first look after the changes asks for the head.
    client.get("/dynamo/history/")
    for before in ("", "60"):
        with CaptureQueriesContext(connection) as many:
            assert client.get("/dynamo/history/", {"before": before}).status_code == 200
        assert len(many) == len(few)


def test_listing_what_was_retired_takes_one_query_more_for_each(client):
    """Its values are counted; when it was retired is asked for all of them at once."""
    meta = make("Book", **{f"f{n}": "IntegerField" for n in range(6)})
    client.force_login(person("purge_schema"))
    found = []
    for n in range(6):
        meta.fields.get(name=f"f{n}").delete()
        with CaptureQueriesContext(connection) as seen:
            client.get("/dynamo/retired/")
        found.append(len(seen))
    assert [b - a for a, b in pairwise(found[1:])] == [1] * 4


@pytest.mark.parametrize(
    ("permission", "page"), [("view_history", "history"), ("follow_stream", "live"), ("", "history")]
)
def test_the_entry_leads_to_what_its_visitor_may_see(permission: str, page: str) -> None:
    client = Client()
    if permission:
        user = User.objects.create_user("one", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename=permission))
        client.force_login(user)
    response = client.get("/dynamo/", follow=True)
    assert response.redirect_chain[0][0] == f"/dynamo/{page}/"
    assert response.status_code == 200
