"""A database router for projects that keep the registry in another database than "default"."""

from __future__ import annotations

from typing import Any, Final

from projections import conf

LABELS: Final = frozenset({"dynamo", "dynamo_events"})


class DynamoRouter:
    """Sends the registry's models and all generated ones to DYNAMO_DATABASE; says nothing about others."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return conf.database() if _ours(model) else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return conf.database() if _ours(model) else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == conf.database() if app_label in LABELS else None


def _ours(model: Any) -> bool:
    owner = model._meta.auto_created or model
    return model._meta.app_label in LABELS or bool(getattr(owner, "dynamo_id", ""))
