"""The model editor in a real browser, with a real server: a person without code shapes data."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.acceptance.site import PASSWORD

pytestmark = pytest.mark.browser

WITHIN = 20_000

BOOK = """
author = MetaModel.objects.create(name="Author")
MetaField.objects.create(meta_model=author, name="name", type="CharField")
book = MetaModel.objects.create(name="Book")
title = MetaField.objects.create(meta_model=book, name="title", type="CharField", help="base")
pages = MetaField.objects.create(meta_model=book, name="pages", type="CharField")
for text in ("212", "about 300", "96"):
    book.get_model().objects.create(title="Emma", pages=text)
answer = str(book.pk)
"""
ROWS = """
dynamo.catch_up()
answer = list(book.get_model().objects.order_by("pk").values_list({}))
"""


def opened(browser, site, address):
    """A page of the site, logged in; what the console says of scripts and policies is kept in `problems`."""
    page = browser.new_page(base_url=site.server.url)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "console", lambda m: page.problems.append(m.text) if "Content Security Policy" in m.text else None
    )
    page.goto(address)
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator("#content")).to_be_visible(timeout=WITHIN)
    return page


@pytest.fixture
def book(own_site):
    """The address of the editor of a model with rows."""
    return f"/admin/dynamo/metamodel/{own_site.writer.run(BOOK)}/change/"


@pytest.fixture
def page(browser, own_site, book):
    page = opened(browser, own_site, book)
    yield page
    assert page.problems == []
    page.close()


def row(page, name):
    return page.locator(".dynamo-row", has=page.locator(f'input[name$="-name"][value="{name}"]'))


def fill(where, **typed):
    for name, value in typed.items():
        found = where.locator(f'[name$="-{name}"]').first
        if found.evaluate("e => e.tagName") == "SELECT":
            found.select_option(value)
        else:
            found.fill(value)


def plan(page):
    return page.locator("#plan")


def test_a_model_with_fields_of_five_types_and_a_relation_is_made_in_one_form(browser, own_site, book):
    page = opened(browser, own_site, "/admin/dynamo/metamodel/add/")
    page.fill("#id_name", "Edition")
    wanted = {
        "isbn": "CharField",
        "price": "DecimalField",
        "printed": "DateField",
        "sold_out": "BooleanField",
        "copies": "PositiveIntegerField",
        "book": "ForeignKey",
    }
    for _more in range(3):
        page.click("#dynamo-add-row")
    rows = page.locator(".dynamo-rows > .dynamo-row")
    expect(rows).to_have_count(6)
    for place, (name, kind) in enumerate(wanted.items()):
        fill(rows.nth(place), name=name, type=kind)
    fill(rows.nth(5), related_model="Book")
    expect(rows.nth(5).locator("[name$=related_model]")).to_be_visible()
    expect(rows.nth(0).locator("[name$=related_model]")).to_be_hidden()
    expect(rows.nth(1)).to_contain_text("An exact number")
    expect(plan(page)).to_contain_text("needs the option 'max_digits'", timeout=WITHIN)
    rows.nth(1).locator("summary").click()
    expect(rows.nth(1).locator("[name$=options-max_length]")).to_be_hidden()
    fill(rows.nth(1), **{"options-max_digits": "6", "options-decimal_places": "2"})
    expect(plan(page)).to_contain_text("add field dynamic.Edition.book (ForeignKey)", timeout=WITHIN)
    expect(plan(page)).to_contain_text("SAFE")
    page.locator(".submit-row").get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully", timeout=WITHIN)
    found = own_site.writer.run(
        "dynamo.catch_up()\n"
        "answer = [(f.name, f.type) for f in MetaModel.objects.get(name='Edition').fields.all()]"
    )
    assert [tuple(pair) for pair in found] == list(wanted.items())
    page.goto("/admin/dynamic/edition/add/")
    page.fill("#id_isbn", "978-3")
    page.locator(".field-book .select2-selection").click()
    page.locator(".select2-results__option--highlighted, .select2-results__option[role=option]").first.click()
    page.click("[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    assert page.problems == []


def test_a_rename_and_a_conversion_show_what_becomes_of_rows_before_they_are_applied(page, own_site):
    fill(row(page, "title"), name="name")
    expect(plan(page)).to_contain_text("rename field dynamic.Book.title to name", timeout=WITHIN)
    expect(row(page, "title").locator(".dynamo-badges")).to_contain_text("renamed from title")
    fill(row(page, "pages"), type="IntegerField")
    expect(plan(page)).to_contain_text(
        "1 value does not fit IntegerField, such as 'about 300'", timeout=WITHIN
    )
    plan(page).get_by_label("Values that do not convert").select_option("null")
    expect(plan(page)).to_contain_text("2 values convert", timeout=WITHIN)
    expect(plan(page)).to_contain_text("DESTRUCTIVE")
    plan(page).get_by_label("Type dynamic.Book to confirm").fill("dynamic.Book")
    plan(page).get_by_role("button", name="Apply this plan").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    assert own_site.writer.run(ROWS.format("'name', 'pages'")) == [
        ["Emma", 212],
        ["Emma", None],
        ["Emma", 96],
    ]


def test_a_field_is_retired_and_restored_with_its_values(page, own_site, book):
    row(page, "pages").get_by_label("Retire").check()
    expect(plan(page)).to_contain_text("retire field dynamic.Book.pages", timeout=WITHIN)
    expect(row(page, "pages").locator(".dynamo-badges")).to_contain_text("retired")
    plan(page).get_by_role("button", name="Apply and continue editing").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    page.locator(".dynamo-retired summary").click()
    page.locator(".dynamo-retired").get_by_label("Restore").check()
    expect(plan(page)).to_contain_text("restore field dynamic.Book.pages", timeout=WITHIN)
    page.locator(".submit-row").get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    assert own_site.writer.run(ROWS.format("'pages', flat=True")) == ["212", "about 300", "96"]


def test_rows_move_by_buttons_and_by_keys(page, own_site):
    row(page, "title").get_by_role("button", name="Move down").click()
    expect(page.locator(".dynamo-row").first.locator("[name$='-name']").first).to_have_value("pages")
    expect(plan(page)).to_contain_text("reorder field dynamic.Book.title", timeout=WITHIN)
    row(page, "title").locator("[name$='-name']").first.press("Alt+ArrowUp")
    expect(page.locator(".dynamo-row").first.locator("[name$='-name']").first).to_have_value("title")
    expect(plan(page)).to_contain_text("There is nothing to do", timeout=WITHIN)


def test_rows_are_dragged_to_their_place(page, own_site):
    def drag(name, onto):
        source = row(page, name).locator(".dynamo-handle").bounding_box()
        target = row(page, onto).bounding_box()
        page.mouse.move(source["x"] + 4, source["y"] + 4)
        page.mouse.down()
        page.mouse.move(target["x"] + 4, target["y"] + target["height"] - 4, steps=5)
        page.mouse.up()

    def names():
        return [
            box.input_value()
            for box in page.locator(".dynamo-rows > li input[name$='-name']:not([name$=verbose_name])").all()
        ]

    page.set_viewport_size({"width": 1280, "height": 1600})
    drag("title", "pages")
    assert names() == ["pages", "title", ""]
    expect(page.locator("#dynamo-moved")).to_have_text("Moved to place 2")
    expect(plan(page)).to_contain_text("reorder field dynamic.Book.title", timeout=WITHIN)
    plan(page).get_by_role("button", name="Apply and continue editing").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    assert names() == ["pages", "title", ""]


def test_two_browsers_that_edit_the_same_field_get_a_three_way_view(browser, page, own_site, book):
    other = opened(browser, own_site, book)
    for one, text in ((page, "mine"), (other, "theirs")):
        row(one, "title").locator("summary").click()
        fill(row(one, "title"), help=text)
    other.locator(".submit-row").get_by_role("button", name="Save").click()
    expect(other.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    page.locator(".submit-row").get_by_role("button", name="Save").click()
    conflict = page.locator(".dynamo-conflicts")
    for text in ("It was base", "Take theirs: theirs", "Keep yours: mine"):
        expect(conflict).to_contain_text(text, timeout=WITHIN)
    conflict.get_by_label("Keep yours").check()
    page.locator(".submit-row").get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)
    assert own_site.writer.run("dynamo.catch_up()\ntitle.refresh_from_db()\nanswer = title.help") == "mine"
    assert other.problems == []


def test_a_model_with_many_fields_fits_into_one_form(page, own_site, book):
    own_site.writer.change(
        "with dynamo.batch():\n"
        "  for n in range(80): MetaField.objects.create(meta_model=book, name=f'f{n}', type='CharField')"
    )
    page.goto(book)
    fill(row(page, "f70"), name="renamed")
    expect(plan(page)).to_contain_text("rename field dynamic.Book.f70 to renamed", timeout=WITHIN)
    plan(page).get_by_role("button", name="Apply this plan").click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully", timeout=WITHIN)


def test_a_row_is_put_back_as_it_was(page):
    fill(row(page, "title"), name="label")
    row(page, "title").get_by_role("button", name="Undo: title").click()
    expect(page.locator("#id_fields-0-name")).to_have_value("title", timeout=WITHIN)


def test_what_was_typed_before_the_module_came_is_planned(browser, own_site, book):
    page = opened(browser, own_site, "/admin/")
    held = []
    page.route("**/dynamo/editor.js", lambda route: held.append(route))
    page.goto(book, wait_until="commit")
    page.fill("#id_fields-0-name", "heading")
    expect(page.locator("#plan")).not_to_contain_text("heading")
    held[0].continue_()
    expect(page.locator("#plan")).to_contain_text("dynamic.Book.title to heading", timeout=WITHIN)
    assert page.problems == []
    page.close()
