"""The admin of the meta models: one POST is one change set, and refusals land on the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

import dynamo
from dynamo.models import MetaField, MetaModel
from events import store
from tests.integration.forms import Form
from tests.integration.making import everything

pytestmark = pytest.mark.django_db(transaction=True)

BLANK = {
    "verbose_name": "",
    "related_model": "",
    "description": "",
    "order": "",
    "help": "",
    "choices": "",
    "default": "",
    "options": "",
    "backfill": "",
    "on_error": "fail",
    "error_value": "",
}


@pytest.fixture
def client() -> Client:
    User.objects.create_superuser("root", password="root")
    found = Client()
    found.login(username="root", password="root")
    return found


def form(name: str, *fields: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name, "app": "", "admin": "on", "description": "", "options": "{}"}
    data |= {"fields-TOTAL_FORMS": len(fields), "fields-INITIAL_FORMS": initial}
    for index, field in enumerate(fields):
        data |= {f"fields-{index}-{key}": value for key, value in {**BLANK, **field}.items()}
    return data


def errors(response: Any) -> str:
    assert response.status_code == 200
    return response.content.decode()


def applied(client: Client, url: str, data: dict[str, Any]) -> Any:
    """Ask for the plan, and apply what it says."""
    plan = Form(client.post(url, data).text)
    return client.post(url, {**data, "token": plan.data["token"], "confirmation": "dynamic.Book"})


def test_a_model_with_several_fields_in_one_post_is_one_change_set(client: Client) -> None:
    fields = [
        {"name": "title", "type": "CharField", "required": "on"},
        {"name": "pages", "type": "IntegerField"},
    ]
    response = client.post(reverse("admin:dynamo_metamodel_add"), form("Book", *fields))
    assert response.status_code == 302, response.content.decode()
    recorded = list(store.read("default"))
    assert [r.type for r in recorded] == ["model.created", "field.added", "field.added"]
    assert len({r.context.batch_id for r in recorded}) == 1
    assert {(r.context.source, r.context.actor) for r in recorded} == {
        ("admin", f"user:{User.objects.get().pk}")
    }
    assert dynamo.verify().problems == []


def test_the_new_model_has_admin_pages_at_once_and_loses_them_when_retired(client: Client) -> None:
    client.post(reverse("admin:dynamo_metamodel_add"), form("Book", {"name": "title", "type": "CharField"}))
    url = reverse("admin:dynamic_book_changelist")
    assert client.get(url).status_code == 200
    assert "Books" in client.get(reverse("admin:index")).content.decode()
    assert client.post(reverse("admin:dynamic_book_add"), {"title": "Emma"}).status_code == 302
    assert "Emma" in client.get(url).content.decode()
    meta = MetaModel.objects.get()
    assert (
        client.post(reverse("admin:dynamo_metamodel_delete", args=[meta.pk]), {"post": "yes"}).status_code
        == 302
    )
    assert client.get(url).status_code == 404
    assert "Books" not in client.get(reverse("admin:index")).content.decode()


def test_a_bad_field_is_an_error_on_its_form_and_leaves_no_trace(client: Client) -> None:
    fields = [{"name": "good", "type": "CharField"}, {"name": "save", "type": "CharField"}]
    page = errors(client.post(reverse("admin:dynamo_metamodel_add"), form("Book", *fields)))
    assert "would replace part of Django" in page
    assert not MetaModel.objects.exists()
    assert store.head("default").position == 0


def test_a_refusal_that_only_the_rows_know_of_lands_on_the_form(client: Client) -> None:
    client.post(reverse("admin:dynamo_metamodel_add"), form("Book", {"name": "title", "type": "CharField"}))
    meta = MetaModel.objects.get()
    meta.get_model().objects.create(title="Emma")
    field = meta.fields.get()
    kept = {"id": str(field.pk), "name": "title", "type": "CharField", "order": 0, "meta_model": str(meta.pk)}
    added = {"name": "pages", "type": "IntegerField", "required": "on", "meta_model": str(meta.pk)}
    url = reverse("admin:dynamo_metamodel_change", args=[meta.pk])
    page = errors(
        client.post(url, form("Book", {**kept, "options": '{"max_length": 255}'}, added, initial=1))
    )
    assert "1 row has no value for it" in page
    assert "was changed successfully" not in page
    assert store.head("default").position == 2
    ready = {**added, "backfill": "12"}
    data = form("Book", {**kept, "options": '{"max_length": 255}'}, ready, initial=1)
    assert applied(client, url, data).status_code == 302
    assert meta.get_model().objects.get().pages == 12


def test_a_field_is_renamed_and_another_retired_in_one_post(client: Client) -> None:
    fields = [{"name": "title", "type": "CharField"}, {"name": "pages", "type": "IntegerField"}]
    client.post(reverse("admin:dynamo_metamodel_add"), form("Book", *fields))
    meta = MetaModel.objects.get()
    meta.get_model().objects.create(title="Emma", pages=3)
    rows = []
    for index, field in enumerate(meta.fields.all()):
        options = '{"max_length": 255}' if field.name == "title" else "{}"
        rows.append(
            {"id": str(field.pk), "name": field.name, "type": field.type, "order": index, "options": options}
        )
    rows[0]["name"] = "name"
    rows[1]["DELETE"] = "on"
    url = reverse("admin:dynamo_metamodel_change", args=[meta.pk])
    before = everything()
    assert "Apply this plan" in client.post(url, form("Book", *rows, initial=2)).text
    assert everything() == before
    assert applied(client, url, form("Book", *rows, initial=2)).status_code == 302
    assert [f.name for f in meta.get_model()._meta.fields] == ["id", "name"]
    assert meta.get_model().objects.get().name == "Emma"


def test_several_models_retired_by_the_list_action_are_one_change_set(client: Client) -> None:
    metas = [MetaModel.objects.create(name=name) for name in ("One", "Two")]
    data = {"action": "delete_selected", "_selected_action": [str(m.pk) for m in metas], "post": "yes"}
    assert client.post(reverse("admin:dynamo_metamodel_changelist"), data).status_code == 302
    assert not MetaModel.objects.exists()
    assert len({r.context.batch_id for r in store.read("default", after=2)}) == 1


@pytest.mark.parametrize("listed", [False, True])
def test_retiring_has_the_reason_that_was_typed(client: Client, listed: bool) -> None:
    meta = MetaModel.objects.create(name="One")
    address = reverse("admin:dynamo_metamodel_delete", args=[meta.pk])
    data = {"post": "yes", "reason": "nobody uses it"}
    if listed:
        address = reverse("admin:dynamo_metamodel_changelist")
        data |= {"action": "delete_selected", "_selected_action": str(meta.pk)}
    unconfirmed = {name: value for name, value in data.items() if name != "post"}
    asked = client.post(address, unconfirmed) if listed else client.get(address)
    assert 'name="reason"' in asked.text
    told = client.post(address, data, follow=True).text
    assert "was retired" in told
    assert "deleted" not in told
    last = dynamo.history()[-1]
    assert (last.type, last.reason) == ("model.retired", "nobody uses it")


def test_a_model_that_others_refer_to_is_not_retired_and_the_page_says_why(client: Client) -> None:
    target = MetaModel.objects.create(name="Author")
    book = MetaModel.objects.create(name="Book")
    MetaField.objects.create(meta_model=book, name="author", type="ForeignKey", related_model="Author")
    url = reverse("admin:dynamo_metamodel_delete", args=[target.pk])
    chosen = {"action": "delete_selected", "_selected_action": [str(target.pk)]}
    models = reverse("admin:dynamo_metamodel_changelist")
    for page in (client.get(url).text, client.post(models, chosen).text):
        assert "dynamic.Author is referred to by dynamic.Book.author" in page
        assert 'name="post"' not in page
    for address, data in ((url, {}), (models, chosen)):
        page = client.post(address, {**data, "post": "yes"}, follow=True).text
        assert "Not done: dynamic.Author is referred to by dynamic.Book.author" in page
    assert MetaModel.objects.filter(pk=target.pk).exists()


def test_retiring_is_called_so_and_says_what_becomes_of_the_rows(client: Client) -> None:
    book, author = (MetaModel.objects.create(name=name) for name in ("Book", "Author"))
    book.get_model().objects.create()
    page = client.get(reverse("admin:dynamo_metamodel_delete", args=[book.pk])).text
    assert "dynamic.Book, 1 row" in page
    assert "restoring brings them back" in page
    assert "delete the" not in page
    chosen = {"action": "delete_selected", "_selected_action": [str(book.pk), str(author.pk)]}
    page = client.post(reverse("admin:dynamo_metamodel_changelist"), chosen).text
    assert "dynamic.Author, 0 rows" in page
    data = {**Form(page).data, "_selected_action": chosen["_selected_action"]}
    client.post(reverse("admin:dynamo_metamodel_changelist"), data)
    assert not MetaModel.objects.exists()


def test_the_history_pages_show_events_to_those_who_may_see_them(client: Client) -> None:
    meta = MetaModel.objects.create(name="Book", description="<script>alert(1)</script>")
    for url in (reverse("dynamo:history"), reverse("dynamo:model-history", args=[str(meta)])):
        page = client.get(url).content.decode()
        assert "model.created" in page
        assert "<script>alert(1)" not in page
    staff = User.objects.create_user("staff", password="staff", is_staff=True)
    client.force_login(staff)
    assert client.get(reverse("dynamo:history")).status_code == 403


def test_a_type_is_changed_in_the_form_without_touching_options_that_nobody_typed(client: Client) -> None:
    fields = [{"name": "title", "type": "CharField"}]
    client.post(reverse("admin:dynamo_metamodel_add"), form("Book", *fields))
    field = MetaField.objects.get()
    row = {"id": str(field.pk), "name": "title", "type": "IntegerField", "order": 0}
    row |= {"options": '{"max_length": 255}', "on_error": "null", "error_value": '"left over"'}
    url = reverse("admin:dynamo_metamodel_change", args=[field.meta_model_id])
    assert applied(client, url, form("Book", row, initial=1)).status_code == 302
    assert MetaField.objects.get().type == "IntegerField"


def test_a_name_that_was_retired_is_offered_to_be_restored(client: Client) -> None:
    fields = [{"name": "title", "type": "CharField"}]
    url = reverse("admin:dynamo_metamodel_add")
    assert "There was a" not in client.post(url, form("Book", *fields), follow=True).text
    former = MetaField.objects.get()
    former.delete()
    change = reverse("admin:dynamo_metamodel_change", args=[former.meta_model_id])
    page = client.post(change, form("Book", *fields), follow=True).text
    assert "There was a title before" in page
    assert "restore it below" in page
    MetaModel.objects.get().delete()
    page = client.post(url, form("Book", *fields), follow=True).text
    assert "There was a dynamic.Book before" in page


def test_the_page_of_a_field_is_its_row_in_the_editor_of_its_model(client: Client) -> None:
    meta = MetaModel.objects.create(name="Book")
    field = MetaField.objects.create(meta_model=meta, name="title", type="CharField")
    assert "title" in client.get(reverse("admin:dynamo_metafield_changelist")).text
    before = everything()
    url = reverse("admin:dynamo_metafield_change", args=[field.pk])
    data = {**BLANK, "meta_model": str(meta.pk), "name": "name", "type": "CharField"}
    for response in (client.get(url), client.post(url, data)):
        place = f"field-{field.pk}"
        assert response.url == f"{reverse('admin:dynamo_metamodel_change', args=[meta.pk])}#{place}"
    assert f'id="{place}"' in client.get(response.url).text
    assert client.post(reverse("admin:dynamo_metafield_add"), data).status_code == 403
    assert (
        client.post(reverse("admin:dynamo_metafield_delete", args=[field.pk]), {"post": "yes"}).status_code
        == 403
    )
    assert client.get(reverse("admin:dynamo_metafield_change", args=["nope"])).status_code == 302
    assert everything() == before


def test_the_page_of_a_field_is_for_who_may_see_fields(client: Client) -> None:
    meta = MetaModel.objects.create(name="Book")
    field = MetaField.objects.create(meta_model=meta, name="title", type="CharField")
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(reverse("admin:dynamo_metafield_change", args=[field.pk])).status_code == 403
