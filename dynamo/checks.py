"""System checks: the project's settings and set-up, with the fix in each hint."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.utils.module_loading import import_string

from projections import conf
from projections.stream import redis_news

MIDDLEWARE = "dynamo.middleware.DynamoMiddleware"


def register_all() -> None:
    for check in (
        check_settings,
        check_paths,
        check_middleware,
        check_apps,
        check_database,
        check_servers,
        check_redis,
        check_streaming,
    ):
        checks.register(check, "dynamo")


def check_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.E001: unknown setting. dynamo.E002: setting of the wrong type."""
    found: list[checks.CheckMessage] = []
    for name, value in conf.given().items():
        setting = conf.BY_NAME.get(name)
        if setting is None:
            close = get_close_matches(name, conf.BY_NAME, n=1)
            hint = f"Did you mean {close[0]}?" if close else "See the settings reference."
            found.append(checks.Error(f"{name} is not a setting of Dynamo.", hint=hint, id="dynamo.E001"))
        elif not isinstance(value, setting.type):
            hint = f"Its default is {setting.default!r}."
            message = f"{name} is {value!r}, which is not of the right type."
            found.append(checks.Error(message, hint=hint, id="dynamo.E002"))
    return found


def check_paths(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.E003: a dotted path in DYNAMO_FIELD_TYPES or DYNAMO_MODEL_BASES cannot be imported."""
    found: list[checks.CheckMessage] = []
    for name in ("DYNAMO_FIELD_TYPES", "DYNAMO_MODEL_BASES"):
        for key, path in dict(conf.get(name)).items():
            try:
                import_string(path)
            except ImportError as error:
                message = f"{name}[{key!r}] names {path!r}, which cannot be imported: {error}"
                found.append(checks.Error(message, hint="Correct the dotted path.", id="dynamo.E003"))
    return found


def check_middleware(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.W001: without the middleware a process does not follow other processes' changes."""
    if MIDDLEWARE in django_settings.MIDDLEWARE:
        return []
    hint = f"Add {MIDDLEWARE!r} to MIDDLEWARE, after the authentication middleware."
    return [checks.Warning("DynamoMiddleware is not installed.", hint=hint, id="dynamo.W001")]


def check_apps(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.E005: an app that Dynamo needs, or the default app label, is not installed."""
    found: list[checks.CheckMessage] = []
    for name in ("django_eventstream", "events", "projections"):
        if not apps.is_installed(name):
            hint = f"Add {name!r} to INSTALLED_APPS."
            found.append(checks.Error(f"{name} is not installed.", hint=hint, id="dynamo.E005"))
    if conf.default_app() not in apps.app_configs:
        message = f"DYNAMO_DEFAULT_APP is {conf.default_app()!r}, which no app has as its label."
        hint = "Name an installed app's label, or list it in DYNAMO_APPS."
        found.append(checks.Error(message, hint=hint, id="dynamo.E005"))
    return found


def check_database(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.E004: DYNAMO_DATABASE is not where Django would put the registry's models."""
    from dynamo.models import MetaModel

    if router.db_for_write(MetaModel) == conf.database():
        return []
    hint = 'Add "dynamo.router.DynamoRouter" to DATABASE_ROUTERS.'
    message = f"DYNAMO_DATABASE is {conf.database()!r}, but models are routed elsewhere."
    return [checks.Error(message, hint=hint, id="dynamo.E004")]


def check_servers(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.W002: EVENTSTREAM_REDIS makes django-eventstream publish by itself, past the log."""
    if not hasattr(django_settings, "EVENTSTREAM_REDIS"):
        return []
    hint = "Remove EVENTSTREAM_REDIS; Dynamo's stream reads the log."
    return [checks.Warning("EVENTSTREAM_REDIS is set.", hint=hint, id="dynamo.W002")]


def check_redis(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.E006: DYNAMO_REDIS_URL is no address of a Redis, or the package redis is not installed."""
    url = conf.get("DYNAMO_REDIS_URL")
    try:
        if isinstance(url, str) and url:
            redis_news.client(url)
    except (ImproperlyConfigured, ValueError) as error:
        hint = "Name one as redis://host:6379, or leave the setting empty."
        return [checks.Error(f"DYNAMO_REDIS_URL cannot be used: {error}", hint=hint, id="dynamo.E006")]
    return []


def check_streaming(**kwargs: Any) -> list[checks.CheckMessage]:
    """dynamo.I001: runserver is a WSGI server, which cannot stream; the live page polls there."""
    # Daphne replaces the command by one that can.
    if sys.argv[1:2] != ["runserver"] or apps.is_installed("daphne"):
        return []
    hint = (
        "Serve with uvicorn, and static files with staticfiles_urlpatterns() in the URLs as the quickstart "
        "does; or add 'daphne' to INSTALLED_APPS and set ASGI_APPLICATION."
    )
    message = "This server cannot stream schema events: streams answer 503, and the live page polls."
    return [checks.Info(message, hint=hint, id="dynamo.I001")]
