"""What twins do. Each function gets ready and returns what is done again and again."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment

from dynamo.models import MetaModel
from tests.benchmarks import subjects

# So many models take the changes in turns.
CHANGING: Final = 10


def store() -> Callable[[], object]:
    """Save a field, then a row with a value in it."""
    metas = itertools.cycle(subjects.generated(CHANGING))
    return lambda: stored(next(metas))


def stored(meta: MetaModel) -> None:
    field = subjects.new_field(meta)
    field.save()
    rows: Any = meta.get_model()
    rows._default_manager.create(**{field.name: 1})


def changelist() -> Callable[[], object]:
    """The page that lists the rows of a model."""
    setup_test_environment()
    (meta,) = subjects.generated(1)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return partial(shown, client, f"/admin/dynamic/{meta.name.lower()}/")


def shown(client: Client, url: str) -> None:
    assert client.get(url).status_code == 200


def migrate() -> Callable[[], object]:
    return partial(run, "-m", "django", "migrate", "--verbosity=0")


def makemigrations() -> Callable[[], object]:
    return partial(run, "-m", "django", "makemigrations", "--check", "--verbosity=0")


def run(*arguments: str) -> None:
    """Python with this process's database."""
    environment = {**os.environ, "DYNAMO_BENCH_NAME": str(connection.settings_dict["NAME"])}
    subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
