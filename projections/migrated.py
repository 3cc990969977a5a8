"""Generated models that migrations of hand-written ones name: also those that the code names no more."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from events.names import Key


def references(labels: Collection[str]) -> set[Key]:
    """What loaded migrations refer to by name, of these labels.

    Django renders every state that the migrations of a project go through, and needs the models in each.
    """
    found = set()
    for operation in _operations():
        for field in _fields(operation):
            target = getattr(field.remote_field, "model", None)
            if isinstance(target, str) and "." in target:
                app, _dot, name = target.partition(".")
                if app in labels:
                    found.add((app, name.lower()))
    return found


def _operations() -> Iterator[Any]:
    for config in apps.app_configs.values():
        home = settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
        # Nothing is imported here: what no command loaded, no command needs.
        if home is None or home not in sys.modules:
            continue
        for name, module in list(sys.modules.items()):
            if name.startswith(f"{home}."):
                yield from getattr(getattr(module, "Migration", None), "operations", ())


def _fields(operation: Any) -> Iterator[models.Field[Any, Any]]:
    given = [field for _name, field in getattr(operation, "fields", ())]
    for field in (*given, getattr(operation, "field", None)):
        if isinstance(field, models.Field):
            yield field
