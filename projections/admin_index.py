"""What the admin's index, its sidebar and the pages of an app list of generated models.

Every admin page has the sidebar, so what it lists must not grow with the number of models: an app shows a
few of its generated models and a way to the others, page by page. Only those shown are decoded, and no class
is built for any.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.sites import AdminSite
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from events.schema import ModelSchema
from projections import classes
from projections.registry import registry

# Generated models of an app in the index and in the sidebar, and on a page of the app's own.
FEW: Final = 50
PAGE: Final = 200
PAGE_PARAMETER: Final = "p"
ACTIONS: Final = ("add", "change", "delete", "view")

own_admins: dict[str, type[Any]] = {}


def app_list(original: Any, site: AdminSite, request: Any, app_label: str | None = None) -> list[Any]:
    """Django's list with the generated models in it; a page of them where one app is asked for."""
    apps_listed: list[Any] = original(site, request, app_label)
    by_label = {entry["app_label"]: entry for entry in apps_listed}
    root = reverse("admin:index", current_app=site.name)
    for label in registry.labels() if app_label is None else (app_label,):
        if label not in apps.app_configs:
            continue
        listed = _Listed(site, request, label, root)
        entries = listed.few() if app_label is None else listed.page()
        if entries:
            entry = by_label.setdefault(label, _app_entry(label, root))
            entry["models"] = [*sorted((*entry["models"], *entries), key=_by_name), *listed.ways]
    return sorted(by_label.values(), key=lambda entry: str(entry["name"]).lower())


class _Listed:
    """The generated models of an app that a user may see; `ways` lead to those that are not shown."""

    def __init__(self, site: AdminSite, request: Any, label: str, root: str) -> None:
        self.site = site
        self.request = request
        self.label = label
        self.root = root
        self.ways: list[dict[str, Any]] = []

    def few(self) -> list[dict[str, Any]]:
        found = list(islice(self._entries(), FEW + 1))
        if len(found) > FEW:
            self.ways = [self._way(_("More…"), 1)]
        return found[:FEW]

    def page(self) -> list[dict[str, Any]]:
        """The page that the request names; the first one where it names none that can be."""
        given = self.request.GET.get(PAGE_PARAMETER, "")
        number = int(given[:6]) if given.isascii() and given.isdecimal() else 1
        number = max(number, 1)
        start = (number - 1) * PAGE
        found = list(islice(self._entries(), start, start + PAGE + 1))
        before = [self._way(_("Previous page"), number - 1)] if number > 1 and found else []
        after = [self._way(_("Next page"), number + 1)] if len(found) > PAGE else []
        self.ways = [*before, *after]
        return found[:PAGE]

    def _entries(self) -> Iterator[dict[str, Any]]:
        user = self.request.user
        if not user.is_active or not (user.is_superuser or self._concerns(user)):
            return
        for schema in registry.with_pages(self.label, self._permitted):
            entry = _model_entry(self.site, self.request, schema, self.root)
            if entry is not None:
                yield entry

    def _concerns(self, user: Any) -> bool:
        own = any(label.startswith(f"{self.label.lower()}.") for label in own_admins)
        return own or user.has_module_perms(self.label)

    def _permitted(self, name: str) -> bool:
        """By its name only, so that what a user may not see is not decoded; a project's own admin decides."""
        if f"{self.label}.{name}".lower() in own_admins:
            return True
        user = self.request.user
        return any(user.has_perm(f"{self.label}.{action}_{name}") for action in reversed(ACTIONS))

    def _way(self, name: str, number: int) -> dict[str, Any]:
        return {
            "model": None,
            "name": name,
            "object_name": "DynamoPage",
            "perms": dict.fromkeys(ACTIONS, False),
            "admin_url": f"{self.root}{self.label}/?{PAGE_PARAMETER}={number}",
            "add_url": None,
            "view_only": True,
        }


def _by_name(entry: dict[str, Any]) -> str:
    return str(entry["name"])


def _app_entry(label: str, root: str) -> dict[str, Any]:
    name = apps.get_app_config(label).verbose_name
    return {
        "name": name,
        "app_label": label,
        "app_url": f"{root}{label}/",
        "has_module_perms": True,
        "models": [],
    }


def _model_entry(site: AdminSite, request: Any, schema: ModelSchema, root: str) -> dict[str, Any] | None:
    """One line of the index, from the catalogue: no class is built for it."""
    perms = _permissions(site, request, schema)
    if not any(perms.values()):
        return None
    url = f"{root}{schema.key[0]}/{schema.key[1]}/"
    readable = perms["view"] or perms["change"]
    entry = {
        "model": SimpleLazyObject(lambda: registry.model_class(schema.id)),
        "name": capfirst(str(classes.verbose_name_plural(schema))),
        "object_name": schema.name,
        "perms": perms,
        "admin_url": url if readable else None,
        "add_url": f"{url}add/" if perms["add"] else None,
    }
    return {**entry, "view_only": not perms["change"]} if readable else entry


def _permissions(site: AdminSite, request: Any, schema: ModelSchema) -> dict[str, bool]:
    if schema.label.lower() in own_admins:
        model: Any = registry.model_class(schema.id)
        own = site.get_model_admin(model)
        return own.get_model_perms(request) if own.has_module_permission(request) else {}
    label, name = schema.key
    return {action: request.user.has_perm(f"{label}.{action}_{name}") for action in ACTIONS}
