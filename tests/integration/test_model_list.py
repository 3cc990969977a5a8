"""The list of models in the admin: what each column says, the filters, and how much it asks the database."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import dynamo
from dynamo import recovery
from dynamo.admin import duplicating, listing
from dynamo.context import acting
from dynamo.exceptions import SchemaRefused
from dynamo.models import MetaField, MetaModel
from events import store
from projections import pipeline
from projections.ddl import engine, sizes
from tests.integration.making import everything, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    User.objects.create_superuser("root", password="root")
    found = Client()
    found.login(username="root", password="root")
    return found


def listed(client: Client, **parameters: str) -> str:
    response = client.get(reverse("admin:dynamo_metamodel_changelist"), parameters)
    assert response.status_code == 200
    return " ".join(response.text.split())


def test_a_row_says_what_a_model_is_and_who_did_what_last(client: Client) -> None:
    meta = make("Book", title="CharField", isbn="CharField", old="CharField")
    meta.fields.get(name="old").delete()
    meta.get_model().objects.create(title="Emma")
    with acting(actor=f"user:{User.objects.get().pk}"):
        rename(meta.fields.get(name="isbn"), "isbn13")
    page = listed(client)
    for text in ("dynamic.Book", "2 (1 retired)", "renamed field dynamic.Book.isbn to isbn13", "root, <time"):
        assert text in page
    assert f'<a href="{reverse("admin:dynamic_book_changelist")}">1</a>' in page
    assert f'<a href="{reverse("dynamo:model-history", args=["dynamic.Book"])}">History' in page
    assert 'field-status">Live<' in page


def test_large_tables_are_estimated(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make("Book", title="CharField").get_model()
    model.objects.bulk_create(model(title=str(n)) for n in range(30))
    assert ">30<" in listed(client)
    monkeypatch.setattr(sizes, "COUNTED", 10)
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {'TABLE ' if connection.vendor == 'mysql' else ''}dynamic_book")
    assert ">~30<" in listed(client)


def test_a_table_that_somebody_dropped_breaks_no_list(client: Client) -> None:
    make("Book", title="CharField")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE dynamic_book")
    assert "?" in listed(client)


def test_models_are_found_by_field_by_who_changed_them_and_when(client: Client) -> None:
    make("Book", title="CharField")
    with acting(actor="robot"):
        make("Author", name="CharField")
    assert "dynamic.Author" not in listed(client, q="title")
    by_robot = listed(client, by="robot")
    assert "dynamic.Author</a>" in by_robot
    assert "dynamic.Book</a>" not in by_robot
    assert "dynamic.Book</a>" in listed(client, changed="1")


def test_chosen_models_are_exported(client: Client) -> None:
    book, _author = make("Book", title="CharField"), make("Author", name="CharField")
    data = {"action": "export_chosen", "_selected_action": [str(book.pk)], "index": "0"}
    response = client.post(reverse("admin:dynamo_metamodel_changelist"), data)
    assert [model["name"] for model in json.loads(response.content)["models"]] == ["Book"]


def test_hostile_text_is_shown_and_not_run(client: Client) -> None:
    meta = make("Book", title="CharField")
    field = meta.fields.get()
    field.help = "<script>alert(1)</script>"
    field.save()
    page = listed(client)
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_list_and_editor_ask_as_much_with_10_models_as_with_500(client: Client) -> None:
    first = make("Model0", title="CharField")
    _make_models(1, 10)
    addresses = [
        reverse("admin:dynamo_metamodel_changelist"),
        reverse("admin:dynamo_metamodel_change", args=[first.pk]),
        reverse("admin:dynamo_metamodel_add"),
    ]
    few = [queries(client, address) for address in addresses]
    _make_models(10, 500)
    assert [queries(client, address) for address in addresses] == few


def test_the_editor_asks_as_much_with_2_fields_as_with_60(client: Client) -> None:
    meta = make("Book", one="CharField", two="CharField")
    address = reverse("admin:dynamo_metamodel_change", args=[meta.pk])
    few = queries(client, address)
    with dynamo.batch():
        for n in range(58):
            MetaField.objects.create(meta_model=meta, name=f"f{n}", type="CharField")
    assert queries(client, address) == few


def _make_models(first: int, last: int) -> None:
    with dynamo.batch():
        for n in range(first, last):
            meta: Any = MetaModel.objects.create(name=f"Model{n}")
            MetaField.objects.create(meta_model=meta, name="title", type="CharField")


def test_only_who_may_see_models_sees_the_list(client: Client) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    address = reverse("admin:dynamo_metamodel_changelist")
    assert client.get(address).status_code == 403
    staff.user_permissions.set(Permission.objects.filter(codename="view_metamodel"))
    assert client.get(address).status_code == 200


def act(client: Client, action: str, *metas: MetaModel, **data: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(meta.pk) for meta in metas], "index": "0"}
    return client.post(reverse("admin:dynamo_metamodel_changelist"), {**chosen, **data}, follow=True)


def test_a_model_is_duplicated_under_the_name_that_is_asked_for(client: Client) -> None:
    author = make("Author", name="CharField")
    meta = make(
        "Book",
        title={"type": "CharField", "required": True, "choices": "a,b", "default": "a"},
        author={"type": "ForeignKey", "related_model": "Author", "options": {"related_name": "books"}},
        sequel={"type": "OneToOneField", "related_model": "self", "options": {"related_name": "+"}},
        tags={"type": "ManyToManyField", "related_model": "auth.Group"},
    )
    meta.options = {"verbose_name": "book", "ordering": ["title"], "display": "title"}
    meta.save()
    meta.get_model().objects.create(title="a", author=author.get_model().objects.create(name="Jane"))
    page = act(client, "duplicate_chosen", meta)
    assert 'value="BookCopy"' in page.text
    before = store.head("default").position
    address = reverse("admin:dynamo_metamodel_duplicate", args=[meta.pk])
    assert "has the fields of dynamic.Book" in client.post(address, {"name": "Volume"}, follow=True).text
    made = MetaModel.objects.get(name="Volume")
    events = dynamo.history()[before:]
    assert len({one.batch_id for one in events}) == 1
    assert made.options == {"ordering": ["title"], "display": "title"}
    assert made.get_model().objects.count() == 0
    copies = {field.name: field for field in made.fields.all()}
    assert list(copies) == ["title", "author", "sequel", "tags"]
    assert (copies["title"].required, copies["title"].default) == (True, "a")
    assert copies["author"].options["related_name"] == "volume_books"
    assert copies["sequel"].related_model == "self"
    assert made.get_model()._meta.get_field("sequel").related_model is made.get_model()
    assert dynamo.verify().ok


def test_a_copy_that_cannot_be_is_refused_on_the_page_and_leaves_no_trace(client: Client) -> None:
    meta = make("Book", title="CharField")
    address = reverse("admin:dynamo_metamodel_duplicate", args=[meta.pk])
    other = make("Other")
    before = everything()
    assert "there is a model" in client.post(address, {"name": "Book"}).text
    assert "errorlist" in client.post(address, {"name": "<b>"}).text
    assert "<b>" not in client.post(address, {"name": "<b>"}).text
    assert "errorlist" in client.post(address, {"name": ""}).text
    assert client.get(reverse("admin:dynamo_metamodel_duplicate", args=["nope"])).status_code == 404
    assert "Select one model" in act(client, "duplicate_chosen", meta, other).text
    assert everything() == before


def test_who_may_not_add_models_duplicates_none(client: Client) -> None:
    meta = make("Book", title="CharField")
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_metamodel", "add_metamodel"]))
    client.force_login(staff)
    address = reverse("admin:dynamo_metamodel_duplicate", args=[meta.pk])
    assert client.get(address).status_code == 403
    assert client.post(address, {"name": "Copy"}).status_code == 403
    with pytest.raises(PermissionDenied):
        duplicating.duplicate_model(staff, meta, "Copy")
    with pytest.raises(PermissionDenied):
        listing.rebuild_models(staff, [str(meta.pk)])
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    assert strict.post(address, {"name": "Copy"}).status_code == 403
    assert MetaModel.objects.count() == 1


def test_chosen_models_are_rebuilt_from_the_log_and_no_others(client: Client) -> None:
    book, author = make("Book", title="CharField", isbn="CharField"), make("Author", name="CharField")
    fields: Any = QuerySet(MetaField)
    fields.filter(name="isbn")._raw_delete("default")
    for name in ("title", "name"):
        fields.filter(name=name).update(help="changed behind our back")
    before = store.head("default").position
    assert "3 rows were written anew" in act(client, "rebuild_chosen", book).text
    assert {f.name: f.help for f in book.fields.all()} == {"title": "", "isbn": ""}
    assert author.fields.get().help == "changed behind our back"
    assert store.head("default").position == before
    act(client, "rebuild_chosen", book, author)
    assert dynamo.verify().ok


def test_an_action_that_is_refused_says_so_on_the_list(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(keys: Any) -> None:
        raise SchemaRefused("the log is <damaged>")

    monkeypatch.setattr(listing, "rebuild", refused)
    page = act(client, "rebuild_chosen", make("Book", title="CharField")).text
    assert "the log is &lt;damaged&gt;" in page.replace("The log", "the log")


@pytest.mark.needs("mysql")
def test_a_change_whose_tables_are_not_done_shows_with_its_models_only(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta, _other = make("Book", title="CharField"), make("Shelf", title="CharField")
    monkeypatch.setattr(pipeline, "heal", None)

    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    field = meta.fields.get()
    with monkeypatch.context() as patch:
        patch.setattr(recovery, "take_steps", killed)
        with pytest.raises(KeyboardInterrupt):
            rename(field, "name")
    text = listed(client)
    assert text.count("Failed; manage.py dynamo doctor") == 1
    assert text.count('field-status">Live<') == 1
    with closing(connections.create_connection("default")) as other, other.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", [f"dynamo:{connection.settings_dict['NAME']}"[:64]])
        text = listed(client)
    assert text.count('field-status">Pending<') == 1
    with engine.exclusive("default"):
        recovery.resume("default")
    assert listed(client).count('field-status">Live<') == 2


def test_a_list_knows_where_to_hear_of_newer_changes(client: Client) -> None:
    make("Book", title="CharField")
    text = listed(client, q="Book")
    assert 'data-head="2"' in text
    assert 'data-mode="poll"' in text
    assert '<a href="/admin/dynamo/metamodel/?q=Book" hidden>Refresh</a>' in text
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_metamodel"))
    client.force_login(staff)
    assert "dynamo-newer" not in listed(client)
