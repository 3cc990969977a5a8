"""Redis is told after the commit; what is wrong with it costs no save."""

from __future__ import annotations

import pytest
from django.db import transaction

from dynamo import checks
from dynamo.models import MetaModel
from projections.stream import redis_news, wakes
from tests import redis

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard(tmp_path, settings):
    """What a running Redis was told, in messages."""
    with redis.running(tmp_path) as server:
        settings.DYNAMO_REDIS_URL = server.url
        with redis_news.client(server.url) as client, client.pubsub() as channel:
            channel.subscribe("dynamo_events")
            assert channel.get_message(timeout=5)["type"] == "subscribe"
            yield lambda: channel.get_message(timeout=0.2)


@pytest.mark.needs("ddl in atomic")
def test_redis_is_told_once_after_the_commit_and_not_of_what_is_rolled_back(heard):
    with transaction.atomic():
        MetaModel.objects.create(name="Book")
        assert heard() is None
    assert heard()["data"] == b""
    assert heard() is None
    with transaction.atomic():
        MetaModel.objects.create(name="Gone")
        transaction.set_rollback(True)
    assert heard() is None


def test_redis_that_does_not_answer_is_left_alone_for_a_while(settings, tmp_path, caplog):
    settings.DYNAMO_REDIS_URL = redis.Redis(tmp_path).url
    for name in ("One", "Two", "Three"):
        MetaModel.objects.create(name=name)
    assert [record.message for record in caplog.records if "leaving it alone" in record.message] != []
    assert len(caplog.records) == 1
    assert MetaModel.objects.count() == 3


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://host:port"])
def test_address_that_is_none_is_reported_and_costs_no_save(settings, url, caplog):
    settings.DYNAMO_REDIS_URL = url
    (error,) = checks.check_redis()
    assert (error.id, "cannot be used" in error.msg) == ("dynamo.E006", True)
    MetaModel.objects.create(name="Book")
    assert "DYNAMO_REDIS_URL cannot be used" in caplog.text


def test_missing_package_is_reported_with_how_to_install_it(settings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    settings.DYNAMO_REDIS_URL = "redis://127.0.0.1"
    (error,) = checks.check_redis()
    assert "pip install 'django-dynamo-registry[redis]'" in error.msg


def test_without_the_setting_nothing_is_told_and_nothing_reported(settings):
    settings.DYNAMO_REDIS_URL = ""
    assert checks.check_redis() == []
    wakes.wake()
