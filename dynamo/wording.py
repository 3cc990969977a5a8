"""Names for what an event is about, as people know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

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


TO_DO: Final = {
    "created": "add",
    "added": "add",
    "renamed": "rename",
    "altered": "change",
    "reordered": "reorder",
    "retired": "retire",
    "restored": "restore",
    "purged": "drop",
    "moved": "move",
    "tagged": "tag",
    "rolled_back": "return",
    "imported": "import",
}
DONE: Final = {
    "created": "added",
    "added": "added",
    "renamed": "renamed",
    "altered": "changed",
    "reordered": "reordered",
    "retired": "retired",
    "restored": "restored",
    "purged": "removed",
    "moved": "moved",
    "tagged": "tagged",
    "rolled_back": "returned",
    "imported": "imported",
}
# Names that only the database needs; what people read leaves them out.
PHYSICAL: Final = frozenset({"storage", "column", "table", "link_columns", "db_table", "tables", "retired"})


def _phrase(event: Event, model: str, field: str, verbs: Mapping[str, str]) -> str:
    before, after = event.before, event.after
    kind, _, what = event.type.partition(".")
    if kind == "registry":
        return f"{verbs[what]} {REGISTRY[what](after)}"
    if what == "renamed":
        return _renamed(event, model, field, verbs)
    about = f"{kind} {model}" if kind == "model" else f"{kind} {model}.{field}"
    if what != "altered":
        suffix = f" ({after['type']})" if what == "added" and "type" in after else ""
        return f"{verbs[what]} {about}{suffix}"
    names = (name for name in sorted(after) if name not in PHYSICAL)
    return f"{verbs[what]} {about}: {', '.join(_change(n, before[n], after[n]) for n in names)}"


def _renamed(event: Event, model: str, field: str, verbs: Mapping[str, str]) -> str:
    kind, _, _ = event.type.partition(".")
    before, after = event.before, event.after
    if "name" in after:
        old = before["name"] if kind == "model" else f"{model}.{before['name']}"
        moved = f", app from {before['app']} to {after['app']}" if "app" in after else ""
        return f"{verbs['renamed']} {kind} {old} to {after['name']}{moved}"
    if "app" in after:
        return f"{verbs['moved']} model {model} from app {before['app']} to {after['app']}"
    about = model if kind == "model" else f"{model}.{field}"
    return f"{verbs['moved']} the table of {about}"


REGISTRY: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "tagged": lambda after: f"position {after['position']} as {after['name']}",
    "rolled_back": lambda after: f"to position {after['position']}",
    "imported": lambda after: f"a document ({after['mode']}) with the hash {after['hash'][:12]}",
}


def _change(name: str, old: Any, new: Any) -> str:
    return f"{name} from {thaw(old)!r} to {thaw(new)!r}"
