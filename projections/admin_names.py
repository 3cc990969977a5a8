"""Names of fields in a project's own admins, which the schema may leave behind.

A ModelAdmin names fields in its code. When one of these is renamed or retired, Django fails with the first
page; here the admin goes without that name, and says so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from django.contrib.admin import ModelAdmin

logger = logging.getLogger("dynamo")

LISTS: Final = (
    "list_display",
    "list_display_links",
    "list_editable",
    "list_filter",
    "search_fields",
    "ordering",
    "sortable_by",
    "fields",
    "exclude",
    "readonly_fields",
    "autocomplete_fields",
    "raw_id_fields",
    "filter_horizontal",
    "filter_vertical",
)
# Names of Django's own, and what a search may begin with.
ALWAYS: Final = frozenset({"pk", "__str__", "action_checkbox", "?"})
MARKS: Final = "-^=@"


class PresentNames(ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """An admin that goes without names of fields that its model does not have now."""

    def __init__(self, model: type[Any], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        gone = {name for name in named(self) if not _known(self, name)}
        if not gone:
            return
        logger.error(
            "%s names %s, which %s does not have; its pages go without",
            type(self).__name__,
            ", ".join(sorted(gone)),
            model._meta.label,
        )
        own: Any = self
        for attribute in LISTS:
            given = getattr(own, attribute, None)
            if isinstance(given, list | tuple):
                setattr(own, attribute, type(given)(_without(given, gone)))
        own.list_display = own.list_display or ("__str__",)
        if own.date_hierarchy in gone:
            own.date_hierarchy = None
        if own.fieldsets:
            own.fieldsets = [
                (title, {**options, "fields": list(_without(options["fields"], gone))})
                for title, options in own.fieldsets
            ]


def named(admin: Any) -> Iterator[str]:
    """The names of fields that an admin, or its class, has in its code."""
    for attribute in LISTS:
        yield from _texts(getattr(admin, attribute, None))
    if admin.date_hierarchy:
        yield _name(admin.date_hierarchy)
    for _title, options in admin.fieldsets or ():
        yield from _texts(options["fields"])


def _texts(given: Any) -> Iterator[str]:
    """`fields` may have groups, filters may be classes or pairs of a field and a class."""
    for one in given if isinstance(given, list | tuple) else ():
        if isinstance(one, str):
            yield _name(one)
        elif isinstance(one, list | tuple):
            yield from _texts(one)


def _name(text: str) -> str:
    return text.lstrip(MARKS).partition("__")[0] if not text.startswith("__") else text


def _known(admin: Any, name: str) -> bool:
    if name in ALWAYS or hasattr(admin, name) or hasattr(admin.model, name):
        return True
    return name in {field.name for field in admin.model._meta.get_fields()}


def _without(given: Any, gone: set[str]) -> Iterator[Any]:
    for one in given:
        if isinstance(one, str):
            if _name(one) not in gone:
                yield one
        elif isinstance(one, list | tuple):
            kept = type(one)(_without(one, gone))
            # A group of fields goes on without one; a filter's class is nothing without its field.
            if kept and (len(kept) == len(one) or all(isinstance(part, str) for part in kept)):
                yield kept
        else:
            yield one
