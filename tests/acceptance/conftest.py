"""Sites for tests that need real processes. Databases are migrated once, and copied."""

from __future__ import annotations

import pytest

from tests.acceptance.site import PREPARE, Site


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
