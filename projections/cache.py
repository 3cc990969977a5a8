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

    The rows follow a model under any name: log entries, grants and generic relations stay its own. A
    retired model's are put aside under its tombstone name, so that no new model of the old name gets its
    grants. Names are given up before any is taken, because models may swap theirs.
    """
    if not apps.is_installed("django.contrib.contenttypes"):
        return
    shaped = [change for _, change in transition.shaped() if _concerns(change)]
    held = {id(change): _content_type(change.before, using) for change in shaped}
    moving = [
        change
        for change in shaped
        if held[id(change)] is not None and _name(change.before) != _name(change.after)
    ]
    for change in moving:
        _rename(held[id(change)], ("zz", f"zz_{held[id(change)].pk}"))
    for change in moving:
        _follow(held[id(change)], _name(change.before), _name(change.after))
    for change in shaped:
        if change.live_after is not None:
            _complete(change.live_after, held[id(change)], using)


def _concerns(change: Change) -> bool:
    """Most changes are of fields, and leave the model's names as they are."""
    before, after = change.before, change.after
    if before is None or after is None:
        return True
    return _name(before) != _name(after) or _texts(before) != _texts(after)


def _follow(content_type: Any, old: tuple[str, str] | None, new: tuple[str, str] | None) -> None:
    if new is None or old is None:
        content_type.delete()
        return
    _rename(content_type, new)
    if apps.is_installed("django.contrib.auth"):
        _rename_permissions(content_type, old[1], new[1])


def _name(schema: ModelSchema | None) -> tuple[str, str] | None:
    """Under which label and name a model's ContentType stands."""
    if schema is None:
        return None
    return (schema.app, schema.db_table) if schema.retired else schema.key


def _content_type(schema: ModelSchema | None, using: str) -> Any:
    name = _name(schema)
    if name is None:
        return None
    return _content_types().using(using).filter(app_label=name[0], model=name[1]).first()


def _rename(content_type: Any, name: tuple[str, str] | None) -> None:
    assert name is not None
    # A row that stands in the way belongs to no model: the live ones have given their names up.
    rows = type(content_type).objects.using(content_type._state.db)
    rows.filter(app_label=name[0], model=name[1]).exclude(pk=content_type.pk).delete()
    content_type.app_label, content_type.model = name
    content_type.save(update_fields=["app_label", "model"])


def _complete(after: ModelSchema, content_type: Any, using: str) -> None:
    """Make what is missing, and name permissions after the model's present name."""
    if content_type is None:
        name = after.key
        content_type, _ = _content_types().using(using).get_or_create(app_label=name[0], model=name[1])
    if apps.is_installed("django.contrib.auth"):
        _permissions(content_type, after, using)


def project_local(transition: Transition) -> None:
    """Forget the cached ContentTypes of models that came, went or have another name."""
    if not apps.is_installed("django.contrib.contenttypes"):
        return
    for _, change in transition.shaped():
        if _name(change.before) != _name(change.after):
            _forget(_name(change.before))
            _forget(_name(change.after))


def forget() -> None:
    """Forget all of them, as when nothing is known of what came before."""
    if apps.is_installed("django.contrib.contenttypes"):
        _content_types().clear_cache()


def _forget(name: tuple[str, str] | None) -> None:
    """Their ids and names may be another transaction's. Django keeps each under its name and its id."""
    for known in list(_content_types()._cache.values()):
        # A process that is behind may have another row under the name than under the former id.
        for key, found in list(known.items()):
            if (found.app_label, found.model) == name:
                known.pop(key, None)


def _permissions(content_type: Any, after: ModelSchema, using: str) -> None:
    from django.contrib.auth.models import Permission

    for action in ACTIONS:
        named = {"name": f"Can {action} {classes.verbose_name(after)}"[:255]}
        Permission.objects.using(using).update_or_create(
            content_type=content_type, codename=f"{action}_{after.key[1]}", defaults=named
        )


def _rename_permissions(content_type: Any, old: str, new: str) -> None:
    """Codenames carry the model's name: a retired model's must not be those of a new one."""
    from django.contrib.auth.models import Permission

    rows = Permission.objects.using(content_type._state.db).filter(content_type=content_type)
    for action in ACTIONS:
        rows.filter(codename=f"{action}_{old}").update(codename=f"{action}_{new}")


def _texts(schema: ModelSchema) -> tuple[Any, ...]:
    return schema.key, classes.verbose_name(schema)


def _content_types() -> Any:
    from django.contrib.contenttypes.models import ContentType

    return ContentType.objects
