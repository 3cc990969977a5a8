"""The pages by keyboard alone: a model is made, retired, restored and reverted without a pointer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.acceptance.site import PASSWORD

pytestmark = pytest.mark.browser

WITHIN = 20_000
MOST_STOPS = 200


class Keys:
    """Somebody who has a keyboard only."""

    def __init__(self, page):
        self.page = page

    def reach(self, target) -> Keys:
        """Press the tab key until it is there."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            if target.evaluate("one => one === document.activeElement"):
                return self
        raise AssertionError(f"the tab key never comes to {target}")

    def type(self, text: str) -> Keys:
        self.page.keyboard.type(text)
        return self

    def press(self, key: str) -> Keys:
        self.page.keyboard.press(key)
        return self

    def button(self, name: str, **how):
        return self.page.get_by_role("button", name=name, exact=True, **how)

    def link(self, name: str):
        return self.page.get_by_role("link", name=name, exact=True)


@pytest.fixture
def keys(browser, own_site):
    page = browser.new_page(base_url=own_site.server.url)
    page.goto("/admin/dynamo/metamodel/add/")
    expect(page.locator("#id_username")).to_be_focused()
    Keys(page).type("admin").press("Tab").type(PASSWORD).press("Enter")
    expect(page.locator("#dynamo-editor")).to_be_visible(timeout=WITHIN)
    yield Keys(page)
    page.close()


def test_a_model_is_made_retired_restored_and_reverted_by_keyboard(keys, own_site):
    page = keys.page
    keys.reach(page.locator("#id_name")).type("Book")
    keys.reach(page.locator("#id_fields-0-name")).type("title")
    keys.reach(page.locator("#id_fields-0-type")).type("CharF")
    keys.reach(page.locator("#id_reason")).type("by hand")
    keys.reach(keys.button("Save")).press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("dynamic.Book", timeout=WITHIN)

    keys.reach(page.locator("input.action-select")).press("Space")
    keys.reach(page.locator("select[name=action]")).type("Ret")
    keys.reach(page.locator("button[name=index]")).press("Enter")
    expect(page.locator("h1").last).to_have_text("Retire", timeout=WITHIN)
    keys.reach(page.locator("#id_reason")).type("too soon")
    keys.reach(keys.button("Retire")).press("Enter")
    expect(page.locator(".dynamo-gone")).to_contain_text("dynamic.Book", timeout=WITHIN)

    keys.reach(keys.link("Restore dynamic.Book")).press("Enter")
    expect(page.locator("#returns")).to_contain_text("restore model dynamic.Book", timeout=WITHIN)
    keys.reach(page.locator("#content-main details summary")).press("Enter")
    expect(page.locator("#content-main details pre")).to_be_visible()
    keys.reach(keys.button("Restore")).press("Enter")
    expect(page.locator("#dynamo-editor")).to_be_visible(timeout=WITHIN)

    page.goto("/dynamo/history/")
    keys.reach(keys.link("added model dynamic.Book")).press("Enter")
    expect(page.locator("h1").last).to_have_text("Position 1", timeout=WITHIN)

    page.goto("/dynamo/compare/")
    keys.reach(page.locator("#id_a")).type("0").press("Enter")
    expect(page.locator("h2", has_text="From position 0")).to_be_visible(timeout=WITHIN)
    keys.reach(keys.link("SQL")).press("Enter")
    expect(page.locator("#content-main pre").first).to_contain_text("CREATE TABLE", timeout=WITHIN)

    keys.reach(keys.link("Revert to position 0")).press("Enter")
    expect(page.locator("#retired")).to_contain_text("retire model dynamic.Book", timeout=WITHIN)
    keys.reach(keys.button("Revert")).press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("Reverted", timeout=WITHIN)
    told = own_site.writer.run("answer = [(one.type, one.reason) for one in dynamo.history()]")
    assert told == [
        ["model.created", "by hand"],
        ["field.added", "by hand"],
        ["model.retired", "too soon"],
        ["model.restored", "restore"],
        ["registry.rolled_back", "revert"],
        ["model.retired", "revert"],
    ]


def test_the_live_page_pauses_and_shows_how_to_subscribe_by_keyboard(keys, own_site):
    page = keys.page
    page.goto("/dynamo/live/")
    expect(page.get_by_role("status")).to_have_text("live", timeout=WITHIN)
    keys.reach(keys.button("Pause")).press("Space")
    expect(keys.button("Resume")).to_be_focused()
    own_site.writer.run("MetaModel.objects.create(name='Shelf')")
    expect(page.locator(".dynamo-live-note")).to_contain_text("1", timeout=WITHIN)
    keys.press("Space")
    expect(page.locator("#dynamo-live tbody tr")).to_have_count(1)
    keys.reach(page.locator("#dynamo-live tbody summary")).press("Enter")
    expect(page.locator("#dynamo-live tbody details")).to_have_attribute("open", "")
    keys.reach(page.locator(".dynamo-live-subscribe summary")).press("Enter")
    keys.reach(page.locator(".dynamo-live-subscribe pre").first)
    keys.reach(page.locator("#dynamo-live-model")).type("dynamic.Shelf").press("Enter")
    expect(page.locator("#dynamo-live-model")).to_have_value("dynamic.Shelf", timeout=WITHIN)
