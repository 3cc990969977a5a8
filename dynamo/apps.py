from __future__ import annotations

import importlib
from pathlib import Path

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class DynamoConfig(AppConfig):
    name = "dynamo"
    label = "dynamo"
    verbose_name = _("Dynamo schema registry")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        refuse_shadowed()
        from dynamo import checks, recovery
        from projections import pipeline

        checks.register_all()
        pipeline.heal = recovery.heal


def refuse_shadowed() -> None:
    """The packages `events` and `projections` have plain names: say so if a foreign one is found first."""
    home = Path(__file__).resolve().parent.parent
    for name in ("events", "projections"):
        module = importlib.import_module(name)
        found = Path(module.__file__ or "").resolve()
        if found.parent.parent != home:
            raise ImproperlyConfigured(
                f"the package {name!r} of Dynamo is shadowed by {found}; rename or move that package"
            )
