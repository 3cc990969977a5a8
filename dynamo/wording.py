"""Names for what an event is about, as people know them."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events import fold, snapshots
from events.exceptions import LogCorrupt
from events.schema import ModelSchema, thaw
from events.types import Event, Recorded
from projections import conf
from projections.registry import registry


def model_name(recorded: Recorded) -> str:
    """The model under its present name; a purged one has only its key, the registry's own events none."""
    if recorded.type.startswith("registry."):
        return ""
    schema = registry.schema(recorded.stream_id)
    return recorded.stream_id if schema is None else schema.label


def field_name(recorded: Recorded) -> str:
    """The field under the name of that moment where the event says it, else under its present one."""
    field_id = getattr(recorded.event, "field_id", None)
    if field_id is None:
        return ""
    named = recorded.event.after.get("name") or recorded.event.before.get("name")
    schema = registry.schema(recorded.stream_id)
    found = None if schema is None else schema.field(field_id) or schema.retired_field(field_id)
    return str(named or (found.name if found is not None else field_id))


class Narrator:
    """Tells events in the order of the log, under the names that models and fields had then."""

    def __init__(self, after: int) -> None:
        self._models = dict(snapshots.schema(conf.database(), after).models)

    def sentence(self, recorded: Recorded) -> str:
        """One line: position, time, what happened to what, and who did it."""
        before = self._models.get(recorded.stream_id)
        try:
            fold.advance(self._models, recorded)
        except LogCorrupt:
            # A damaged log is shown all the same.
            self._models.pop(recorded.stream_id, None)
        about = ".".join(part for part in self._names(recorded, before) if part)
        who = " ".join(part for part in (recorded.source, recorded.actor, recorded.reason) if part)
        return f"{recorded.position:>6} {recorded.recorded_at[:19]} {recorded.type:<18} {about} ({who})"

    def _names(self, recorded: Recorded, before: ModelSchema | None) -> tuple[str, str]:
        model = self._models.get(recorded.stream_id) or before
        if model is None:
            return model_name(recorded), field_name(recorded)
        field_id = getattr(recorded.event, "field_id", "")
        sides = [side for side in (model, before) if side is not None]
        found = (side.field(field_id) or side.retired_field(field_id) for side in sides)
        field = next((one for one in found if one is not None), None)
        return model.label, field_id if field is None else field.name


def told_briefly(recorded: Recorded) -> str:
    """What a recorded event did, under present names."""
    return happened(recorded.event, model_name(recorded), field_name(recorded))


def told(recorded: Recorded, model: str, field: str) -> str:
    """What an event will do to a model, or to its field, in words."""
    return _phrase(recorded.event, model, field, TO_DO)


def happened(event: Event, model: str, field: str) -> str:
    """What an event did to a model, or to its field, in words."""
    return _phrase(event, model, field, DONE)


# Where a change came from.
SOURCES: Final = {
    "code": _("code"),
    "admin": _("admin"),
    "api": _("API"),
    "command": _("command line"),
    "import": _("import"),
    "rollback": _("rollback"),
    "recovery": _("recovery"),
}


def source(recorded: Recorded) -> str:
    """Where it came from; code that acts for somebody else may say so in words of its own."""
    return str(SOURCES.get(recorded.source, recorded.source))


# What will be done and what was, in whole sentences: translations need not have the order of the words.
TO_DO, DONE = 0, 1
SENTENCES: Final = {
    "model.created": (_("add model %(about)s"), _("added model %(about)s")),
    "model.altered": (_("change model %(about)s: %(changes)s"), _("changed model %(about)s: %(changes)s")),
    "model.renamed": (_("rename model %(old)s to %(new)s"), _("renamed model %(old)s to %(new)s")),
    "model.renamed, app": (
        _("rename model %(old)s to %(new)s, app from %(app)s to %(new_app)s"),
        _("renamed model %(old)s to %(new)s, app from %(app)s to %(new_app)s"),
    ),
    "model.moved": (
        _("move model %(about)s from app %(app)s to %(new_app)s"),
        _("moved model %(about)s from app %(app)s to %(new_app)s"),
    ),
    "model.retired": (_("retire model %(about)s"), _("retired model %(about)s")),
    "model.restored": (_("restore model %(about)s"), _("restored model %(about)s")),
    "model.purged": (_("drop model %(about)s"), _("removed model %(about)s")),
    "field.added": (_("add field %(about)s"), _("added field %(about)s")),
    "field.added, type": (_("add field %(about)s (%(type)s)"), _("added field %(about)s (%(type)s)")),
    "field.altered": (_("change field %(about)s: %(changes)s"), _("changed field %(about)s: %(changes)s")),
    "field.renamed": (_("rename field %(old)s to %(new)s"), _("renamed field %(old)s to %(new)s")),
    "field.reordered": (_("reorder field %(about)s"), _("reordered field %(about)s")),
    "field.retired": (_("retire field %(about)s"), _("retired field %(about)s")),
    "field.restored": (_("restore field %(about)s"), _("restored field %(about)s")),
    "field.purged": (_("drop field %(about)s"), _("removed field %(about)s")),
    "table": (_("move the table of %(about)s"), _("moved the table of %(about)s")),
    "registry.tagged": (
        _("tag position %(position)s as %(name)s"),
        _("tagged position %(position)s as %(name)s"),
    ),
    "registry.rolled_back": (_("return to position %(position)s"), _("returned to position %(position)s")),
    "registry.imported": (
        _("import a document (%(mode)s) with the hash %(hash)s"),
        _("imported a document (%(mode)s) with the hash %(hash)s"),
    ),
}
# Names that only the database needs; what people read leaves them out.
PHYSICAL: Final = frozenset({"storage", "column", "table", "link_columns", "db_table", "tables", "retired"})


def _phrase(event: Event, model: str, field: str, tense: int) -> str:
    before, after = event.before, event.after
    kind, _dot, what = event.type.partition(".")
    said: dict[str, Any] = {"about": model if kind == "model" else f"{model}.{field}"}
    key = event.type
    if kind == "registry":
        said |= after
        said["hash"] = str(after.get("hash", ""))[:12]
    elif what == "renamed":
        key = _kind_of_renaming(event)
        old = before.get("name") if kind == "model" else f"{model}.{before.get('name')}"
        said |= {"old": old, "new": after.get("name"), "app": before.get("app"), "new_app": after.get("app")}
    elif what == "altered":
        names = (name for name in sorted(after) if name not in PHYSICAL)
        said["changes"] = ", ".join(_change(name, before[name], after[name]) for name in names)
    elif what == "added" and "type" in after:
        key, said["type"] = "field.added, type", after["type"]
    return str(SENTENCES[key][tense]) % said


def _kind_of_renaming(event: Event) -> str:
    if "name" in event.after:
        return "model.renamed, app" if "app" in event.after else event.type
    return "model.moved" if "app" in event.after else "table"


def _change(name: str, old: Any, new: Any) -> str:
    sides = {"name": name, "old": repr(thaw(old)), "new": repr(thaw(new))}
    return gettext("%(name)s from %(old)s to %(new)s") % sides
