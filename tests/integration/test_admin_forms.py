"""Forms of rows whose model changes while they are open: what was typed reaches the right field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings
from django.urls import path

import dynamo
from dynamo.admin import VersionedForms
from dynamo.models import MetaField, MetaModel
from projections import admin_index
from tests import urls
from tests.integration.forms import Form
from tests.integration.making import add, alter, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


class Page:
    """A row's form, as a browser has it: its fields by name, and the address that it is sent to."""

    def __init__(self, client: Client, address: str) -> None:
        self.client = client
        self.address = address
        self.take(client.get(address))

    def take(self, response: Any) -> None:
        self.to = f"{self.address}{response.context['form_url']}"
        self.data = Form(response.content.decode()).data
        self.errors = response.context["adminform"].form.non_field_errors()

    def send(self, **typed: str) -> Any:
        response = self.client.post(self.to, self.data | typed)
        if response.status_code == 200:
            self.take(response)
        return response


@pytest.fixture
def book(transactional_db: Any) -> MetaModel:
    return make("Book", a="TextField", b="TextField", sold="BooleanField", printed="DateTimeField")


def opened(root: Client, meta: MetaModel, **values: Any) -> tuple[Page, Any]:
    row = meta.get_model().objects.create(**values)
    return Page(root, f"/admin/dynamic/book/{row.pk}/change/"), row


def field(name: str) -> MetaField:
    return MetaField.objects.get(name=name)


def test_a_form_opened_before_a_rename_empties_nothing(root: Client, book: MetaModel) -> None:
    page, row = opened(root, book, a="precious", b="keep", sold=True)
    rename(field("a"), "a2")
    rename(field("sold"), "gone")
    rename(field("printed"), "made")
    response = page.send(a="typed", printed_0="2026-01-02", printed_1="03:04:05")
    assert response.status_code == 200
    assert "Nothing was saved" in page.errors[0]
    assert "a is called a2 now" in page.errors[0]
    row.refresh_from_db()
    assert (row.a2, row.b, row.gone, row.made) == ("precious", "keep", True, None)
    assert page.data["a2"] == "typed"
    assert page.data["made_0"] == "2026-01-02"
    assert page.send().status_code == 302
    row.refresh_from_db()
    assert (row.a2, row.b, row.gone, row.made.year) == ("typed", "keep", True, 2026)


def test_names_that_were_swapped_are_not_mixed_up(root: Client, book: MetaModel) -> None:
    page, row = opened(root, book, a="1", b="2")
    with dynamo.batch():
        first, second = field("a"), field("b")
        rename(first, "c")
        rename(second, "a")
        rename(first, "b")
    page.send(a="one")
    assert (page.data["b"], page.data["a"]) == ("one", "2")
    assert page.send().status_code == 302
    row.refresh_from_db()
    assert (row.b, row.a) == ("one", "2")


def test_a_field_that_came_meanwhile_keeps_what_others_put_there(root: Client, book: MetaModel) -> None:
    page, row = opened(root, book, a="1")
    add(book, "note", "TextField")
    add(book, "checked", "BooleanField", default=True)
    type(row).objects.update(note="theirs")
    page.send(a="2")
    assert "note is new" in page.errors[0]
    assert page.data["note"] == "theirs"
    assert "checked" in page.data
    page.send()
    row.refresh_from_db()
    assert (row.a, row.note, row.checked) == ("2", "theirs", True)


def test_what_was_typed_for_a_field_that_is_gone_is_told(root: Client, book: MetaModel) -> None:
    page, _ = opened(root, book)
    field("b").delete()
    response = page.send(b="<b>typed</b>")
    assert "b is gone, “<b>typed</b>” was typed" in page.errors[0]
    assert b"<b>typed" not in response.content
    assert b"&lt;b&gt;typed" in response.content


def test_a_row_that_is_being_added_is_kept_too(root: Client, book: MetaModel) -> None:
    page = Page(root, "/admin/dynamic/book/add/")
    rename(field("a"), "a2")
    page.send(a="typed")
    assert not book.get_model().objects.exists()
    assert page.send().status_code == 302
    assert book.get_model().objects.get().a2 == "typed"


def test_a_change_that_leaves_names_and_types_alone_stops_nobody(root: Client, book: MetaModel) -> None:
    page, row = opened(root, book)
    alter(field("a"), help="What it is about")
    assert page.send(a="typed").status_code == 302
    row.refresh_from_db()
    assert row.a == "typed"


@pytest.mark.parametrize("version", ["0", "999", "-1", "nonsense", "9" * 17, "9" * 6000])
def test_a_version_that_never_was_saves_nothing_by_mistake(
    root: Client, book: MetaModel, version: str
) -> None:
    page, row = opened(root, book, a="1", b="2")
    page.to = f"{page.address}?_version={version}"
    assert page.send(a="3").status_code in {200, 302}
    row.refresh_from_db()
    assert row.b == "2"


def test_what_an_address_says_besides_stays_in_it(root: Client, book: MetaModel) -> None:
    response = root.get("/admin/dynamic/book/add/?_popup=1&a=x%26y")
    assert response.context["form_url"].startswith("?")
    assert dict(parse_qsl(response.context["form_url"][1:])) == {"_popup": "1", "a": "x&y", "_version": "5"}


