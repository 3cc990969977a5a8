"""What models and fields were called right after an event, without folding whole schemas for each."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from events import store
from events.types import Event, FieldAltered, FieldEvent, Recorded, RegistryEvent

CAPACITY: Final = 512


@dataclass(slots=True)
class StreamNames:
    """The names in one model's stream, after the events taken so far."""

    app: str = ""
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.app}.{self.name}"

    def take(self, event: Event) -> None:
        if not isinstance(event, FieldEvent):
            self.app = event.after.get("app", self.app)
            self.name = event.after.get("name", self.name)
            return
        name = event.after.get("name") or event.before.get("name")
        if name:
            self.fields[event.field_id] = name
        if isinstance(event, FieldAltered) and event.kept is not None:
            self.fields[event.kept["id"]] = event.kept["name"]


class Names:
    """Names by stream, for events that come in order; a stream seen for the first time is looked up.

    Only so many streams are kept: what was dropped is looked up again.
    """

    def __init__(self, using: str, capacity: int = CAPACITY) -> None:
        self._using = using
        self._capacity = capacity
        self._streams: OrderedDict[str, StreamNames] = OrderedDict()

    def after(self, recorded: Recorded) -> tuple[str | None, str | None]:
        """The model's label and the field's name as they are after the event; None where it has none."""
        if isinstance(recorded.event, RegistryEvent):
            return None, None
        names = self._before(recorded)
        names.take(recorded.event)
        return names.label, names.fields.get(getattr(recorded.event, "field_id", ""))

    def _before(self, recorded: Recorded) -> StreamNames:
        names = self._streams.pop(recorded.stream_id, None) or self._looked_up(recorded)
        self._streams[recorded.stream_id] = names
        if len(self._streams) > self._capacity:
            self._streams.popitem(last=False)
        return names

    def _looked_up(self, recorded: Recorded) -> StreamNames:
        names = StreamNames()
        if recorded.stream_version > 1:
            earlier = store.read(self._using, stream_id=recorded.stream_id, upto=recorded.position - 1)
            for one in earlier:
                names.take(one.event)
        return names
