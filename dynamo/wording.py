"""Names for what an event is about, as people know them."""

from __future__ import annotations

from typing import Any, Final

from events.schema import thaw
from events.types import Recorded
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


def sentence(recorded: Recorded) -> str:
    """One line: position, time, what happened to what, and who did it."""
    about = ".".join(part for part in (model_name(recorded), field_name(recorded)) if part)
    who = " ".join(part for part in (recorded.source, recorded.actor, recorded.reason) if part)
    return f"{recorded.position:>6} {recorded.recorded_at[:19]} {recorded.type:<18} {about} ({who})"


def told(recorded: Recorded, model: str, field: str) -> str:
    """What an event says happened to a model, or to its field, in words."""
    event = recorded.event
    before, after = event.before, event.after
    kind, _, verb = recorded.type.partition(".")
    if verb == "renamed" and "name" in after:
        old, new = (side["name"] for side in (before, after))
        return f"rename {kind} {_dotted(model, old) if kind == 'field' else old} to {new}"
    about = model if kind == "model" else _dotted(model, field)
    if verb in {"added", "created"}:
        return f"add {kind} {about}" + (f" ({after['type']})" if kind == "field" else "")
    if verb != "altered":
        return f"{VERBS[verb]} {kind} {about}"
    changes = ", ".join(
        _change(name, before[name], after[name]) for name in sorted(after) if name != "storage"
    )
    return f"change {kind} {about}: {changes}"


VERBS: Final = {
    "renamed": "move",
    "reordered": "reorder",
    "retired": "retire",
    "restored": "restore",
    "purged": "drop",
}


def _dotted(model: str, field: str) -> str:
    return f"{model}.{field}"


def _change(name: str, old: Any, new: Any) -> str:
    return f"{name} from {thaw(old)!r} to {thaw(new)!r}"