@pytest.fixture
def own_admin() -> Iterator[None]:
    class Own(admin.ModelAdmin):
        fields = ("a", "b")

    assert dynamo.register_admin("dynamic.Book")(Own) is Own
    yield
    admin_index.own_admins.clear()


@pytest.mark.usefixtures("own_admin")
def test_an_own_admin_is_guarded_too(root: Client, book: MetaModel) -> None:
    page, row = opened(root, book, a="precious", b="2")
    assert "printed_0" not in page.data
    add(book, "later", "TextField")
    page.send(a="typed")
    row.refresh_from_db()
    assert row.a == "precious"
    assert page.send().status_code == 302


class WithBooks:
    """Rows of a generated model below another's; its class is found when the page is made."""

    def get_inlines(self, request: Any, obj: Any) -> list[Any]:
        class Books(admin.TabularInline):
            model = dynamo.get_model("dynamic.Book")
            extra = 1

        return [Books]


class OfGroups(WithBooks, VersionedForms):
    fields = ("name",)


groups = admin.AdminSite(name="groups")
groups.register(Group, OfGroups)
urlpatterns = [*urls.urlpatterns, path("groups/", groups.urls)]


@pytest.fixture(params=["hand-written", "generated"])
def shelf(request: pytest.FixtureRequest, root: Client, transactional_db: Any) -> Iterator[tuple[str, Any]]:
    """The address of a row's page with books below it, and a book."""
    if request.param == "hand-written":
        owner, address, target = Group.objects.create(name="top"), "/groups/auth/group", "auth.Group"
    else:

        class Own(WithBooks, admin.ModelAdmin):
            pass

        dynamo.register_admin("dynamic.Shelf")(Own)
        owner = make("Shelf", name="CharField").get_model().objects.create(name="top")
        address, target = "/admin/dynamic/shelf", "dynamic.Shelf"
    book = make("Book", a="TextField", b="TextField", sold="BooleanField", printed="DateTimeField")
    add(book, "place", "ForeignKey", related_model=target)
    row = book.get_model().objects.create(a="precious", b="keep", sold=True, place=owner)
    with override_settings(ROOT_URLCONF=__name__):
        yield f"{address}/{owner.pk}/change/", row
    admin_index.own_admins.clear()


def test_rows_of_an_inline_are_guarded(root: Client, shelf: tuple[str, Any]) -> None:
    address, row = shelf
    page = Page(root, address)
    rename(field("a"), "a2")
    rename(field("sold"), "gone")
    field("b").delete()
    add(MetaModel.objects.get(name="Book"), "note", "TextField", default="none")
    response = page.send(**{"book_set-0-a": "typed", "book_set-1-a": "another"})
    assert response.status_code == 200
    (told,) = response.context["inline_admin_formsets"][0].formset.non_form_errors()
    assert "Nothing was saved" in told
    assert "a is called a2 now; b is gone, “keep” was typed; sold is called gone now; note is new" in told
    row.refresh_from_db()
    assert (row.a2, row.gone, row.note) == ("precious", True, "none")
    assert page.data["book_set-0-a2"] == "typed"
    assert page.data["book_set-1-a2"] == "another"
    assert page.data["book_set-0-note"] == "none"
    assert page.send().status_code == 302
    assert [(one.a2, one.gone) for one in type(row).objects.order_by("pk")] == [
        ("typed", True),
        ("another", None),
    ]


def test_an_inline_whose_fields_stayed_is_saved(root: Client, shelf: tuple[str, Any]) -> None:
    address, row = shelf
    page = Page(root, address)
    alter(field("a"), help="What it is about")
    assert page.send(**{"book_set-0-a": "typed"}).status_code == 302
    row.refresh_from_db()
    assert (row.a, row.b, row.sold) == ("typed", "keep", True)


@pytest.mark.parametrize("version", ["", "0", "999", "-1", "nonsense", "9" * 6000])
def test_a_version_of_an_inline_that_never_was_saves_nothing_by_mistake(
    root: Client, shelf: tuple[str, Any], version: str
) -> None:
    address, row = shelf
    page = Page(root, address)
    response = page.send(**{"book_set-_version": version, "book_set-0-a": "typed"})
    assert response.status_code in {200, 302}
    row.refresh_from_db()
    assert row.b == "keep"


@pytest.fixture
def boxes(transactional_db: Any) -> Iterator[MetaModel]:
    class Boxes(admin.ModelAdmin):
        list_display = ("__str__", "old", "fee", "doubled")
        list_editable = ("old", "fee")
        list_filter = ("old", ("fee", admin.EmptyFieldListFilter))
        search_fields = ("^old", "fee__iexact")
        ordering = ("-fee",)
        fieldsets = ((None, {"fields": (("old", "fee"),)}),)

        def doubled(self, row: Any) -> int:
            return 2

    dynamo.register_admin("dynamic.Box")(Boxes)
    yield make("Box", old="IntegerField", fee="IntegerField")
    admin_index.own_admins.clear()


