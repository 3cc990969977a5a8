"""The list of models in a real browser: an open list says what is newer, and stays as it is."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.acceptance.test_accessibility import RULES
from tests.acceptance.test_editor import WITHIN, opened

pytestmark = pytest.mark.browser

LIST = "/admin/dynamo/metamodel/"


def names(page) -> list[str]:
    return page.locator("th.field-__str__").all_inner_texts()


def test_an_open_list_counts_newer_changes_and_moves_no_row(browser, own_site):
    own_site.writer.change('book = MetaModel.objects.create(name="Book")')
    page = opened(browser, own_site, LIST)
    note = page.locator("#dynamo-newer")
    expect(note.locator("a")).to_be_hidden()
    place = page.locator("#result_list").bounding_box()
    own_site.writer.change(
        "with dynamo.batch():\n"
        "  shelf = MetaModel.objects.create(name='Shelf')\n"
        "  MetaField.objects.create(meta_model=shelf, name='room', type='CharField')"
    )
    expect(note).to_contain_text("1 newer change", timeout=WITHIN)
    own_site.writer.change('book.description = "Printed"; book.save()')
    expect(note).to_contain_text("2 newer changes", timeout=WITHIN)
    assert page.locator("#result_list").bounding_box() == place
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert names(page) == ["dynamic.Book"]
    note.locator("a").click()
    expect(page.locator("th.field-__str__")).to_have_count(2)
    expect(note.locator("a")).to_be_hidden()
    assert page.problems == []
