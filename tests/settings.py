"""Settings of the test project, on the database that DYNAMO_TEST_DB names: sqlite, postgres or mariadb.

The servers are those that DYNAMO_TEST_POSTGRES and DYNAMO_TEST_MARIADB name; `tests.servers` starts them.
A process that a test starts finds its own folder and database in DYNAMO_TEST_FOLDER and DYNAMO_TEST_NAME.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def _folder() -> Path:
    """Return the folder of this run's files, made anew unless a parent process names its own."""
    named = os.environ.get("DYNAMO_TEST_FOLDER")
    if named:
        return Path(named)
    folder = Path(tempfile.mkdtemp(prefix="dynamo-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _database(kind: str) -> dict[str, Any]:
    """Describe the database; its name is this run's own, so that runs side by side do not collide."""
    if kind == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("DYNAMO_TEST_NAME") or FOLDER / "main.sqlite3",
            "OPTIONS": {"timeout": 20},
            # A file keeps Django from using memory, which no second process can open.
            "TEST": {"NAME": FOLDER / "test.sqlite3"},
        }
    engine = {"postgres": "django.db.backends.postgresql", "mariadb": "django.db.backends.mysql"}[kind]
    variable = f"DYNAMO_TEST_{kind.upper()}"
    if variable not in os.environ:
        raise ImproperlyConfigured(f"{variable} names no server: run `python -m tests.servers {kind} -- ...`")
    url = urlsplit(os.environ[variable])
    own = FOLDER.name.replace("-", "_")
    return {
        "ENGINE": engine,
        "NAME": os.environ.get("DYNAMO_TEST_NAME") or own,
        "HOST": url.hostname,
        "PORT": url.port,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "TEST": {"NAME": f"test_{own}", **({"CHARSET": "utf8mb4"} if kind == "mariadb" else {})},
    }


FOLDER = _folder()

SECRET_KEY = "tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"
MEDIA_ROOT = FOLDER / "media"
# The slowest part of a test that logs in would be the hash.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES = {"default": _database(os.environ.get("DYNAMO_TEST_DB") or "sqlite")}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_eventstream",
    "events",
    "projections",
    "dynamo",
    "tests.library",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "dynamo.middleware.DynamoMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
