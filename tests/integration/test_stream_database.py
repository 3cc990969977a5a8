"""A database server that is restarted while subscribers follow: they wait for it, and miss nothing."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest
from django.db import connection

from tests import servers
from tests.acceptance.site import ROOT, Server, Writer
from tests.integration.followers import Subscriber

pytestmark = pytest.mark.needs("server")

NAMES = {"postgresql": "postgres", "mysql": "mariadb"}
CREATE = {
    "postgres": """
import os, psycopg
at = os.environ["DYNAMO_TEST_POSTGRES"]
psycopg.connect(f"{at}/postgres", autocommit=True).execute("CREATE DATABASE own")
""",
    "mariadb": """
import os, MySQLdb
from urllib.parse import urlsplit
at = urlsplit(os.environ["DYNAMO_TEST_MARIADB"])
MySQLdb.connect(host=at.hostname, port=at.port, user=at.username, password=at.password).query(
    "CREATE DATABASE own CHARACTER SET utf8mb4")
""",
}
PREPARE = """
from django.core.management import call_command
from django.contrib.auth.models import User
from django.db import connection
import dynamo
from dynamo.models import MetaModel
call_command("migrate", verbosity=0)
answer = dynamo.stream_token(User.objects.create_superuser("service"))
"""
MAKE = "connection.close(); MetaModel.objects.create(name={!r})"


def test_restarted_database_costs_nobody_an_event(tmp_path):
    name = NAMES[connection.vendor]
    kind = servers.SERVERS[name]
    with ExitStack() as stack:
        database = stack.enter_context(servers.running(kind, durable=True))
        environment = os.environ | {
            f"DYNAMO_TEST_{name.upper()}": database.url,
            "DYNAMO_TEST_FOLDER": str(tmp_path),
            "DYNAMO_TEST_NAME": "own",
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.served_settings",
            "PYTHONPATH": str(ROOT),
        }
        creator = Writer(environment)
        creator.run(CREATE[name])
        creator.close()
        writer = Writer(environment)
        stack.callback(writer.close)
        token = writer.run(PREPARE)
        server = Server(environment, application="tests.acceptance.asgi:application")
        stack.callback(server.close)
        subscriber = Subscriber(server.url, token)
        subscriber.upto(writer.change(MAKE.format("Before")))
        for round_ in range(2):
            servers.end(database.process, kind.stop)
            # This one finds a server that cannot answer, and comes again.
            late = Subscriber(server.url, token)
            database.process = database.again()
            end = writer.change(MAKE.format(f"After{round_}"))
            for one in (subscriber, late):
                one.upto(end)
                assert one.positions == list(range(1, end + 1))
        assert any("tries again" in line or "no news" in line for line in server.output)
