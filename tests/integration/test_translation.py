"""Every text of the pages can be translated, and German has all of them."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import translation

import dynamo
from dynamo.models import MetaModel
from tests.integration.forms import Browser
from tests.integration.making import make, rename

ROOT = Path(dynamo.__file__).parent.parent
PACKAGES = ("dynamo", "projections")

# Texts are the same on every database.
pytestmark = [pytest.mark.needs("sqlite"), pytest.mark.django_db(transaction=True)]


def entries(path: Path) -> dict[str, str]:
    """The text of each message, and its translation."""
    text = re.sub(r'"\n"', "", path.read_text())
    pattern = r'^msgid "(.*)"\n(?:msgid_plural ".*"\n)?msgstr(?:\[0\])? "(.*)"$'
    found = dict(re.findall(pattern, text, re.MULTILINE))
    return {message: translated for message, translated in found.items() if message}


@pytest.mark.parametrize("package", PACKAGES)
def test_german_has_every_text_of_the_code_and_no_other(package, tmp_path):
    copy = tmp_path / package
    shutil.copytree(ROOT / package, copy, ignore=shutil.ignore_patterns("locale", "__pycache__", "demo"))
    (copy / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-wrap", "--no-location"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    known = entries(ROOT / package / "locale" / "de" / "LC_MESSAGES" / "django.po")
    assert set(known) == set(entries(copy / "locale" / "de" / "LC_MESSAGES" / "django.po"))
    assert [message for message, translated in known.items() if not translated] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_compiled_is_what_is_written(package):
    folder = ROOT / package / "locale" / "de" / "LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message, translated in entries(folder / "django.po").items():
        plain = message.encode().decode("unicode_escape").encode("latin-1").decode()
        expected = translated.encode().decode("unicode_escape").encode("latin-1").decode()
        assert expected in (compiled.gettext(plain), compiled.ngettext(plain, "", 1))


def test_pages_are_in_the_language_of_the_request(client):
    client.force_login(User.objects.create_superuser("root"))
    MetaModel.objects.create(name="Book")
    pages = {
        "/dynamo/history/": "Verlauf des Schemas",
        "/dynamo/live/": "verbindet sich",
        "/dynamo/retired/": "Nichts ist stillgelegt.",
        "/dynamo/compare/": "Vergleichen",
        "/admin/dynamo/metamodel/add/": "Eine Zeile Text.",
        "/admin/dynamo/metamodel/": "Letzte Änderung",
    }
    with translation.override("de"):
        for path, text in pages.items():
            assert text in client.get(path).text, path


def test_plans_refusals_and_the_history_are_in_the_language_of_the_request(client):
    client.force_login(User.objects.create_superuser("root"))
    meta = make("Book", title="CharField", pages="CharField")
    meta.get_model().objects.create(title="Emma", pages="many")
    with translation.override("de"):
        page = Browser(client, f"/admin/dynamo/metamodel/{meta.pk}/change/")
        title, pages = page.form.row("title"), page.form.row("pages")
        page.form.set(title, name="name").set(pages, type="IntegerField")
        page.press()
        assert "1 Wert passt nicht zu IntegerField, wie &#x27;many&#x27;" in page.form.markup
        page.form.set(pages, type="CharField")
        page.press()
        assert "Feld dynamic.Book.title in name umbenennen" in page.form.markup
        page.form.set(title, name="save")
        page.press()
        assert "einen Teil von Djangos Modellschnittstelle" in page.form.markup
        rename(meta.fields.get(name="title"), "name")
        assert "Feld dynamic.Book.title in name umbenannt" in client.get("/dynamo/history/").text
        assert "das Log hat keine Position 99" in client.get("/dynamo/compare/", {"a": "99"}).text


def test_the_command_line_is_english_whatever_the_language_of_the_project(capsys):
    MetaModel.objects.create(name="Book")
    with translation.override("de"):
        call_command("dynamo", "diff", "0")
    assert capsys.readouterr().out == "added model dynamic.Book\n"
