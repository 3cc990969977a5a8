"""The pages of what was retired: its list, bringing a model back, dropping for good."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo import retired as put_aside
from dynamo import tombstones
from dynamo.models import MetaModel
from tests.integration.making import add, everything, make
from tests.integration.people import person, token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books() -> int:
    """A book with a retired field and a row; returns the position before the field was retired."""
    meta = make("Book", name="CharField", isbn="CharField")
    meta.get_model().objects.create(name="Emma", isbn="1")
    before = dynamo.history()[-1].position
    meta.fields.get(name="isbn").delete()
    add(meta, "pages", "IntegerField")
    return before


def test_what_was_retired_is_listed_and_dropped_by_its_name(client, books):
    client.force_login(person("purge_schema"))
    text = client.get("/dynamo/retired/").text
    assert "dynamic.Book.isbn" in text
    (key,) = re.findall(r'name="id" value="([^"]+)"', text)
    state = everything()
    assert "Type dynamic.Book.isbn" in client.post("/dynamo/retired/", {"id": key, "confirmation": "x"}).text
    assert everything() == state
    answer = client.post("/dynamo/retired/", {"id": key, "confirmation": "dynamic.Book.isbn"}, follow=True)
    assert "Dropped for good" in answer.text
    assert dynamo.history()[-1].type == "field.purged"
    assert "not there any more" in client.post("/dynamo/retired/", {"id": key, "confirmation": "x"}).text


def retire(name: str) -> str:
    """Retire a model; returns its id."""
    meta = MetaModel.objects.get(name=name)
    key = str(meta.pk)
    meta.delete()
    return key


def test_a_retired_model_is_brought_back_as_its_plan_says(client, books):
    key = retire("Book")
    client.force_login(person("add_metamodel", "add_metafield"))
    assert f"/dynamo/restore/?id={key}" in client.get("/dynamo/retired/").text
    assert "confirmation" not in client.get("/dynamo/retired/").text
    state = everything()
    shown = client.get("/dynamo/restore/", {"id": key}).text
    assert "dynamic.Book: 1 row, kept since" in shown
    assert "restore model dynamic.Book" in shown
    assert everything() == state
    given = {"id": key, "token": token(shown), "reason": " by mistake "}
    answer = client.post("/dynamo/restore/", given)
    assert answer.status_code == 302
    assert [row.name for row in dynamo.get_model("dynamic.Book").objects.all()] == ["Emma"]
    last = dynamo.history()[-1]
    assert (last.type, last.reason, last.source) == ("model.restored", "by mistake", "admin")
    again = client.post("/dynamo/restore/", given)
    assert "not there any more" in again.text


def test_a_model_whose_name_was_taken_comes_back_under_another(client, books):
    key = retire("Book")
    make("Book", other="TextField")
    client.force_login(person("add_metamodel", "add_metafield"))
    refused = client.get("/dynamo/restore/", {"id": key}).text
    assert 'class="errornote"' in refused
    assert 'name="token" value="' not in refused.replace('name="token" value=""', "")
    named = {"id": key, "name": "FormerBook"}
    shown = client.get("/dynamo/restore/", named).text
    assert client.post("/dynamo/restore/", {**named, "token": token(shown)}).status_code == 302
    assert dynamo.get_model("dynamic.FormerBook").objects.get().name == "Emma"


def test_restoring_what_was_planned_otherwise_is_refused(client, books):
    key = retire("Book")
    client.force_login(person("add_metamodel", "add_metafield"))
    given = {"id": key, "token": token(client.get("/dynamo/restore/", {"id": key}).text)}
    make("Other", name="CharField")
    state = everything()
    answer = client.post("/dynamo/restore/", given)
    assert "added model dynamic.Other" in answer.text
    assert everything() == state
    assert client.post("/dynamo/restore/", {**given, "token": token(answer.text)}).status_code == 302


def test_lost_references_are_emptied_only_where_that_was_confirmed(client):
    make("Shelf", name="CharField")
    book = make("Book", title="CharField")
    add(book, "shelf", "ForeignKey", related_model="dynamic.Shelf", options={"on_delete": "SET_NULL"})
    shelf = dynamo.get_model("dynamic.Shelf").objects.create(name="top")
    dynamo.get_model("dynamic.Book").objects.create(title="Emma", shelf=shelf)
    key = retire("Book")
    shelf.delete()
    client.force_login(person("add_metamodel", "add_metafield"))
    refused = client.get("/dynamo/restore/", {"id": key})
    assert 'role="alert"' in refused.text
    given = {"id": key, "on_error": "null"}
    shown = client.get("/dynamo/restore/", given).text
    assert "1 reference leads to no row" in shown
    given["token"] = token(shown)
    state = everything()
    assert "type dynamic.Book to confirm" in client.post("/dynamo/restore/", given).text
    assert everything() == state
    assert client.post("/dynamo/restore/", {**given, "confirmation": "dynamic.Book"}).status_code == 302
    assert dynamo.get_model("dynamic.Book").objects.get().shelf_id is None


@pytest.mark.parametrize(
    "key", ["", "x", "dynamic.Book", "0", "'); DROP TABLE dynamo_metamodel; --", "é" * 5000]
)
def test_restoring_what_is_not_there_is_said(client, books, key):
    client.force_login(person("add_metamodel"))
    state = everything()
    for answer in (
        client.get("/dynamo/restore/", {"id": key}),
        client.post("/dynamo/restore/", {"id": key, "token": "1.x"}),
    ):
        assert answer.status_code == 200
        assert "not there any more" in answer.text
    assert everything() == state


def test_a_field_leads_to_the_page_of_its_model(client, books):
    key = next(field.id for _, field in put_aside.every() if field is not None)
    client.force_login(person("add_metamodel", "purge_schema"))
    meta = MetaModel.objects.get(name="Book")
    assert f"/admin/dynamo/metamodel/{meta.pk}/change/#retired" in client.get("/dynamo/retired/").text
    assert "on the page of its model" in client.get("/dynamo/restore/", {"id": key}).text


def test_who_may_restore_may_not_purge_and_the_other_way_round(client, books):
    key = retire("Book")
    user = person("add_metamodel")
    client.force_login(user)
    state = everything()
    assert client.post("/dynamo/retired/", {"id": key, "confirmation": "dynamic.Book"}).status_code == 403
    assert everything() == state
    user.user_permissions.set(Permission.objects.filter(codename="purge_schema"))
    client.force_login(user)
    state = everything()
    assert client.get("/dynamo/restore/", {"id": key}).status_code == 403
    assert client.post("/dynamo/restore/", {"id": key, "token": "x"}).status_code == 403
    assert everything() == state


def test_the_reason_that_was_typed_is_in_the_history(client, books):
    client.force_login(person("rollback_schema", "purge_schema"))
    shown = client.get("/dynamo/revert/", {"to": books}).text
    client.post("/dynamo/revert/", {"to": books, "token": token(shown), "reason": "<b>too soon</b>"})
    assert dynamo.history()[-1].reason == "<b>too soon</b>"
    key = next(field.id for _, field in put_aside.every() if field is not None)
    typed = {"id": key, "confirmation": "dynamic.Book.pages", "reason": "x" * 600}
    assert client.post("/dynamo/retired/", typed).status_code == 302
    assert dynamo.history()[-1].reason == "x" * 500


def test_the_list_of_models_tells_what_was_retired_below_it(client, books, settings):
    retire("Book")
    client.force_login(User.objects.create_superuser("root"))
    text = client.get("/admin/dynamo/metamodel/").text
    section = text[text.index("Retired models") :]
    assert "dynamic.Book" in section
    assert "until it is purged" in section
    assert "/dynamo/restore/?id=" in section
    settings.DYNAMO_RETENTION_DAYS = 30
    assert "kept until" in client.get("/admin/dynamo/metamodel/").text
    User.objects.all().delete()
    client.force_login(person("view_metamodel"))
    section = client.get("/admin/dynamo/metamodel/").text
    assert "Retired models" in section
    assert "/dynamo/restore/" not in section


def test_the_history_of_a_retired_model_is_found_by_its_id_and_name(client, books):
    key = retire("Book")
    client.force_login(User.objects.create_superuser("root"))
    for named in (key, "dynamic.Book", "dynamic.book"):
        text = client.get(f"/dynamo/history/{named}/").text
        assert "retired model dynamic.Book" in text
        assert f"model={key}" in text
    make("Book", other="TextField")
    assert "other" in client.get("/dynamo/history/dynamic.Book/").text
    assert "retired model dynamic.Book" in client.get(f"/dynamo/history/{key}/").text


def test_retired_models_cost_the_list_the_same_however_many_there_are(client):
    client.force_login(User.objects.create_superuser("root"))
    counts = []
    for number in range(25):
        make(f"Book{number}", name="CharField")
        retire(f"Book{number}")
        if number in {3, 24}:
            client.get("/admin/dynamo/metamodel/")
            with CaptureQueriesContext(connection) as queries:
                text = client.get("/admin/dynamo/metamodel/").text
            counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "5 more were retired before" in text
    assert text.count("/dynamo/restore/?id=") == 20


def test_who_may_only_revert_or_purge_finds_the_page_and_stays_there(client, books):
    user = person("rollback_schema", "view_metamodel")
    client.force_login(user)
    assert 'href="/dynamo/revert/"' in client.get("/admin/dynamo/metamodel/").text
    assert client.get("/dynamo/", follow=True).request["PATH_INFO"] == "/dynamo/revert/"
    shown = client.get("/dynamo/revert/", {"to": books}).text
    assert "/dynamo/history/" not in shown
    done = client.post("/dynamo/revert/", {"to": books, "token": token(shown)}, follow=True)
    assert done.status_code == 200
    assert "Reverted, up to position" in done.text


def test_links_lead_nobody_to_what_he_may_not_see(client, books):
    client.force_login(person("view_metamodel"))
    text = client.get("/admin/dynamo/metamodel/").text
    assert "/dynamo/history/" not in text
    assert "/admin/dynamic/book/" not in text


def test_an_empty_text_is_no_value_that_is_kept(client):
    meta = make("Book", title="CharField", note="TextField", pages="IntegerField")
    for note in ("", "", "x"):
        meta.get_model().objects.create(title="Emma", note=note)
    for name in ("note", "pages"):
        meta.fields.get(name=name).delete()
    assert [(one.label, one.values) for one in tombstones.tombstones()] == [
        ("dynamic.Book.note", 1),
        ("dynamic.Book.pages", 0),
    ]
