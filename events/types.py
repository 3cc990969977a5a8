"""The events: what happened to a model or a field, with what was before and what is after. No Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from events.schema import Frozen, freeze

BY_NAME: dict[str, type[Event]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one stream. `before` and `after` hold the attributes that changed, by name."""

    type: ClassVar[str] = ""
    version: ClassVar[int] = 1

    stream_id: str
    before: Frozen = Frozen()
    after: Frozen = Frozen()

    def __init_subclass__(cls) -> None:
        # A slotted dataclass is made twice; the second class takes the place of the first.
        if cls.type:
            BY_NAME[cls.type] = cls

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", freeze(self.before))
        object.__setattr__(self, "after", freeze(self.after))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEvent(Event):
    """A fact about a model; its stream is the model's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEvent(Event):
    """A fact about a field; its stream is the id of the field's model."""

    field_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEvent(Event):
    """A fact about the registry; its stream is the registry's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCreated(ModelEvent):
    type = "model.created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRenamed(ModelEvent):
    """`tables` in before and after: link tables with their columns, by field id."""

    type = "model.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAltered(ModelEvent):
    type = "model.altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRetired(ModelEvent):
    """The model is hidden; its table lives on under the tombstone name in `after`."""

    type = "model.retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRestored(ModelEvent):
    """`on_error` is what became of its references to rows that are gone."""

    type = "model.restored"
    on_error: str = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPurged(ModelEvent):
    """The retired model's table is dropped for good."""

    type = "model.purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAdded(FieldEvent):
    """`backfill` is the value that existing rows got, or None."""

    type = "field.added"
    backfill: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRenamed(FieldEvent):
    type = "field.renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAltered(FieldEvent):
    """Type, constraint or presentation changed.

    `kept` holds the former column as a retired field when values were converted into a new one;
    `on_error` and `error_value` say what became of values that did not convert. `revived` is there when the
    column is one that was kept before: the `id` of that retired field, and the conversions since, as `path`.
    """

    type = "field.altered"
    version = 2
    kind: str = "presentation"
    destructive: bool = False
    backfill: Any = None
    on_error: str = "fail"
    error_value: Any = None
    kept: Frozen | None = None
    revived: Frozen | None = None

    def __post_init__(self) -> None:
        # Slots make the class anew, and a bare super() would mean the class that it replaced.
        super(FieldAltered, self).__post_init__()
        object.__setattr__(self, "kept", freeze(self.kept))
        object.__setattr__(self, "revived", freeze(self.revived))


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReordered(FieldEvent):
    type = "field.reordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRetired(FieldEvent):
    """The field is hidden; its values live on in the tombstone column named in `after`."""

    type = "field.retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRestored(FieldEvent):
    """`backfill` is what rows written meanwhile got, `on_error` what became of lost references."""

    type = "field.restored"
    backfill: Any = None
    on_error: str = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPurged(FieldEvent):
    type = "field.purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRolledBack(RegistryEvent):
    """`after`: the `position` that was returned to, the `model` it was about ("" for all), and what was
    `asked` for.
    """

    type = "registry.rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTagged(RegistryEvent):
    """`after`: the `name` of a `position`, and a `note` for readers."""

    type = "registry.tagged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImported(RegistryEvent):
    """`after`: the `hash` of the document that was applied, and the `mode` it was applied in."""

    type = "registry.imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who did it, from where and why; but for the reason the same for every event of one change set."""

    batch_id: str
    actor: str = ""
    source: str = "code"
    reason: str = ""
    correlation_id: str = ""
    causation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event in the log: the envelope around it. `recorded_at` is UTC in ISO 8601, microseconds."""

    position: int
    event_id: str
    stream_id: str
    stream_version: int
    type: str
    type_version: int
    data: bytes
    context: Context
    recorded_at: str
    prev_hash: str
    hash: str
    event: Event

    @property
    def batch_id(self) -> str:
        return self.context.batch_id

    @property
    def actor(self) -> str:
        return self.context.actor

    @property
    def source(self) -> str:
        return self.context.source

    @property
    def reason(self) -> str:
        return self.context.reason

    @property
    def correlation_id(self) -> str:
        return self.context.correlation_id

    @property
    def causation_id(self) -> str:
        return self.context.causation_id
