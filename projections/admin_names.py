"""Names of fields in a project's own admins, which the schema may leave behind.

A ModelAdmin names fields in its code. When one of these is renamed or retired, Django fails with the first
page. Here the admin goes on with the name that the field has now, without what was retired, and says so in
the log. Only names that were fields of the model are meant: all others are the project's own business.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

from django.contrib.admin import ModelAdmin

from events import store
from projections import conf
from projections.registry import registry

logger = logging.getLogger("dynamo")

LISTS: Final = (
    "list_display",
    "list_display_links",
    "list_editable",
    "list_filter",
    "list_select_related",
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

# By a name that a field had: its present one, or None.
Moved: TypeAlias = Mapping[str, str | None]


class PresentNames(ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """An admin that knows fields of its model by former names."""

    def __init__(self, model: type[Any], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        unknown = {name for name in named(self) if not _known(self, name)}
        moved = _moved(model, unknown) if unknown else {}
        if moved:
            said = (f"{old} ({new or 'retired'})" for old, new in sorted(moved.items()))
            kind, label = type(self).__name__, model._meta.label
            logger.error("%s names what %s has no more: %s", kind, label, ", ".join(said))
            _bring_up(self, moved)


def named(admin: Any) -> Iterator[str]:
    """The names of fields that an admin, or its class, has in its code."""
    for attribute in LISTS:
        yield from _texts(getattr(admin, attribute, None))
    for name, sources in admin.prepopulated_fields.items():
        yield from (name, *sources)
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
    own = hasattr(admin, name) and not hasattr(ModelAdmin, name)
    if own or name in ALWAYS or name in getattr(admin.form, "declared_fields", {}):
        return True
    return hasattr(admin.model, name) or name in {field.name for field in admin.model._meta.get_fields()}


def _moved(model: Any, names: Collection[str]) -> Moved:
    """What became of those of these names that fields of the model once had."""
    schema = registry.schema(model.dynamo_id)
    assert schema is not None  # Its pages would not have been found.
    present = {field.id: field.name for field in schema.fields}
    found: dict[str, str | None] = {}
    for recorded in store.read(conf.database(), stream_id=schema.id):
        field_id = getattr(recorded.event, "field_id", None)
        for side in (recorded.event.before, recorded.event.after):
            if field_id is not None and side.get("name") in names:
                found[side["name"]] = present.get(field_id)
    return found


def _bring_up(own: Any, moved: Moved) -> None:
    closed = False
    for attribute in LISTS:
        given = getattr(own, attribute, None)
        if isinstance(given, list | tuple):
            kept = type(given)(_present(given, moved))
            closed = closed or (attribute == "fields" and bool(given) and not kept)
            setattr(own, attribute, kept)
    own.prepopulated_fields = {
        moved.get(name, name): tuple(_present(sources, moved))
        for name, sources in own.prepopulated_fields.items()
        if moved.get(name, name) is not None
    }
    own.date_hierarchy = next(_present([own.date_hierarchy], moved), None) if own.date_hierarchy else None
    if own.fieldsets:
        own.fieldsets = [
            (title, {**options, "fields": list(_present(options["fields"], moved))})
            for title, options in own.fieldsets
        ]
    elif closed:
        # No fields are not all fields, as Django takes it.
        own.fields, own.fieldsets = None, [(None, {"fields": []})]
    own.list_display = own.list_display or ("__str__",)
    # What is a link now has no input, and would be emptied.
    links = own.get_list_display_links(None, own.list_display) or ()
    own.list_editable = tuple(name for name in own.list_editable if name not in links)


def _present(given: Any, moved: Moved) -> Iterator[Any]:
    for one in given:
        if isinstance(one, str):
            name = _name(one)
            now = moved.get(name, name)
            if now is not None:
                yield one.replace(name, now, 1)
        elif isinstance(one, list | tuple):
            kept = type(one)(_present(one, moved))
            # A group of fields goes on without one; a filter's class is nothing without its field.
            if kept and (len(kept) == len(one) or all(isinstance(part, str) for part in kept)):
                yield kept
        else:
            yield one
