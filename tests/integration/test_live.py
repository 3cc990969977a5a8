"""The live page: who gets it, what it holds, and that nothing in it is inline."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.utils.html import escape

import dynamo
from dynamo import checks
from dynamo.models import MetaField, MetaModel

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "/dynamo/live/"
RECENT = "/dynamo/live/events/"


@pytest.fixture
def follower(client):
    user = User.objects.create_user("follower", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="follow_stream"))
    client.force_login(user)
    return user


def test_anonymous_visitor_is_sent_to_the_login_of_the_admin(client):
    answer = client.get(LIVE)
    assert (answer.status_code, answer.url) == (302, "/admin/login/?next=/dynamo/live/")


def test_user_without_the_permission_is_forbidden(client):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(LIVE).status_code == 403


def test_page_begins_at_the_position_of_its_own_reading(client, follower):
    assert 'data-head="0"' in client.get(LIVE).text
    MetaModel.objects.create(name="Book")
    page = client.get(LIVE).text
    assert 'data-stream="/dynamo/events/"' in page
    assert 'data-head="1"' in page


def test_page_of_a_model_and_a_kind_follows_these_only(client, follower):
    MetaModel.objects.create(name="Book")
    page = client.get(LIVE, {"model": "dynamic.Book", "kind": "post_field_creation"}).text
    assert 'data-stream="/dynamo/events/?model=dynamic.Book&amp;kind=post_field_creation"' in page
    assert '<option value="post_field_creation" selected>' in page


@pytest.mark.parametrize("unknown", [{"model": "dynamic.Nothing"}, {"kind": "<script>"}, {"model": "<b>"}])
def test_filter_for_what_is_not_there_says_so_and_is_left_out(client, follower, unknown):
    page = client.get(LIVE, unknown).text
    (text,) = unknown.values()
    assert f"{escape(text)} is not there, and was left out." in page
    assert 'data-stream="/dynamo/events/"' in page
    assert "<b>" not in page


def test_viewer_of_a_model_has_its_page_and_no_other(client):
    for name in ("Book", "Shelf"):
        MetaModel.objects.create(name=name)
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_book"))
    client.force_login(user)
    found = [
        client.get(LIVE, query).status_code
        for query in ({"model": "dynamic.Book"}, {"model": "dynamic.Shelf"}, {})
    ]
    assert found == [200, 403, 403]


def test_snippets_have_the_address_of_what_is_followed(client, follower):
    MetaModel.objects.create(name="Book")
    page = client.get(LIVE, {"model": "dynamic.Book"}).text
    assert page.count("http://testserver/dynamo/events/?model=dynamic.Book") == 3
    assert "http://testserver/static/dynamo/stream.js" in page


def test_events_can_be_asked_for_where_no_stream_can_be_sent(client, follower):
    book = MetaModel.objects.create(name="Book")
    MetaField.objects.create(meta_model=book, name="title", type="TextField")
    assert 'data-mode="poll"' in client.get(LIVE).text
    found = client.get(RECENT, {"from": 0}).json()
    assert [(one["name"], one["data"]["position"]) for one in found["events"]] == [
        ("post_model_creation", 1),
        ("post_field_creation", 2),
    ]
    assert (found["position"], found["reset"]) == (2, False)
    assert client.get(RECENT, {"from": 2}).json()["events"] == []
    few = client.get(RECENT, {"from": 0, "kind": "field.added"}).json()
    assert [one["data"]["field"] for one in few["events"]] == ["title"]
    assert client.get(RECENT, {"from": 9}).json() == {"position": 2, "reset": True, "events": []}


def test_asking_for_events_has_the_rights_and_refusals_of_the_stream(client, django_user_model):
    assert client.get(RECENT).status_code == 401
    client.force_login(django_user_model.objects.create_user("staff", is_staff=True))
    assert client.get(RECENT).status_code == 403
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get(RECENT, {"from": "x"}).status_code == 400
    assert client.post(RECENT).status_code == 405


def test_long_histories_are_asked_for_page_by_page(client, follower):
    with dynamo.batch():
        wide = MetaModel.objects.create(name="Wide")
        for number in range(110):
            MetaField.objects.create(meta_model=wide, name=f"f{number}", type="TextField")
    first = client.get(RECENT, {"from": 0}).json()
    rest = client.get(RECENT, {"from": first["position"]}).json()
    positions = [one["data"]["position"] for page in (first, rest) for one in page["events"]]
    assert positions == list(range(1, 112))


def test_page_has_nothing_inline_and_forbids_it(client, follower):
    answer = client.get(LIVE)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    scripts = re.findall(r"<script([^>]*)>", answer.text)
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", answer.text)


def test_static_files_of_another_host_are_allowed_by_the_policy(client, follower, settings):
    settings.STATIC_URL = "https://cdn.example.com/static/"
    policy = client.get(LIVE).headers["Content-Security-Policy"]
    assert "script-src 'self' https://cdn.example.com;" in policy
    assert "connect-src 'self';" in policy


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_page_is_only_read(client, follower, method):
    assert getattr(client, method)(LIVE).status_code == 405


def test_check_says_that_runserver_cannot_stream(monkeypatch, settings):
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    assert checks.check_streaming() == []
    monkeypatch.setattr("sys.argv", ["manage.py", "runserver", "8000"])
    (found,) = checks.check_streaming()
    assert (found.id, "uvicorn" in str(found.hint)) == ("dynamo.I001", True)
