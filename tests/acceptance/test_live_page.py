"""The live page in a real browser, with a real server."""

from __future__ import annotations

import json
import signal

import pytest
from playwright.sync_api import expect

from tests.acceptance.frames import following
from tests.acceptance.site import PASSWORD

pytestmark = pytest.mark.browser

WITHIN = 20_000


@pytest.fixture
def page(browser, own_site):
    """The live page, connected; fails for anything that the browser's console reports as an error."""
    context = browser.new_context(base_url=own_site.server.url)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on(
        "console", lambda m: page.problems.append(m.text) if "Content Security Policy" in m.text else None
    )
    page.goto("/dynamo/live/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.get_by_role("status")).to_have_text("live", timeout=WITHIN)
    yield page
    assert page.problems == []
    context.close()


def shown(page):
    return page.locator("#dynamo-live tbody tr")


def positions(page):
    return [row.get_attribute("data-position") for row in shown(page).all()]


def model(name: str) -> str:
    return f'm = MetaModel.objects.create(name="{name}")'


def test_events_appear_newest_first_as_they_come(page, own_site):
    own_site.writer.change(model("Book"))
    own_site.writer.change('MetaField.objects.create(meta_model=m, name="title", type="TextField")')
    newest = shown(page).first
    expect(newest).to_contain_text("post_field_creation", timeout=WITHIN)
    expect(newest).to_contain_text("dynamic.Book")
    expect(newest.locator("time")).to_have_attribute(
        "datetime", own_site.writer.run("answer = dynamo.history()[-1].recorded_at")
    )
    assert positions(page) == ["2", "1"]


def test_text_of_an_event_is_shown_and_never_run(page, own_site):
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    own_site.writer.change(f'm = MetaModel.objects.create(name="Book", description={hostile!r})')
    row = shown(page).first
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text(hostile, timeout=WITHIN)
    assert row.locator("img, script").count() == 0


def test_page_survives_a_killed_server_and_shows_each_event_once(page, own_site):
    own_site.writer.change(model("Before"))
    expect(shown(page)).to_have_count(1, timeout=WITHIN)
    own_site.server.end(signal.SIGKILL)
    expect(page.get_by_role("status")).to_have_text("reconnecting", timeout=WITHIN)
    own_site.writer.change(model("Meanwhile"))
    own_site.serve()
    expect(page.get_by_role("status")).to_have_text("live", timeout=WITHIN)
    own_site.writer.change(model("After"))
    expect(shown(page)).to_have_count(4, timeout=WITHIN)
    assert positions(page) == ["3", "2", None, "1"]


def test_page_keeps_the_newest_200_events(page, own_site):
    own_site.writer.change(
        "with dynamo.batch():\n"
        "  m = MetaModel.objects.create(name='Wide')\n"
        "  for n in range(210): MetaField.objects.create(meta_model=m, name=f'f{n}', type='TextField')"
    )
    expect(shown(page).first).to_have_attribute("data-position", "211", timeout=WITHIN)
    assert positions(page) == [str(n) for n in range(211, 11, -1)]


def test_page_says_when_the_permission_is_gone(page, own_site):
    own_site.writer.run("User.objects.update(is_active=False)")
    expect(page.get_by_role("status")).to_have_text("closed", timeout=WITHIN)
    expect(page.locator(".dynamo-live-note")).to_contain_text("log in")


def test_page_comes_back_when_a_busy_server_lets_it_in(page, own_site):
    """An answer that is no stream has the browser give up for good; the page does not."""
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps({"DYNAMO_STREAM_LIMIT": 1})
    own_site.server.end(signal.SIGKILL)
    status = page.get_by_role("status")
    expect(status).to_have_text("reconnecting", timeout=WITHIN)
    page.context.set_offline(True)
    own_site.serve()
    with own_site.client("admin") as client, following(client) as frames:
        with page.expect_response(lambda answer: answer.status == 503, timeout=WITHIN):
            page.context.set_offline(False)
        own_site.writer.change(model("Meanwhile"))
        frames.upto(1)
        expect(status).to_have_text("reconnecting")
    expect(status).to_have_text("live", timeout=WITHIN)
    assert positions(page) == ["1"]


def test_page_whose_user_was_logged_out_meanwhile_says_so_and_stops(page, own_site):
    own_site.server.end(signal.SIGKILL)
    expect(page.get_by_role("status")).to_have_text("reconnecting", timeout=WITHIN)
    own_site.writer.run("from django.contrib.sessions.models import Session; Session.objects.all().delete()")
    own_site.serve()
    expect(page.get_by_role("status")).to_have_text("closed", timeout=WITHIN)
    expect(page.locator(".dynamo-live-note")).to_contain_text("log in")


def test_page_goes_on_when_its_user_logs_in_anew(page, own_site):
    """The session gets another key, and the stream was opened with the former one."""
    other = page.context.new_page()
    other.goto("/admin/password_change/")
    other.fill("#id_old_password", PASSWORD)
    for name in ("new_password1", "new_password2"):
        other.fill(f"#id_{name}", f"{PASSWORD} and more")
    with page.expect_response(lambda answer: "/dynamo/events/" in answer.url, timeout=WITHIN):
        other.click("#content [type=submit]")
    expect(page.get_by_role("status")).to_have_text("live", timeout=WITHIN)
    own_site.writer.change(model("After"))
    expect(shown(page)).to_have_count(1, timeout=WITHIN)


def test_paused_page_keeps_what_comes_until_it_is_resumed(page, own_site):
    page.get_by_role("button", name="Pause").click()
    own_site.writer.change(model("Held") + "\n" + model("Too"))
    expect(page.locator(".dynamo-live-note")).to_have_text("2 events are waiting", timeout=WITHIN)
    assert positions(page) == []
    page.get_by_role("button", name="Resume").click()
    assert positions(page) == ["2", "1"]


def test_page_says_where_it_was_cut_off(page, own_site):
    own_site.writer.change(model("Before"))
    expect(shown(page)).to_have_count(1, timeout=WITHIN)
    own_site.server.end(signal.SIGKILL)
    own_site.writer.change(model("Meanwhile"))
    own_site.serve()
    expect(shown(page)).to_have_count(3, timeout=WITHIN)
    assert positions(page) == ["2", None, "1"]
    expect(shown(page).nth(1)).to_contain_text("Connected again")


def test_page_of_a_model_shows_its_events_only(page, own_site):
    own_site.writer.change(model("Book"))
    page.get_by_label("Model", exact=True).fill("dynamic.Book")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("status")).to_have_text("live", timeout=WITHIN)
    own_site.writer.change(
        model("Other") + '\nm = MetaModel.objects.get(name="Book"); m.description = "x"; m.save()'
    )
    expect(shown(page)).to_have_count(1, timeout=WITHIN)
    assert positions(page) == ["3"]


def test_page_asks_again_and_again_where_the_server_cannot_stream(browser, own_site):
    with own_site.wsgi() as url, browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.goto("/dynamo/live/")
        page.fill("#id_username", "admin")
        page.fill("#id_password", PASSWORD)
        page.click("[type=submit]")
        expect(page.get_by_role("status")).to_have_text("polling", timeout=WITHIN)
        own_site.writer.change(model("Book") + '\nm.description = "x"; m.save()')
        expect(shown(page)).to_have_count(2, timeout=WITHIN)
        assert positions(page) == ["2", "1"]
        own_site.writer.run("User.objects.update(is_active=False)")
        expect(page.get_by_role("status")).to_have_text("closed", timeout=WITHIN)
