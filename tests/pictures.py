"""Write the pictures of the README and the docs: `make pictures` serves the demo and looks at its pages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

IMAGES = Path("docs/images")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGES = {
    "models.png": "/admin/dynamo/metamodel/",
    "generated.png": "/admin/dynamic/country/",
    "history.png": "/dynamo/history/",
    "compare.png": "/dynamo/compare/?a=20",
    "revert.png": "/dynamo/revert/?to=20",
    "event.png": "/dynamo/history/event/3/",
    "as-of.png": "/dynamo/schema/?at=20",
    "retired.png": "/dynamo/retired/",
}
# What is asked of a model on a page of its own.
ASKED = {"duplicate.png": "duplicate/", "retire.png": "delete/"}
RETIRED = """
from dynamo.models import MetaField, MetaModel
draft = MetaModel.objects.create(name="Draft")
MetaField.objects.create(meta_model=draft, name="text", type="TextField")
draft.get_model().objects.create(text="A first try")
draft.delete()
"""
CHANGE = """
from dynamo.models import MetaField, MetaModel
country = MetaModel.objects.get(name="Country")
MetaField.objects.create(meta_model=country, name="motto", type="CharField")
"""


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DYNAMO_DEMO_HOME": folder}
        demo = subprocess.Popen(
            [sys.executable, "-u", "-m", "dynamo.demo", "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            root, password = _announced(demo)
            _take(root, password, environment)
        finally:
            demo.terminate()
            demo.communicate()


def _announced(demo: subprocess.Popen[str]) -> tuple[str, str]:
    """The address and the password that the demo prints; then it goes on serving."""
    root = ""
    assert demo.stdout is not None
    for line in demo.stdout:
        root = root or "".join(re.findall(r"(http://[\d.:]+)/admin/$", line.strip()))
        password = re.findall(r"password (\S+)", line)
        if root and password:
            return root, password[0]
    raise SystemExit("the demo ended before it served")


def _take(root: str, password: str, environment: dict[str, str]) -> None:
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(base_url=root, viewport={"width": 1440, "height": 800})
        page.goto("/admin/")
        page.fill("#id_username", "admin")
        page.fill("#id_password", password)
        page.click("[type=submit]")
        _run(RETIRED, environment)
        for name, address in PAGES.items():
            page.goto(address)
            page.screenshot(path=IMAGES / name, full_page=name == "models.png")
        page.click("text=Restore >> nth=-1")
        page.screenshot(path=IMAGES / "restore.png")
        _take_editor(page)
        _take_review(page)
        _take_asked(page)
        _take_live(page, environment)
        browser.close()


def _take_editor(page: Any) -> None:
    """With a change that is not made: its plan."""
    page.goto("/admin/dynamo/metamodel/")
    page.click("text=dynamic.Script")
    page.fill("#id_fields-0-name", "english_name")
    expect(page.locator("#plan")).to_contain_text("english_name")
    page.screenshot(path=IMAGES / "editor.png", full_page=True)


def _take_review(page: Any) -> None:
    """A change that loses values: how many, what becomes of them, and the word that confirms it."""
    page.goto("/admin/dynamo/metamodel/")
    page.click("text=dynamic.Language")
    row = page.locator(".dynamo-row", has=page.locator("[name$='-name'][value='short_code']"))
    row.locator("[name$='-type']").select_option("IntegerField")
    page.locator("#plan [name$='-on_error']").select_option("null")
    expect(page.locator("#id_confirmation")).to_be_visible()
    page.locator("#plan").screenshot(path=IMAGES / "review.png")


def _take_asked(page: Any) -> None:
    page.goto("/admin/dynamo/metamodel/")
    page.click("text=dynamic.Script")
    address = page.url.removesuffix("change/")
    for name, rest in ASKED.items():
        page.goto(f"{address}{rest}")
        page.screenshot(path=IMAGES / name)


def _run(code: str, environment: dict[str, str]) -> None:
    settings = {**environment, "DJANGO_SETTINGS_MODULE": "dynamo.demo.settings"}
    subprocess.run([sys.executable, "-c", f"import django; django.setup(){code}"], env=settings, check=True)


def _take_live(page: Any, environment: dict[str, str]) -> None:
    page.goto("/dynamo/live/")
    expect(page.get_by_role("status")).to_have_text("live")
    _run(CHANGE, environment)
    expect(page.locator("#dynamo-live tbody tr").first).to_contain_text("motto")
    page.screenshot(path=IMAGES / "live.png")


if __name__ == "__main__":
    main()
