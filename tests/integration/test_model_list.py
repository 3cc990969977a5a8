"""The list of models in the admin: what each column says, the filters, and how much it asks the database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import dynamo
from dynamo.context import acting
from dynamo.models import MetaField, MetaModel
from projections.ddl import sizes
from tests.integration.making import make, rename

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
    assert ">Live<" in page


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