def test_a_list_that_is_edited_is_guarded(root: Client, boxes: MetaModel) -> None:
    row = boxes.get_model().objects.create(old=5, fee=9999)
    address = "/admin/dynamic/box/"
    data = Form(root.get(address).content.decode()).data | {"_save": "Save", "form-0-fee": "424242"}
    with dynamo.batch():
        first, second = field("old"), field("fee")
        rename(first, "between")
        rename(second, "old")
        rename(first, "fee")
    response = root.post(address, data)
    assert "Nothing was saved" in response.text
    row.refresh_from_db()
    assert (row.fee, row.old) == (5, 9999)
    assert 'value="424242"' in response.text
    again = Form(response.text).data | {"_save": "Save"}
    assert (again["form-0-old"], again["form-0-fee"]) == ("424242", "5")
    assert root.post(address, again).status_code == 302
    row.refresh_from_db()
    assert (row.fee, row.old) == (5, 424242)


def test_an_admin_goes_on_with_the_names_of_now(
    root: Client, boxes: MetaModel, caplog: pytest.LogCaptureFixture
) -> None:
    row = boxes.get_model().objects.create(old=5, fee=9999)
    noted = dynamo.plan(lambda: rename(field("fee"), "price")).notes
    assert noted == ("Boxes in the project's code names fee, which dynamic.Box has no more then",)
    rename(field("fee"), "price")
    for page in ("", "add/", f"{row.pk}/change/", "?q=5"):
        assert root.get(f"/admin/dynamic/box/{page}").status_code == 200
    assert "Boxes names what dynamic.Box has no more: fee (price)" in caplog.text
    listed = Form(root.get("/admin/dynamic/box/").content.decode()).data
    assert (listed["form-0-old"], listed["form-0-price"]) == ("5", "9999")
    field("old").delete()
    assert "form-0-price" in Form(root.get("/admin/dynamic/box/").content.decode()).data
    boxes.refresh_from_db()
    boxes.name = "Crate"
    (note,) = dynamo.plan(boxes).notes
    assert note == "Boxes in the project's code is registered for dynamic.Box: write dynamic.Crate there"


def test_what_was_read_only_stays_so(root: Client, transactional_db: Any) -> None:
    class Accounts(admin.ModelAdmin):
        readonly_fields = ("balance",)

    class Notes(admin.ModelAdmin):
        fields = ("note",)

    for name, kind in (("Account", Accounts), ("Closed", Notes)):
        dynamo.register_admin(f"dynamic.{name}")(kind)
        make(name, balance="IntegerField", note="TextField").get_model().objects.create(balance=1, note="")
    try:
        rename(MetaField.objects.get(meta_model__name="Account", name="balance"), "saldo")
        shown = Form(root.get("/admin/dynamic/account/1/change/").content.decode()).data
        assert "note" in shown
        assert "saldo" not in shown
        MetaField.objects.get(meta_model__name="Closed", name="note").delete()
        shown = Form(root.get("/admin/dynamic/closed/1/change/").content.decode()).data
        assert "balance" not in shown
    finally:
        admin_index.own_admins.clear()


def test_a_column_that_has_become_the_link_is_not_emptied(root: Client, transactional_db: Any) -> None:
    class Linked(admin.ModelAdmin):
        list_display = ("name", "price")
        list_editable = ("price",)
        search_fields = ("annotated",)

    dynamo.register_admin("dynamic.Thing")(Linked)
    try:
        meta = make("Thing", name="CharField", price="IntegerField")
        row = meta.get_model().objects.create(name="x", price=7)
        meta.fields.get(name="name").delete()
        data = Form(root.get("/admin/dynamic/thing/").content.decode()).data
        root.post("/admin/dynamic/thing/", data | {"_save": "Save"})
        row.refresh_from_db()
        assert row.price == 7
        assert admin.site.get_model_admin(meta.get_model()).search_fields == ("annotated",)
    finally:
        admin_index.own_admins.clear()


def test_a_value_with_a_default_that_is_worked_out_is_kept_in_rows(
    root: Client, shelf: tuple[str, Any]
) -> None:
    address, row = shelf
    add(MetaModel.objects.get(name="Book"), "day", "DateField", options={"default_factory": "today"})
    page = Page(root, address)
    assert "initial-book_set-0-day" in page.data
    rename(field("day"), "due")
    page.send(**{"book_set-0-day": "2020-02-03"})
    assert page.data["book_set-0-due"] == "2020-02-03"
    assert page.send().status_code == 302
    row.refresh_from_db()
    assert str(row.due) == "2020-02-03"


def test_a_day_that_has_a_time_now_is_not_emptied(root: Client, book: MetaModel) -> None:
    add(book, "day", "DateField")
    page, row = opened(root, book, day="2020-02-03")
    alter(field("day"), type="DateTimeField")
    page.send(day="2021-01-01")
    assert "day is a DateTimeField now, “2021-01-01” was typed" in page.errors[0]
    assert page.data["day_0"] == "2020-02-03"
    page.send()
    row.refresh_from_db()
    assert row.day.year == 2020
