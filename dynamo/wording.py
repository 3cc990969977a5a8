"""Names for what an event is about, as people know them."""

from __future__ import annotations

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
