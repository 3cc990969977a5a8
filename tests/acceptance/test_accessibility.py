"""In light and in dark, no page of ours has a violation of WCAG 2.2 AA that axe-core finds, and the tab key
comes by all that can be used on it.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.acceptance.site import PASSWORD

pytestmark = pytest.mark.browser

# Marks what can be used on a page with its place, and notes how it looks without the focus.
MARK = """() => {
  document.activeElement.blur();
  const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const radios = new Set();
  let place = 0;
  for (const one of document.querySelectorAll(usable)) {
    const folded = one.closest("details:not([open])");
    if (one.disabled || one.tabIndex < 0 || !one.getClientRects().length) continue;
    if (getComputedStyle(one).visibility === "hidden") continue;
    if (folded && folded.querySelector("summary") !== one) continue;
    if (one.type === "radio") {
      const group = `${one.form?.id} ${one.name}`;
      const chosen = document.querySelector(`[type=radio][name="${one.name}"]:checked`);
      if (radios.has(group) || (chosen && chosen !== one)) continue;
      radios.add(group);
    }
    one.dataset.place = place++;
    one.dataset.look = window.look(one);
  }
  return place;
}"""
LOOK = """
window.look = (one) => {
  one.getAnimations({ subtree: true }).forEach((animation) => animation.finish());
  const style = getComputedStyle(one);
  const names = ["outline", "boxShadow", "borderColor", "backgroundColor", "color", "textDecoration"];
  return names.map((name) => style[name]).join("|");
};
"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body || one.dataset.place === undefined) return null;
  return [Number(one.dataset.place), window.look(one) !== one.dataset.look, one.outerHTML.slice(0, 200)];
}"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
MADE = """
with dynamo.batch(reason="for the shop"):
    book = MetaModel.objects.create(name="Book", description="What is sold")
    MetaField.objects.create(meta_model=book, name="title", type="CharField", required=True, help="Printed")
    MetaField.objects.create(meta_model=book, name="price", type="DecimalField",
                             options={"max_digits": 8, "decimal_places": 2})
    kind = MetaField.objects.create(meta_model=book, name="kind", type="CharField",
                                    choices=[["a", "New"], ["b", "Used"]])
shelf = MetaModel.objects.create(name="Shelf")
MetaField.objects.create(meta_model=shelf, name="book", type="ForeignKey", related_model="Book")
book.get_model().objects.create(title="Emma")
kind.delete()
former = MetaModel.objects.create(name="Former")
gone = str(former.pk)
former.delete()
answer = [str(book.pk), book.get_model().objects.get().pk, gone]
"""


@pytest.fixture(scope="module")
def keys(site):
    return site.writer.run(MADE)


def addresses(keys) -> dict[str, str]:
    book, row, gone = keys
    return {
        "models": "/admin/dynamo/metamodel/",
        "fields": "/admin/dynamo/metafield/",
        "editor": f"/admin/dynamo/metamodel/{book}/change/",
        "new model": "/admin/dynamo/metamodel/add/",
        "duplicate": f"/admin/dynamo/metamodel/{book}/duplicate/",
        "retire": f"/admin/dynamo/metamodel/{book}/delete/",
        "history": "/dynamo/history/",
        "history of a model": "/dynamo/history/dynamic.Book/",
        "event": "/dynamo/history/event/2/",
        "compare": "/dynamo/compare/?a=1&b=5",
        "compare as JSON": "/dynamo/compare/?a=1&b=5&show=json",
        "compare as SQL": "/dynamo/compare/?a=1&b=5&show=sql",
        "compare with what was, as SQL": "/dynamo/compare/?a=5&b=1&show=sql",
        "schema as of": "/dynamo/schema/?at=3",
        "revert": "/dynamo/revert/?to=3",
        "retired": "/dynamo/retired/",
        "restore": f"/dynamo/restore/?id={gone}",
        "live": "/dynamo/live/",
        "rows": "/admin/dynamic/book/",
        "row": f"/admin/dynamic/book/{row}/change/",
    }


NAMES = tuple(addresses(("", "", "")))


@pytest.fixture(scope="module", params=["light", "dark"])
def person(request, browser, site, keys):
    """A browser of somebody who is logged in, and prefers that scheme."""
    context = browser.new_context(base_url=site.server.url, color_scheme=request.param)
    page = context.new_page()
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    yield page
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_page_has_no_violation(person, keys, name):
    person.goto(addresses(keys)[name])
    if name == "live":
        expect(person.get_by_role("status")).to_have_text("live", timeout=20_000)
    found = Axe().run(person, options=RULES)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", NAMES)
def test_the_tab_key_comes_by_all_that_can_be_used_and_shows_where_it_is(person, keys, name):
    person.add_init_script(LOOK)
    person.goto(addresses(keys)[name])
    if name == "live":
        expect(person.get_by_role("status")).to_have_text("live", timeout=20_000)
    count = person.evaluate(MARK)
    assert count
    order = []
    unseen = {}
    # The round begins where the page put the focus. Inputs of a time are several stops each, of which the
    # browser's own button has a mark inside.
    for _ in range(2 * count + 20):
        person.keyboard.press("Tab")
        place, seen, markup = person.evaluate(FOCUSED) or (None, True, "")
        if place is None or place in order:
            continue
        order.append(place)
        if not seen:
            unseen[place] = markup
    first = order.index(0)
    assert [*order[first:], *order[:first]] == list(range(count))
    assert unseen == {}
