from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ProjectionsConfig(AppConfig):
    """The default home of generated classes; it owns no tables and no migrations."""

    name = "projections"
    label = "dynamic"
    verbose_name = _("Dynamic models")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from projections import conf, lazy, pickling, pipeline, relations
        from projections.registry import registry

        pickling.install()
        lazy.install(registry, tuple(conf.get("DYNAMO_APPS")))
        if apps.is_installed("django.contrib.admin"):
            from projections import admin_site

            admin_site.install()
        for model in apps.get_models(include_auto_created=True):
            relations.track(model)
        # Listed too early for generated models that hand-written ones refer to: the log is read later.
        lazy.relist()
        registry.load = pipeline.load
        connection_created.connect(_first_connection, dispatch_uid="dynamo.first_connection")
        post_migrate.connect(_look_again, dispatch_uid="dynamo.look_again")


def _first_connection(connection: Any, **kwargs: object) -> None:
    """Know the schema before the first query, so that relations of generated models are there for it."""
    from projections import conf, pipeline
    from projections.registry import registry

    if connection.alias == conf.database() and not registry.loaded and apps.ready:
        pipeline.load()


def _look_again(using: str, **kwargs: object) -> None:
    """The database may be another one now (a test database, a restored backup, after flush)."""
    from projections import conf, pipeline

    if using == conf.database():
        pipeline.load()
