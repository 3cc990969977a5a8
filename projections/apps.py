from __future__ import annotations

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ProjectionsConfig(AppConfig):
    """The default home of generated classes; it owns no tables and no migrations."""

    name = "projections"
    label = "dynamic"
    verbose_name = "Dynamic models"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from projections import conf, lazy, pipeline
        from projections.registry import registry

        lazy.install(registry, tuple(conf.get("DYNAMO_APPS")))
        if apps.is_installed("django.contrib.admin"):
            from projections import admin_site

            admin_site.install()
        post_migrate.connect(_look_again, dispatch_uid="dynamo.look_again")
        assert pipeline.load is registry.load


def _look_again(using: str, **kwargs: object) -> None:
    """The database may be another one now (a test database, a restored backup, after flush)."""
    from projections import conf, pipeline

    if using == conf.database():
        pipeline.load()
