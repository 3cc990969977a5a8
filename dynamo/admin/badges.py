"""What a row of the editor is, in a word each: new, changed and from what, retired, required."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from dynamo.admin.merging import shown

# Told by badges of their own.
NAMED: Final = frozenset({"name", "order", "DELETE", "id", "meta_model"})


class Badge(NamedTuple):
    """`kind` is for the style only; `text` says it all."""

    kind: str
    text: str


def badges(form: Any) -> Iterator[Badge]:
    if form.instance._state.adding:
        if form.is_bound and form.has_changed():
            yield Badge("new", _("new"))
    else:
        yield from _changes(form)
    for name, text in (("required", _("required")), ("unique", _("unique"))):
        if form[name].value():
            yield Badge(name, text)


def _changes(form: Any) -> Iterator[Badge]:
    changed = form.changed_data if form.is_bound else ()
    if "DELETE" in changed:
        yield Badge("retired", _("retired"))
    if "name" in changed:
        yield Badge("renamed", _("renamed from %(name)s") % {"name": form.initial["name"]})
    if "order" in changed and form["order"].value():
        yield Badge("moved", _("moved"))
    for name in changed:
        if name not in NAMED and name in form.instance.ATTRIBUTES:
            label = form.fields[name].label or name.replace("_", " ")
            was = {"what": label, "was": shown(form.initial[name])}
            yield Badge("changed", _("%(what)s was %(was)s") % was)
