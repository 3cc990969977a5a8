"""A served copy of the test project: a database of its own, a server process, a writer process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
DATABASE = "main.sqlite3"
PASSWORD = "correct horse"

PREPARE = f"""
import sqlite3
from django.conf import settings
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
User.objects.create_superuser("admin", password={PASSWORD!r})
from django.db import connection
connection.close()
database = sqlite3.connect(settings.DATABASES["default"]["NAME"])
database.execute("PRAGMA journal_mode=WAL")
database.close()
"""

IMPORTS = """
import dynamo
from django.contrib.auth.models import Permission, User
from django.db import transaction
from dynamo.models import MetaField, MetaModel
"""


def log_in(client: httpx.Client, user: str) -> None:
    client.get("/admin/login/").raise_for_status()
    form = {"username": user, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    assert client.post("/admin/login/?next=/", data=form).status_code == 302


class Writer:
    """A process that runs Python code on the database, one piece after the other."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.acceptance.writer"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)

    def run(self, code: str) -> Any:
        """Run the code; return what it left in the name `answer`."""
        return self._ask(code)["answer"]

    def change(self, code: str) -> int:
        """Run the code; return the position of the head after it."""
        return int(self._ask(code)["head"])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, code: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert answer["error"] is None, answer["error"]
        return answer


class Server:
    """A uvicorn process, ready when this is made. `url` stays the same through `restart`."""

    def __init__(
        self,
        environment: dict[str, str],
        port: int = 0,
        application: str = "tests.acceptance.asgi:application",
    ) -> None:
        self.environment = environment
        self.output: list[str] = []
        command = [sys.executable, "-m", "uvicorn", application]
        options = f"--port {port} --lifespan off --no-access-log".split()
        self.process = subprocess.Popen(
            [*command, *options], env=environment, stderr=subprocess.PIPE, text=True
        )
        self.url = self._await_ready()
        # A full pipe would stop the server.
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def restart(self) -> Server:
        return Server(self.environment, int(self.url.rpartition(":")[2]))

    def end(self, number: signal.Signals, within: float = 10) -> int:
        """Send a signal, and wait until the process is gone."""
        self.process.send_signal(number)
        code = self.process.wait(within)
        self._reader.join(within)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _await_ready(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.output.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                return found[1]
        raise AssertionError(f"the server ended with {self.process.wait()}:\n{''.join(self.output)}")

    def _read_on(self) -> None:
        assert self.process.stderr is not None
        self.output.extend(self.process.stderr)


class Site:
    """The database in its folder, with the processes that use it; `close` ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.served_settings",
            "DYNAMO_TEST_FOLDER": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.servers: list[Server] = []
        self.writer = Writer(self.environment)

    @classmethod
    def copied(cls, template: Path, folder: Path) -> Site:
        """A site on a copy of a database, with its server running."""
        shutil.copyfile(template / DATABASE, folder / DATABASE)
        site = cls(folder)
        site.serve()
        site.writer.run(IMPORTS)
        return site

    @property
    def server(self) -> Server:
        return self.servers[-1]

    def serve(self) -> Server:
        self.servers.append(self.servers[-1].restart() if self.servers else Server(self.environment))
        return self.server

    @contextmanager
    def client(self, user: str = "") -> Iterator[httpx.Client]:
        """A client, logged in through the admin's form if a user is named."""
        with httpx.Client(base_url=self.server.url, timeout=10) as client:
            if user:
                log_in(client, user)
            yield client

    @contextmanager
    def wsgi(self) -> Iterator[str]:
        """The address of a server that cannot stream."""
        url = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "django", "runserver", "--noreload", "--insecure", url[7:]]
        out = subprocess.DEVNULL
        process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
                client.get(f"{url}/admin/login/", timeout=60).raise_for_status()
            yield url
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        self.writer.close()
        for server in self.servers:
            server.close()
