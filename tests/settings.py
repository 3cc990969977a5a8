"""Settings of the test project: SQLite in a file, so that processes started by tests can share it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def _folder() -> Path:
    """Return the folder of this run's files, made anew unless a parent process names its own."""
    named = os.environ.get("DYNAMO_TEST_FOLDER")
    if named:
        return Path(named)
    folder = Path(tempfile.mkdtemp(prefix="dynamo-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "main.sqlite3",
        "OPTIONS": {"timeout": 20},
        # A name of its own keeps Django from using memory, which no second process can open.
        "TEST": {"NAME": FOLDER / "test.sqlite3"},
    }
}

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
