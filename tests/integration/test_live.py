"""The live page: who gets it, what it holds, and that nothing in it is inline."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User

from dynamo.models import MetaModel

pytestmark = pytest.mark.django_db(transaction=True)

LIVE = "/dynamo/live/"


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


def test_page_names_the_stream_from_the_position_of_its_own_reading(client, follower):
    assert 'data-stream="/dynamo/events/?from=0"' in client.get(LIVE).text
    MetaModel.objects.create(name="Book")
    page = client.get(LIVE).text
    assert 'data-stream="/dynamo/events/?from=1"' in page
    assert 'data-head="1"' in page


def test_page_lists_every_name_that_a_frame_can_have(client, follower):
    page = client.get(LIVE).text
    found = re.search(r'<script id="dynamo-frame-names" type="application/json">(.*?)</script>', page)
    assert found is not None
    for name in ("post_model_creation", "post_field_delete", "registry_rolled_back"):
        assert f'"{name}"' in found[1]


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
