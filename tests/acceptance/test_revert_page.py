"""Reverting in a real browser, with a real server: what was retired and converted is there again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.acceptance.site import PASSWORD

pytestmark = pytest.mark.browser

MADE = """
book = MetaModel.objects.create(name="Book")
isbn = MetaField.objects.create(meta_model=book, name="isbn", type="CharField")
code = MetaField.objects.create(meta_model=book, name="code", type="CharField")
book.get_model().objects.create(isbn="978-3", code="007")
"""
CHANGED = """
isbn.delete()
code.type = "IntegerField"
code.save()
"""


@pytest.fixture
def page(browser, own_site):
    """The history page, logged in."""
    own_site.writer.change(MADE)
    own_site.writer.change(CHANGED)
    page = browser.new_page(base_url=own_site.server.url)
    page.goto("/dynamo/history/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator("#event-5")).to_be_visible(timeout=20_000)
    yield page
    page.close()


def values(page) -> list[str]:
    page.goto("/admin/dynamic/book/1/change/")
    return [page.locator(f"#id_{name}").input_value() for name in ("isbn", "code")]


def test_a_person_compares_two_moments_and_reverts_to_the_first(page, own_site):
    page.check("#event-3 [name=a]")
    page.check("#event-5 [name=b]")
    page.click("text=Compare the chosen")
    expect(page.locator("ul.dynamo-removed")).to_have_text("removed field dynamic.Book.isbn")
    page.click("text=Revert to position 3")
    expect(page.locator("#returns li")).to_have_count(2)
    page.click("button.default")
    expect(page.locator(".messagelist")).to_contain_text("Reverted, up to position 8")
    assert values(page) == ["978-3", "007"]
