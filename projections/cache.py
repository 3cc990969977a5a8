"""Django's own records of a model: its ContentType and permissions, and the process's cache of them."""

from __future__ import annotations

from typing import Any

from django.apps import apps

from events.schema import ModelSchema
from projections import classes
from projections.transition import Change, Transition

ACTIONS = ("add", "change", "delete", "view")


def project_shared(transition: Transition, using: str) -> None:
    """Make, rename and keep ContentTypes and permissions, in the transaction of the change.

    A retired model keeps its own: log entries and grants are there again when it is restored.
    """
    if not apps.is_installed("django.contrib.contenttypes"):
        return
    for _, change in transition.shaped():
        if change.live_after is not None:
            _content_type(change, change.live_after, using)
        elif change.after is None and change.before is not None:
            _remove(change.before, using)


def project_local(transition: Transition) -> None:
    """Forget cached ContentTypes: their ids and names may be another transaction's."""
    if apps.is_installed("django.contrib.contenttypes") and any(True for _ in transition.shaped()):
        _content_types().clear_cache()


def _content_type(change: Change, after: ModelSchema, using: str) -> None:
    before = change.before
    manager = _content_types().using(using)
    if before is not None and before.key != after.key:
        # The same row under its new name keeps log entries, grants and generic relations.
        manager.filter(app_label=after.key[0], model=after.key[1]).delete()
        manager.filter(app_label=before.key[0], model=before.key[1]).update(
            app_label=after.key[0], model=after.key[1]
        )
    elif before is not None and not before.retired and _names(before) == _names(after):
        return
    found, _ = manager.get_or_create(app_label=after.key[0], model=after.key[1])
    if apps.is_installed("django.contrib.auth"):
        _permissions(found, before, after, using)


def _permissions(content_type: Any, before: ModelSchema | None, after: ModelSchema, using: str) -> None:
    from django.contrib.auth.models import Permission

    rows = Permission.objects.using(using)
    for action in ACTIONS:
        named = {"name": f"Can {action} {classes.verbose_name(after)}"[:255]}
        codename = f"{action}_{after.key[1]}"
        if before is not None and before.key != after.key:
            old = rows.filter(content_type=content_type, codename=f"{action}_{before.key[1]}")
            old.update(codename=codename)
        rows.update_or_create(content_type=content_type, codename=codename, defaults=named)


def _remove(before: ModelSchema, using: str) -> None:
    _content_types().using(using).filter(app_label=before.key[0], model=before.key[1]).delete()


def _names(schema: ModelSchema) -> tuple[Any, ...]:
    return schema.key, classes.verbose_name(schema)


def _content_types() -> Any:
    from django.contrib.contenttypes.models import ContentType

    return ContentType.objects
