"""Generated models that migrations of hand-written ones name: also those that the code names no more."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
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
    for field in _fields(_operations()):
        target = getattr(field.remote_field, "model", None)
        if isinstance(target, str) and "." in target:
            app, _dot, name = target.partition(".")
            if app in labels:
                found.add((app, name.lower()))
    return found


def _operations() -> Iterator[Any]:
    """Nothing is imported for it: what no command loaded, no command needs."""
    homes = {
        settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
        for config in apps.app_configs.values()
    }
    for name, module in list(sys.modules.items()):
        if name.rpartition(".")[0] in homes:
            yield from getattr(getattr(module, "Migration", None), "operations", ())


def _fields(operations: Iterable[Any]) -> Iterator[models.Field[Any, Any]]:
    """Of Django's own operations, and of those inside of others; projects may have any other."""
    for operation in operations:
        yield from _fields(getattr(operation, "state_operations", ()))
        pairs = getattr(operation, "fields", ())
        given = [pair[-1] for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]
        for field in (*given, getattr(operation, "field", None)):
            if isinstance(field, models.Field):
                yield field
