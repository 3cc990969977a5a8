"""A project with a themed admin, languages in its addresses, and a site of its own."""

from __future__ import annotations

import pytest

from tests.integration.homes import Home

# What a site looks like is the same on every database.
pytestmark = pytest.mark.needs("sqlite")

SETTINGS = """
from tests.settings import *
INSTALLED_APPS = ["unfold", *INSTALLED_APPS]
ROOT_URLCONF = "themed_urls"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
MIDDLEWARE = [
    *MIDDLEWARE[:2], "django.middleware.locale.LocaleMiddleware", *MIDDLEWARE[2:],
]
"""
URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path
from unfold.sites import UnfoldAdminSite

themed = UnfoldAdminSite(name="themed")
urlpatterns = [
    *i18n_patterns(path("themed/", themed.urls), path("admin/", admin.site.urls)),
    path("dynamo/", include("dynamo.urls")),
]
"""
USE = """
import django; django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin
from dynamo.models import MetaField, MetaModel
import dynamo
call_command("migrate", verbosity=0)

@dynamo.register_admin("dynamic.Book")
class BookAdmin(ModelAdmin):
    list_display = ["title"]

client = Client()
client.force_login(User.objects.create_superuser("root"))
for name in ("Book", "Shelf"):
    meta = MetaModel.objects.create(name=name)
    MetaField.objects.create(meta_model=meta, name="title", type="CharField")
    row = meta.get_model().objects.create(title="Emma")
    for language in ("en", "de"):
        with django.utils.translation.override(language):
            for site in ("themed", "admin"):
                home = f"/{language}/{site}/"
                pages = f"{home}dynamic/{name.lower()}/"
                views = {"changelist": [], "add": [], "change": [row.pk], "delete": [row.pk]}
                for view, args in views.items():
                    url = reverse(f"admin:dynamic_{name.lower()}_{view}", args=args, current_app=site)
                    assert url.startswith(pages), url
                    answer = client.get(url)
                    assert answer.status_code == 200, (url, answer.status_code)
                    assert "Emma" in answer.text or view == "add"
                assert pages in client.get(home).text
print(len(client.get("/de/themed/dynamic/book/").text) > 10_000, "unfold" in client.get("/de/themed/").text)
"""


@pytest.fixture
def themed(home: Home) -> Home:
    (home.folder / "themed.py").write_text(SETTINGS)
    (home.folder / "themed_urls.py").write_text(URLS)
    (home.folder / "use.py").write_text(USE)
    return home


def test_pages_of_generated_models_work_in_a_themed_admin_and_in_every_language(themed: Home) -> None:
    assert themed.run("themed", str(themed.folder / "use.py")).strip() == "True True"
