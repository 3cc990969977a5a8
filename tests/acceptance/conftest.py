"""Sites for tests that need real processes. Databases are migrated once, and copied."""

from __future__ import annotations

import shutil

import pytest

from tests.acceptance.site import PREPARE, Site

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with a migrated database in WAL mode and the superuser `admin`."""
    folder = tmp_path_factory.mktemp("prepared")
    site = Site(folder)
    try:
        site.writer.run(PREPARE)
    finally:
        site.close()
    return folder


@pytest.fixture(scope="module")
def site(prepared, tmp_path_factory):
    """A served site that the tests of a module share: each makes models of its own."""
    site = Site.copied(prepared, tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture
def own_site(prepared, tmp_path):
    """A served site for one test, which may stop its server or use it up."""
    site = Site.copied(prepared, tmp_path)
    yield site
    site.close()


@pytest.fixture
def admin(site):
    """A client of the shared site, logged in as its superuser."""
    with site.client("admin") as client:
        yield client
