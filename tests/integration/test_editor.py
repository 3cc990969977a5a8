"""The model editor as a person without JavaScript uses it: each page's own form, typed into and sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

import dynamo
from dynamo.models import MetaField, MetaModel
from events import store
from tests.integration.forms import Browser
from tests.integration.making import add, alter, everything, make

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "admin:dynamo_metamodel_add"


@pytest.fixture
def client() -> Client:
    User.objects.create_superuser("root", password="root")
    found = Client()
    found.login(username="root", password="root")
    return found


def edit(client: Client, meta: MetaModel) -> Browser:
    return Browser(client, reverse("admin:dynamo_metamodel_change", args=[meta.pk]))


def batches(after: int = 0) -> set[str]:
    return {r.context.batch_id for r in store.read("default", after=after)}


def kinds(after: int = 0) -> list[str]:
    return [r.type for r in store.read("default", after=after)]


def field(meta: MetaModel, name: str) -> MetaField:
    found: MetaField = meta.fields.get(name=name)
    return found


def test_a_model_with_options_of_several_types_is_made_in_one_form(client: Client) -> None:
    page = Browser(client, reverse(ADD))
    page.form.set("", name="Book")
    page.form.set("fields-0", name="title", type="CharField", required="on", **{"options-max_length": "80"})
    page.form.set("fields-1", name="price", type="DecimalField", default="9.5")
    page.form.set(
        "fields-1", **{"options-max_digits": "6", "options-decimal_places": "2", "options-max_length": "4"}
    )
    page.form.set("fields-2", name="parent", type="ForeignKey", related_model="self")
    assert page.press().status_code == 302
    meta = MetaModel.objects.get()
    assert [(f.name, f.type) for f in meta.fields.all()] == [
        ("title", "CharField"),
        ("price", "DecimalField"),
        ("parent", "ForeignKey"),
    ]
    assert field(meta, "title").options == {"max_length": 80}
    assert field(meta, "price").options == {"max_digits": 6, "decimal_places": 2}
    assert len(batches()) == 1
    assert dynamo.verify().ok


def test_more_rows_keep_what_was_typed(client: Client) -> None:
    page = Browser(client, reverse(ADD))
    page.form.set("", name="Book").set("fields-2", name="isbn", type="CharField")
    page.press("_rows")
    assert page.form.data["fields-TOTAL_FORMS"] == "6"
    assert page.form.data["fields-2-name"] == "isbn"
    page.form.set("fields-5", name="pages", type="IntegerField")
    assert page.press().status_code == 302
    assert {f.name for f in MetaField.objects.all()} == {"isbn", "pages"}


def test_opening_and_saving_changes_nothing(client: Client) -> None:
    meta = make(
        "Book",
        title={"type": "CharField", "choices": "a,b", "default": "a", "unique": True},
        data={"type": "JSONField", "default": {}},
        flag={"type": "BooleanField", "default": False},
        price="DecimalField",
        parent={"type": "ForeignKey", "related_model": "self", "required": True},
    )
    before = store.head("default").position
    page = edit(client, meta)
    page.press("_plan")
    assert "There is nothing to do" in page.form.markup
    assert page.press().status_code == 302
    assert store.head("default").position == before


def test_what_is_not_safe_is_shown_first_and_then_applied(client: Client) -> None:
    meta = make("Book", title="CharField", pages="IntegerField")
    meta.get_model().objects.create(title="Emma", pages=3)
    before = everything()
    page = edit(client, meta)
    page.form.set(page.form.row("title"), name="name")
    page.form.set(page.form.row("pages"), DELETE="on")
    response = page.press()
    assert response.status_code == 200
    for text in ("REVIEW", "rename field dynamic.Book.title to name", "retire field dynamic.Book.pages"):
        assert text in page.form.markup
    assert "renamed from title" in page.form.markup
    assert everything() == before
    start = store.head("default").position
    assert page.press("_save").status_code == 302
    assert sorted(kinds(start)) == ["field.renamed", "field.retired"]
    assert len(batches(start)) == 1
    assert [f.name for f in meta.get_model()._meta.fields] == ["id", "name"]


def test_the_reason_is_kept_until_the_plan_is_applied(client: Client) -> None:
    meta = make("Book", title="CharField")
    page = edit(client, meta)
    page.form.set(page.form.row("title"), name="name").set("", reason=" they call it so ")
    page.press()
    assert page.form.data["reason"] == " they call it so "
    assert page.press("_save").status_code == 302
    assert dynamo.history()[-1].reason == "they call it so"


def test_a_value_for_rows_is_asked_for_only_when_rows_need_one(client: Client) -> None:
    meta = make("Book", title="CharField")
    page = edit(client, meta)
    page.form.set("fields-1", name="pages", type="IntegerField", required="on")
    page.press("_plan")
    assert "fields-1-backfill" not in page.form.data
    meta.get_model().objects.create(title="Emma")
    page.press("_plan")
    assert "1 row has no value for it" in page.form.markup
    assert "fields-1-on_error" not in page.form.data
    page.form.set("fields-1", backfill="12")
    page.press("_plan")
    assert "1 row gets a value" in page.form.markup
    assert page.form.data["fields-1-backfill"] == "12"
    assert page.press("_save").status_code == 302
    assert meta.get_model().objects.get().pages == 12


def test_values_that_do_not_convert_are_counted_and_lost_only_when_the_name_is_typed(client: Client) -> None:
    meta = make("Book", pages="CharField")
    model = meta.get_model()
    for text in ("212", "about 300", "96"):
        model.objects.create(pages=text)
    page = edit(client, meta)
    row = page.form.row("pages")
    page.form.set(row, type="IntegerField")
    page.press()
    assert "1 value does not fit IntegerField" in page.form.markup
    assert "The plan asks what becomes of these rows." in page.form.markup
    # Only its JSON speaks to programs.
    assert "set on_error" not in page.form.markup.partition("<summary>JSON")[0]
    assert "_save" not in page.form.buttons
    page.form.set(row, on_error="null")
    page.press("_plan")
    for text in ("DESTRUCTIVE", "2 values convert", "1 value does not convert"):
        assert text in page.form.markup
    start = store.head("default").position
    page.form.set("", confirmation="dynamic.Other")
    assert page.press("_save").status_code == 200
    assert "Nothing was done: “dynamic.Other” was typed, not dynamic.Book." in page.form.markup
    assert store.head("default").position == start
    page.form.set("", confirmation="dynamic.Book")
    assert page.press("_save").status_code == 302
    assert list(model.objects.order_by("pk").values_list("pages", flat=True)) == [212, None, 96]


def test_a_plan_that_is_applied_twice_has_nothing_left_to_do(client: Client) -> None:
    meta = make("Book", title="CharField")
    page = edit(client, meta)
    page.form.set(page.form.row("title"), name="name")
    page.press()
    twice = dict(page.form.data)
    assert page.press("_save").status_code == 302
    text = client.post(page.url, {**twice, "_save": "1"}).text
    assert "There is nothing to do." in text
    assert "errornote" not in text
    assert {f.name for f in meta.fields.all()} == {"name"}


def test_a_retired_field_comes_back_with_its_values(client: Client) -> None:
    meta = make("Book", title="CharField", isbn="CharField")
    model = meta.get_model()
    model.objects.create(title="Emma", isbn="978")
    field(meta, "isbn").delete()
    page = edit(client, meta)
    page.form.set(page.form.restoring("isbn"), restore="on", name="code")
    assert page.press().status_code == 302
    assert model.objects.get().code == "978"


def test_a_restored_field_that_rows_have_no_value_for_asks_for_one(client: Client) -> None:
    meta = make("Book", title="CharField", stock={"type": "IntegerField", "required": True})
    field(meta, "stock").delete()
    model = meta.get_model()
    model.objects.create(title="Emma")
    page = edit(client, meta)
    prefix = page.form.restoring("stock")
    page.form.set(prefix, restore="on")
    page.press()
    assert "1 row has no value for it" in page.form.markup
    page.form.set(prefix, backfill="4")
    page.press()
    assert page.press("_save").status_code == 302
    assert model.objects.get().stock == 4


def test_fields_are_reordered_and_names_come_free_in_time(client: Client) -> None:
    meta = make("Book", one="CharField", two="CharField", three="CharField")
    page = edit(client, meta)
    rows = {name: page.form.row(name) for name in ("one", "two", "three")}
    page.form.set(rows["one"], name="two", order="2")
    page.form.set(rows["two"], name="three", order="1")
    page.form.set(rows["three"], name="four", order="0")
    page.press()
    assert page.press("_save").status_code == 302
    assert [f.name for f in meta.fields.all()] == ["four", "three", "two"]


def test_an_error_lands_on_its_row_with_what_was_typed(client: Client) -> None:
    meta = make("Book", title="CharField")
    before = everything()
    page = edit(client, meta)
    page.form.set(page.form.row("title"), help="Keep <this>")
    page.form.set("fields-1", name="author", type="ForeignKey", related_model="dynamic.Nobody")
    response = page.press()
    assert response.status_code == 200
    assert (
        page.form.data["fields-0-help"] == "Keep &lt;this&gt;"
        or "Keep <this>" in page.form.data["fields-0-help"]
    )
    assert page.form.data["fields-1-related_model"] == "dynamic.Nobody"
    formset = response.context["inline_admin_formsets"][0].formset
    assert list(formset.forms[1].errors) == ["related_model"]
    assert not formset.forms[0].errors
    assert everything() == before


def test_a_plan_that_was_seen_does_nothing_else(client: Client) -> None:
    meta = make("Book", title="CharField", pages="IntegerField")
    page = edit(client, meta)
    page.form.set(page.form.row("title"), name="label")
    page.press("_plan")
    page.form.set(page.form.row("pages"), name="length")
    start = store.head("default").position
    assert page.press("_save").status_code == 200
    assert "this is not what was planned" in page.form.markup
    assert store.head("default").position == start
    make("Other")
    page.press("_plan")
    alter(field(meta, "pages"), help="number")
    assert page.press("_save").status_code == 200
    assert "meanwhile: changed field dynamic.Book.pages" in page.form.markup
    assert page.press("_save").status_code == 302
    assert field(meta, "length").help == "number"


def test_what_someone_else_changed_meanwhile_is_kept(client: Client) -> None:
    meta = make("Book", title="CharField", pages="IntegerField")
    page = edit(client, meta)
    alter(field(meta, "title"), help="theirs", required=True)
    add(meta, "isbn", "CharField")
    page.form.set(page.form.row("title"), verbose_name="mine")
    assert page.press().status_code == 302
    now = field(meta, "title")
    assert (now.help, now.required, now.verbose_name) == ("theirs", True, "mine")
    assert {f.name for f in meta.fields.all()} == {"title", "pages", "isbn"}


@pytest.mark.parametrize(("choice", "expected"), [("theirs", "theirs"), ("yours", "mine")])
def test_what_both_changed_is_shown_three_ways_and_decided(
    client: Client, choice: str, expected: str
) -> None:
    meta = make("Book", title={"type": "CharField", "help": "base"})
    page = edit(client, meta)
    alter(field(meta, "title"), help="theirs")
    row = page.form.row("title")
    page.form.set(row, help="mine", verbose_name="Title of the book")
    start = store.head("default").position
    page.press()
    for text in ("<code>base</code>", "<code>theirs</code>", "<code>mine</code>"):
        assert text in page.form.markup
    page.press()
    assert "was changed by someone else meanwhile" in page.form.markup
    assert store.head("default").position == start
    page.form.set(row, **{"take-help": choice})
    assert page.press().status_code == 302
    now = field(meta, "title")
    assert (now.help, now.verbose_name) == (expected, "Title of the book")


def test_a_choice_is_asked_again_when_they_changed_it_again(client: Client) -> None:
    meta = make("Book", title={"type": "CharField", "help": "base"})
    page = edit(client, meta)
    alter(field(meta, "title"), help="theirs")
    page.form.set(page.form.row("title"), help="mine")
    page.press()
    alter(field(meta, "title"), help="later")
    page.form.set(page.form.row("title"), **{"take-help": "yours"})
    assert page.press().status_code == 200
    assert "<code>later</code>" in page.form.markup


def test_the_model_itself_is_merged_like_its_fields(client: Client) -> None:
    meta = make("Book", title="CharField")
    page = edit(client, meta)
    MetaModel.objects.filter(pk=meta.pk).update(description="theirs")
    page.form.set("", description="mine")
    page.press()
    assert "Take theirs: <code>theirs</code>" in " ".join(page.form.markup.split())
    page.form.set("", **{"take-description": "theirs"})
    assert page.press().status_code == 302
    assert MetaModel.objects.get().description == "theirs"


def test_a_field_that_was_retired_meanwhile_is_told_if_it_was_touched(client: Client) -> None:
    meta = make("Book", title="CharField", isbn="CharField")
    page, other = edit(client, meta), edit(client, meta)
    field(meta, "isbn").delete()
    page.form.set(page.form.row("title"), help="mine")
    assert page.press().status_code == 302
    other.form.set(other.form.row("isbn"), help="mine")
    assert other.press().status_code == 200
    assert "Someone else retired meanwhile what you changed: isbn" in other.form.markup


def test_the_live_plan_is_a_piece_of_the_page_and_does_nothing(client: Client) -> None:
    meta = make("Book", title="CharField")
    before = everything()
    page = edit(client, meta)
    page.form.set(page.form.row("title"), name="label")
    url = reverse("admin:dynamo_metamodel_plan", args=[meta.pk])
    response = client.post(url, page.form.data)
    assert response.status_code == 200
    assert "rename field dynamic.Book.title to label" in response.text
    assert "ALTER TABLE" in response.text
    assert "<html" not in response.text
    assert "renamed from title" in response.text
    assert client.get(url).status_code == 405
    assert everything() == before


def test_the_live_plan_of_a_new_model_names_the_row_of_an_error(client: Client) -> None:
    page = Browser(client, reverse(ADD))
    page.form.set("", name="Book").set("fields-0", name="save", type="CharField")
    text = client.post(reverse("admin:dynamo_metamodel_plan_new"), page.form.data).text
    assert "<strong>save</strong>" in text
    assert "would replace part of Django" in text


def test_only_who_may_change_the_schema_sees_plans(client: Client) -> None:
    meta = make("Book", title="CharField")
    staff = User.objects.create_user("staff", password="staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_metamodel", "view_metafield"]))
    client.force_login(staff)
    add(meta, "kind", required=True, unique=True, default="n", choices=[["n", "<New>"]], help="Which")
    page = edit(client, meta)
    shown = ("kind", "required", "unique", "Which", "&lt;New&gt;", "max_length: <code>255</code>")
    for text in ("title", *shown):
        assert text in page.form.markup
    assert "_review" not in page.form.buttons
    data: dict[str, Any] = {"name": "Book", "fields-TOTAL_FORMS": "0", "fields-INITIAL_FORMS": "0"}
    assert client.post(page.url, data).status_code == 403
    assert client.post(reverse("admin:dynamo_metamodel_plan", args=[meta.pk]), data).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="root"))
    assert strict.post(reverse("admin:dynamo_metamodel_plan", args=[meta.pk]), data).status_code == 403


def test_who_may_change_fields_and_not_retire_them_cannot(client: Client) -> None:
    meta = make("Book", title="CharField", isbn="CharField")
    names = ["change_metamodel", "view_metafield", "change_metafield"]
    staff = User.objects.create_user("staff", password="staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(staff)
    page = edit(client, meta)
    row = page.form.row("isbn")
    assert f"{row}-DELETE" not in page.form.markup
    page.form.set(row, DELETE="on").set(page.form.row("title"), help="mine")
    assert page.press().status_code == 302
    assert {f.name for f in meta.fields.all()} == {"title", "isbn"}
    assert field(meta, "title").help == "mine"
    field(meta, "isbn").delete()
    page = edit(client, meta)
    retired = meta.schema.retired_fields[0]
    page.form.set(f"restore-{retired.id}", restore="on", name="isbn")
    assert page.press().status_code == 403


def test_a_row_is_put_back_as_it_was(client: Client) -> None:
    meta = make("Book", title="CharField", pages="IntegerField")
    page = edit(client, meta)
    title, pages = page.form.row("title"), page.form.row("pages")
    page.form.set(title, name="label", type="TextField", DELETE="on").set(pages, help="number")
    page.press("_plan")
    page.form.data["_undo"] = title
    page.press("_plan")
    assert page.form.data[f"{title}-name"] == "title"
    assert page.form.data[f"{title}-type"] == "CharField"
    assert f"{title}-DELETE" not in page.form.data
    assert page.form.data[f"{pages}-help"] == "number"


def test_rows_that_were_not_sent_stay_as_they_are(client: Client) -> None:
    meta = make("Book", title={"type": "CharField", "required": True}, pages="IntegerField")
    page = edit(client, meta)
    title, pages = page.form.row("title"), page.form.row("pages")
    page.form.set(pages, help="number")
    page.form.data = {
        key: value
        for key, value in page.form.data.items()
        if key == f"{title}-id" or not key.startswith(f"{title}-")
    }
    response = page.press("_plan")
    assert response.context["inline_admin_formsets"][0].formset.forms[0].changed_data == []
    assert page.form.data[f"{title}-name"] == "title"
    assert page.press("_save").status_code == 302
    assert (field(meta, "pages").help, field(meta, "title").required) == ("number", True)


def test_hostile_text_is_shown_and_never_run(client: Client) -> None:
    hostile = "</textarea></template><script>alert(1)</script>"
    shown = {
        "help": hostile,
        "verbose_name": hostile[:150],
        "choices": [[hostile, hostile]],
        "default": hostile,
    }
    meta = make("Book", title={"type": "CharField", **shown}, isbn="CharField")
    MetaModel.objects.filter(pk=meta.pk).update(description=hostile)
    page = edit(client, meta)
    alter(field(meta, "title"), help=f"theirs {hostile}")
    page.form.set(page.form.row("title"), help=f"mine {hostile}", default="", choices="")
    page.form.set(page.form.row("isbn"), name=hostile)
    page.press("_plan")
    assert "Keep yours" in page.form.markup
    live = client.post(reverse("admin:dynamo_metamodel_plan", args=[meta.pk]), page.form.data)
    for text in (page.form.markup, live.text):
        assert "<script>alert(1)" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_the_plan_says_that_it_would_be_refused(client: Client) -> None:
    meta = make("Book", pages="CharField")
    meta.get_model().objects.create(pages="many")
    page = edit(client, meta)
    page.form.set(page.form.row("pages"), type="IntegerField")
    page.press("_plan")
    assert "REFUSED" in page.form.markup
    assert "It can be reverted" not in page.form.markup
    page.form.set(page.form.row("pages"), on_error="null")
    page.press("_plan")
    assert "REFUSED" not in page.form.markup
    page.press("_save")
    assert "Nothing was done: the name was not typed." in page.form.markup
    assert "_save" in page.form.buttons


def test_a_restored_field_is_not_said_to_be_new_and_empty(client: Client) -> None:
    meta = make("Book", price="CharField")
    meta.get_model().objects.create(price="7")
    field(meta, "price").delete()
    add(meta, "price", "IntegerField")
    page = edit(client, meta)
    page.form.set(page.form.row("price"), DELETE="on")
    page.form.set(page.form.restoring("price"), restore="on")
    page.press()
    response = page.client.post(page.url, {**page.form.data, "_save": "1"}, follow=True)
    assert meta.get_model().objects.get().price == "7"
    assert "This one is new and empty" not in response.text


def test_a_model_that_was_retired_meanwhile_is_said_to_be(client: Client) -> None:
    meta = make("Book", title="CharField")
    page = edit(client, meta)
    meta.delete()
    response = client.post(page.url, {**page.form.data, "_review": "1"}, follow=True)
    assert "The model dynamic.Book was retired, nothing of this was saved" in response.text
    assert "deleted" not in response.text


@pytest.mark.parametrize("names", [("b", "a", "c"), ("b", "c", "a"), ("b", "a", "d"), ("b", "a", "a_3")])
def test_names_go_round_in_one_form(client: Client, names: tuple[str, ...]) -> None:
    meta = make("Book", a="CharField", b="CharField", c="CharField", a_2="CharField")
    meta.get_model().objects.create(a="1", b="2", c="3", a_2="4")
    page = edit(client, meta)
    rows = {name: page.form.row(name) for name in "abc"}
    for name, row in rows.items():
        page.form.set(row, name=names["abc".index(name)])
    page.press()
    start = store.head("default").position
    assert page.press("_save").status_code == 302
    row = meta.get_model().objects.get()
    assert [getattr(row, name) for name in names] == ["1", "2", "3"]
    assert row.a_2 == "4"
    assert len(batches(start)) == 1
    assert dynamo.verify().ok
