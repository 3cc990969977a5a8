"""Generated models in the admin of the running process: found, reversed, listed, on every site."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, URLResolver, path, resolve, reverse
from django.urls.resolvers import RoutePattern

import dynamo
from dynamo.models import MetaField, MetaModel
from events import snapshots
from projections import admin_index, pipeline
from projections.registry import registry
from tests.anew import begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book() -> Any:
    with dynamo.batch():
        meta = MetaModel.objects.create(name="Book")
        MetaField.objects.create(meta_model=meta, name="title", type="CharField")
    return meta


@pytest.fixture
def own_admin() -> Iterator[Any]:
    """Registers an own ModelAdmin of the book."""
    yield dynamo.register_admin("dynamic.Book")
    admin_index.own_admins.clear()


@pytest.fixture
def root() -> Client:
    User.objects.create_superuser("root", password="root")
    client = Client()
    client.login(username="root", password="root")
    return client


def test_every_page_of_a_generated_model_answers_on_every_site(root: Client, book: Any) -> None:
    row = book.get_model().objects.create(title="Emma")
    for site in ("admin", "backoffice"):
        for view, args in (
            ("changelist", []),
            ("add", []),
            ("change", [row.pk]),
            ("history", [row.pk]),
            ("delete", [row.pk]),
        ):
            url = reverse(f"admin:dynamic_book_{view}", args=args, current_app=site)
            assert url.startswith(f"/{site}/dynamic/book/")
            assert root.get(url).status_code == 200, url
        assert (
            root.get(
                reverse("admin:app_list", args=(), kwargs={"app_label": "dynamic"}, current_app=site)
            ).status_code
            == 200
        )


def test_a_renamed_model_moves_its_pages(root: Client, book: Any) -> None:
    assert root.get("/admin/dynamic/book/").status_code == 200
    book.name = "Volume"
    book.save()
    assert root.get("/admin/dynamic/book/").status_code == 404
    assert root.get("/admin/dynamic/volume/").status_code == 200
    with pytest.raises(NoReverseMatch):
        reverse("admin:dynamic_book_changelist")
    assert resolve("/admin/dynamic/volume/").url_name == "dynamic_volume_changelist"


def test_a_model_without_the_admin_flag_has_no_pages(root: Client, book: Any) -> None:
    book.admin = False
    book.save()
    assert root.get("/admin/dynamic/book/").status_code == 404
    assert "Books" not in root.get("/admin/").content.decode()


def test_autocomplete_and_relations_use_the_generated_admins(root: Client, book: Any) -> None:
    shelf = MetaModel.objects.create(name="Shelf")
    MetaField.objects.create(meta_model=shelf, name="book", type="ForeignKey", related_model="Book")
    for name, type_ in (("best", "ManyToManyField"), ("first", "OneToOneField")):
        options = {"related_name": "+"}
        MetaField.objects.create(
            meta_model=shelf, name=name, type=type_, related_model="Book", options=options
        )
    MetaField.objects.create(meta_model=shelf, name="owner", type="ForeignKey", related_model="auth.User")
    page = root.get("/admin/dynamic/shelf/add/").content.decode()
    assert "/admin/dynamic/book/add/" in page
    assert page.count('class="admin-autocomplete"') == 4
    book.get_model().objects.create(title="Emma")
    asked = {"app_label": "dynamic", "model_name": "shelf", "field_name": "book", "term": "em"}
    assert [one["text"] for one in root.get("/admin/autocomplete/", asked).json()["results"]] == ["Emma"]
    # Nothing of a shelf can be searched.
    MetaField.objects.create(meta_model=book, name="shelf", type="ForeignKey", related_model="Shelf")
    assert "admin-autocomplete" not in root.get("/admin/dynamic/book/add/").content.decode()


def test_those_who_may_not_see_a_target_choose_from_a_list(book: Any) -> None:
    shelf = MetaModel.objects.create(name="Shelf")
    MetaField.objects.create(meta_model=shelf, name="book", type="ForeignKey", related_model="Book")
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="add_shelf"))
    client = Client()
    client.force_login(staff)
    assert "admin-autocomplete" not in client.get("/admin/dynamic/shelf/add/").content.decode()


def test_staff_see_only_what_they_have_permission_for(book: Any) -> None:
    staff = User.objects.create_user("staff", password="staff", is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get("/admin/dynamic/book/").status_code == 403
    assert "Books" not in client.get("/admin/").content.decode()
    staff.user_permissions.add(Permission.objects.get(codename="view_book"))
    assert client.get("/admin/dynamic/book/").status_code == 200
    assert client.get("/admin/dynamic/book/add/").status_code == 403
    assert "Books" in client.get("/admin/").content.decode()


def test_help_text_is_shown_as_text(root: Client, book: Any) -> None:
    script = "<script>alert(1)</script>"
    MetaField.objects.create(meta_model=book, name="note", type="CharField", help=script, verbose_name=script)
    page = root.get("/admin/dynamic/book/add/").content.decode()
    assert script not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_have_the_addresses_and_names_that_django_gives_them(root: Client, book: Any) -> None:
    model: Any = book.get_model()
    django: Any = URLResolver(RoutePattern("dynamic/book/"), admin.site.get_model_admin(model).urls)
    for rest in ("", "add/", "5/", "5/change/", "a_2Fb/history/", "x/y/delete/", "add/change/"):
        ours, its = resolve(f"/admin/dynamic/book/{rest}"), django.resolve(f"dynamic/book/{rest}")
        assert (ours.url_name, ours.args, ours.kwargs) == (its.url_name, its.args, its.kwargs)
        assert ours.route == f"admin/dynamic/book/{its.route}"
        assert (ours.func.__name__, ours.func.model_admin) == (its.func.__name__, its.func.model_admin)
    for page, args in (("changelist", ()), ("add", ()), ("change", (5,)), ("history", ("/ä%",))):
        name = f"dynamic_book_{page}"
        assert reverse(f"admin:{name}", args=args) == django._reverse_with_prefix(
            name, "/admin/dynamic/book/", *args
        )
    for page, args in (("changelist", (5,)), ("change", ()), ("other", ()), ("", ())):
        with pytest.raises(NoReverseMatch, match=f"dynamic_book_{page}"):
            reverse(f"admin:dynamic_book_{page}", args=args)
    moved = root.get("/admin/dynamic/book/5/")
    assert (moved.status_code, moved.url) == (302, "/admin/dynamic/book/5/change/")


def test_an_own_admin_is_used_for_its_model(own_admin: Any, book: Any) -> None:
    class BookAdmin(admin.ModelAdmin):
        list_display = ("pk",)

    own_admin(BookAdmin)
    assert isinstance(admin.site.get_model_admin(book.get_model()), BookAdmin)


def test_an_own_admin_may_have_pages_of_its_own(root: Client, own_admin: Any, book: Any) -> None:
    class BookAdmin(admin.ModelAdmin):
        def get_urls(self) -> list[Any]:
            own = path("sold/<int:year>/", self.sold, name="dynamic_book_sold")
            return [own, *super().get_urls()]

        def sold(self, request: Any, year: int) -> HttpResponse:
            return HttpResponse(f"{self.opts.verbose_name} {year}")

        def changelist_view(self, request: Any, extra_context: Any = None) -> HttpResponse:
            return HttpResponse("all")

    own_admin(BookAdmin)
    for name, args, said in (("sold", [1999], "book 1999"), ("changelist", [], "all")):
        assert root.get(reverse(f"admin:dynamic_book_{name}", args=args)).content.decode() == said
    assert root.get(reverse("admin:dynamic_book_add")).status_code == 200


@pytest.mark.parametrize("key", ["7", "a b", "/7", "//7", "50%", "é", "_2F"])
def test_an_address_is_the_one_that_django_makes(book: Any, key: str) -> None:
    plain = URLResolver(
        RoutePattern("dynamic/book/"), admin.site.get_model_admin(book.get_model()).get_urls()
    )
    for page in ("changelist", "add", "history", "delete", "change"):
        args = [] if page in ("changelist", "add") else [key]
        expected: Any = plain._reverse_with_prefix(f"dynamic_book_{page}", "/admin/dynamic/book/", *args)
        found = reverse(f"admin:dynamic_book_{page}", args=args)
        assert found == expected
        assert resolve(unquote(found)).url_name == f"dynamic_book_{page}"


def test_names_of_pages_are_not_gathered_anew_for_each_model(
    root: Client, book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reverse("admin:dynamic_book_changelist")
    gathered: list[URLResolver] = []
    plain = URLResolver._populate

    def populate(resolver: URLResolver) -> None:
        gathered.append(resolver)
        plain(resolver)

    monkeypatch.setattr(URLResolver, "_populate", populate)
    MetaField.objects.create(meta_model=book, name="later", type="IntegerField")
    MetaModel.objects.create(name="Shelf")
    for model in ("book", "shelf"):
        for page, args in (("changelist", []), ("history", [1])):
            resolve(reverse(f"admin:dynamic_{model}_{page}", args=args))
    assert gathered == []


def test_django_still_has_what_the_three_replacements_replace() -> None:
    from django.urls import base

    for function in (AdminSite.get_urls, AdminSite.get_app_list, base.get_ns_resolver):
        assert function.dynamo is True
        assert function.__wrapped__.__name__ == function.__name__
    assert hasattr(AdminSite("probe"), "_registry")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(admin_index, "FEW", 3)
    monkeypatch.setattr(admin_index, "PAGE", 2)
    with dynamo.batch():
        for name in "GDBFAEC":
            MetaModel.objects.create(name=f"Thing{name}", admin=name != "D")
    return [f"thing{name}" for name in "abcefg"]


def links(client: Client, url: str) -> list[str]:
    """What the page itself lists; the sidebar lists models too."""
    page = client.get(url)
    assert page.status_code == 200
    return [
        model["admin_url"].removeprefix("/admin/dynamic/").removesuffix("/")
        for app in page.context["app_list"]
        if app["app_label"] == "dynamic"
        for model in app["models"]
    ]


def test_the_index_lists_a_few_models_and_a_way_to_the_others(root: Client, many: list[str]) -> None:
    assert links(root, "/admin/") == [*many[:3], "?p=1"]
    assert links(root, "/admin/dynamic/") == [*many[:2], "?p=2"]
    assert links(root, "/admin/dynamic/?p=2") == [*many[2:4], "?p=1", "?p=3"]
    assert links(root, "/admin/dynamic/?p=3") == [*many[4:], "?p=2"]


def test_the_index_decodes_the_models_that_it_shows(root: Client, many: list[str]) -> None:
    """The one without pages comes before them, and is not even looked at."""
    with dynamo.batch():
        MetaModel.objects.create(name="Thing0", admin=False)
    snapshots.take("default", registry.mark, pipeline.known_at)
    begin()
    assert links(root, "/admin/") == [*many[:3], "?p=1"]
    # And the first of the rest, by which it knows that there are more.
    assert registry.models.decoded() == 4
    assert not registry.has_pages("nothing")


def test_an_app_whose_models_have_no_pages_is_not_listed(root: Client) -> None:
    meta = MetaModel.objects.create(name="Inner", admin=False)
    assert root.get("/admin/dynamic/").status_code == 404
    meta.admin = True
    meta.save()
    assert links(root, "/admin/dynamic/") == ["inner"]


def test_an_own_admin_may_keep_its_model_out_of_the_index(root: Client, book: Any, monkeypatch: Any) -> None:
    class Hidden(admin.ModelAdmin):
        def has_module_permission(self, request: Any) -> bool:
            return False

    monkeypatch.setitem(admin_index.own_admins, "dynamic.book", Hidden)
    assert root.get("/admin/dynamic/").status_code == 404
    assert root.get("/admin/dynamic/book/").status_code == 200


@pytest.mark.parametrize("page", ["0", "-1", "x", "٣", "", "<b>"])
def test_a_page_that_cannot_be_is_the_first(root: Client, many: list[str], page: str) -> None:
    assert links(root, f"/admin/dynamic/?p={page}")[:2] == many[:2]


def test_a_page_beyond_the_last_is_not_found(root: Client, many: list[str]) -> None:
    for number in (9**30, "9" * 5_000):
        assert root.get(f"/admin/dynamic/?p={number}").status_code == 404


def test_asking_for_apps_that_are_not_there_leaves_nothing_behind(many: list[str]) -> None:
    before = len(registry._orders)
    for n in range(5):
        assert Client().get(f"/admin/nothing{n}/").status_code in {302, 404}
    assert len(registry._orders) == before


def test_who_may_see_two_of_many_is_shown_those(many: list[str]) -> None:
    user = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get("/admin/dynamic/").status_code == 404
    codenames = ("view_thinge", "add_thingg")
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    page = client.get("/admin/")
    (listed,) = (app for app in page.context["app_list"] if app["app_label"] == "dynamic")
    assert [(m["admin_url"], m["add_url"]) for m in listed["models"]] == [
        ("/admin/dynamic/thinge/", None),
        (None, "/admin/dynamic/thingg/add/"),
    ]


def test_pages_take_as_many_queries_and_decode_as_much_with_more_models(root: Client) -> None:
    counts = []
    for start in (0, 80):
        with dynamo.batch():
            for n in range(start, start + 60):
                MetaModel.objects.create(name=f"Thing{n:03}")
        row = dynamo.get_model("Thing001").objects.create()
        for url in ("/admin/", "/admin/dynamic/thing001/", f"/admin/dynamic/thing001/{row.pk}/change/"):
            root.get(url)
            with CaptureQueriesContext(connection) as asked:
                page = root.get(url)
            assert page.status_code == 200
            counts.append((url.count("/"), len(asked), page.text.count("/add/")))
    assert counts[:3] == counts[3:]


def test_admins_of_former_schemas_are_let_go(root: Client, book: Any) -> None:
    """With the resolvers of their pages, which refer to them."""
    kept = []
    for n in range(3):
        MetaField.objects.create(meta_model=book, name=f"later{n}", type="IntegerField")
        assert root.get(reverse("admin:dynamic_book_changelist")).status_code == 200
        kept.append(weakref.ref(admin.site.get_model_admin(book.get_model())))
    gc.collect()
    assert [one() is None for one in kept] == [True, True, False]
