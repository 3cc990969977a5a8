"""The catalogue: all schemas of the process with the names they are found by, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from events import snapshots
from events.layers import Layers
from events.names import Key, Names
from events.schema import ModelSchema
from projections.transition import Change

# Finds a schema whose bytes cannot be read.
Recover: TypeAlias = Callable[[str], ModelSchema]


class Schemas(Mapping[str, ModelSchema]):
    """Schemas by id, of which some are the bytes that a snapshot has until somebody asks for them.

    Asking puts the schema in the place of its bytes; two threads may both do that, and put equal ones there.
    """

    __slots__ = ("_held", "_recover")

    def __init__(
        self, held: Layers[ModelSchema | bytes] | None = None, recover: Recover | None = None
    ) -> None:
        self._held: Layers[ModelSchema | bytes] = Layers() if held is None else held
        self._recover = recover

    def __getitem__(self, model_id: str) -> ModelSchema:
        found = self._held[model_id]
        if not isinstance(found, ModelSchema):
            found = self._decoded(model_id, found)
            self._held.replace(model_id, found)
        return found

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def decoded(self) -> int:
        """How many are schemas by now."""
        return sum(isinstance(found, ModelSchema) for found in self._held.values())

    def changed(self, changes: Mapping[str, Change]) -> Schemas:
        after = {model_id: change.after for model_id, change in changes.items()}
        return Schemas(self._held.changed(after), self._recover)

    def _decoded(self, model_id: str, data: bytes) -> ModelSchema:
        found = snapshots.unpacked(model_id, data)
        if found is None:
            assert self._recover is not None
            found = self._recover(model_id)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Schemas by id, and the names of those that live.

    A change makes a new catalogue, so that a reader who holds no lock sees the old one or the new one.
    """

    models: Schemas = field(default_factory=Schemas)
    names: Names = field(default_factory=Names)

    @classmethod
    def of(cls, models: Mapping[str, ModelSchema]) -> Catalogue:
        names = Names.of(model for model in models.values() if not model.retired)
        return cls(models=Schemas(Layers({**models})), names=names)

    @classmethod
    def packed(cls, names: Names, models: dict[str, Any], recover: Recover) -> Catalogue:
        """The catalogue of what a snapshot keeps; nothing is decoded."""
        return cls(models=Schemas(Layers(models), recover), names=names)

    def named(self, key: Key) -> ModelSchema | None:
        model_id = self.names.model(key)
        return None if model_id is None else self.models[model_id]

    def live(self) -> list[ModelSchema]:
        return [self.models[key] for group in self.names.models.values() for key in group.values()]

    def retired(self) -> list[ModelSchema]:
        """What has no name any more; nothing else is decoded."""
        live = {key for group in self.names.models.values() for key in group.values()}
        return [self.models[key] for key in self.models if key not in live]

    def changed(self, changes: Mapping[str, Change]) -> Catalogue:
        """The catalogue after these changes."""
        gone = [c.live_before for c in changes.values() if c.live_before is not None]
        come = [c.live_after for c in changes.values() if c.live_after is not None]
        return Catalogue(models=self.models.changed(changes), names=self.names.changed(gone, come))
