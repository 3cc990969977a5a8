"""The catalogue: all schemas of the process with the names they are found by, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from events.schema import FieldSchema, ModelSchema
from projections.transition import Change

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Schemas by id; ids by (label, lower-case name) of models and link tables; ids of referrers by target.

    A change makes a new catalogue, so that a reader who holds no lock sees the old one or the new one.
    """

    models: Mapping[str, ModelSchema] = field(default_factory=dict)
    keys: Mapping[Key, str] = field(default_factory=dict)
    link_keys: Mapping[Key, str] = field(default_factory=dict)
    referrers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def named(self, key: Key) -> ModelSchema | None:
        model_id = self.keys.get(key)
        return None if model_id is None else self.models[model_id]

    def live(self) -> list[ModelSchema]:
        return [self.models[model_id] for model_id in self.keys.values()]

    def changed(self, changes: Mapping[str, Change]) -> Catalogue:
        """The catalogue after these changes; names are given up before any is taken."""
        models = {key: m for key, m in self.models.items() if key not in changes}
        models |= {key: c.after for key, c in changes.items() if c.after is not None}
        keys, link_keys, referrers = dict(self.keys), dict(self.link_keys), dict(self.referrers)
        for old in (c.live_before for c in changes.values()):
            if old is not None:
                keys.pop(old.key, None)
                for key in links(old):
                    link_keys.pop(key, None)
                for target in targets(old):
                    referrers[target] = referrers.get(target, frozenset()) - {old.id}
        for new in (c.live_after for c in changes.values()):
            if new is not None:
                keys[new.key] = new.id
                link_keys |= dict.fromkeys(links(new), new.id)
                for target in targets(new):
                    referrers[target] = referrers.get(target, frozenset()) | {new.id}
        return Catalogue(models=models, keys=keys, link_keys=link_keys, referrers=referrers)


def targets(schema: ModelSchema) -> set[str]:
    """What a model refers to; its link tables refer to itself."""
    own = {schema.id} if any(f.is_many_to_many for f in schema.fields) else set()
    return own | {reference(f) for f in schema.fields if f.is_relation}


def links(schema: ModelSchema) -> list[Key]:
    return [link_key(schema, f) for f in schema.fields if f.is_many_to_many]


def reference(relation: FieldSchema) -> str:
    """How a relation's target is named: its id, or the lower-cased label of a hand-written one."""
    return relation.related_model.lower()


def link_key(schema: ModelSchema, relation: FieldSchema) -> Key:
    """Under which name Django registers the link table's class."""
    return schema.app, f"{schema.name}_{relation.name}".lower()
