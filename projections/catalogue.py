"""The catalogue: all schemas of the process with the names they are found by, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from events import snapshots
from events.outlines import Key, Outline
from events.schema import ModelSchema
from projections.transition import Change


class Schemas(Mapping[str, ModelSchema]):
    """Schemas by id, of which some are the bytes that a snapshot has until somebody asks for them.

    Asking puts the schema in the place of its bytes; two threads may both do that, and put equal ones there.
    """

    __slots__ = ("_held",)

    def __init__(self, held: dict[str, ModelSchema | bytes] | None = None) -> None:
        self._held = {} if held is None else held

    def __getitem__(self, model_id: str) -> ModelSchema:
        found = self._held[model_id]
        if isinstance(found, bytes):
            found = self._held[model_id] = snapshots.unpacked(found)
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
        held = dict(self._held)
        for model_id, change in changes.items():
            if change.after is None:
                held.pop(model_id, None)
            else:
                held[model_id] = change.after
        return Schemas(held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Schemas by id; ids by (label, lower-case name) of models and link tables; ids of referrers by target.

    A change makes a new catalogue, so that a reader who holds no lock sees the old one or the new one.
    """

    models: Schemas = field(default_factory=Schemas)
    keys: Mapping[Key, str] = field(default_factory=dict)
    link_keys: Mapping[Key, str] = field(default_factory=dict)
    referrers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Iterable[tuple[Outline, bytes]]) -> Catalogue:
        """The catalogue of what a snapshot keeps; nothing is decoded."""
        models: dict[str, ModelSchema | bytes] = {}
        keys: dict[Key, str] = {}
        link_keys: dict[Key, str] = {}
        referrers: dict[str, set[str]] = {}
        for outline, data in kept:
            models[outline.id] = data
            if outline.retired:
                continue
            keys[outline.key] = outline.id
            for name in outline.links:
                link_keys[outline.app, name] = outline.id
            for target in outline.targets:
                referrers.setdefault(target, set()).add(outline.id)
        by_target = {target: frozenset(ids) for target, ids in referrers.items()}
        return cls(models=Schemas(models), keys=keys, link_keys=link_keys, referrers=by_target)

    def named(self, key: Key) -> ModelSchema | None:
        model_id = self.keys.get(key)
        return None if model_id is None else self.models[model_id]

    def live(self) -> list[ModelSchema]:
        return [self.models[model_id] for model_id in self.keys.values()]

    def changed(self, changes: Mapping[str, Change]) -> Catalogue:
        """The catalogue after these changes; names are given up before any is taken."""
        keys, link_keys, referrers = dict(self.keys), dict(self.link_keys), dict(self.referrers)
        for old in (Outline.of(c.live_before) for c in changes.values() if c.live_before is not None):
            keys.pop(old.key, None)
            for name in old.links:
                link_keys.pop((old.app, name), None)
            for target in old.targets:
                referrers[target] = referrers.get(target, frozenset()) - {old.id}
        for new in (Outline.of(c.live_after) for c in changes.values() if c.live_after is not None):
            keys[new.key] = new.id
            link_keys |= {(new.app, name): new.id for name in new.links}
            for target in new.targets:
                referrers[target] = referrers.get(target, frozenset()) | {new.id}
        models = self.models.changed(changes)
        return Catalogue(models=models, keys=keys, link_keys=link_keys, referrers=referrers)
