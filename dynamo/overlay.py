"""Catalogues of schemas: what this process shows, and what is meant laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from events import names
from events.names import accessor, link_keys
from events.schema import ModelSchema
from projections.registry import registry


class Catalogue(Protocol):
    """Schemas found by id, by name, by what they refer to and by link tables; all but the first are live.

    `putting` are those with a relation that puts an attribute of a name on what it refers to.
    `holders` are those that Django registers a class of under a name: their own, or that of a link table.
    """

    def model(self, model_id: str) -> ModelSchema | None: ...
    def named(self, app: str, name: str) -> ModelSchema | None: ...
    def referrers(self, reference: str) -> Iterable[ModelSchema]: ...
    def putting(self, reference: str, name: str) -> Iterable[ModelSchema]: ...
    def holders(self, app: str, name: str) -> Iterable[ModelSchema]: ...
    def linking(self, app: str) -> Iterable[ModelSchema]: ...


class Shown:
    """The schemas that this process shows."""

    def model(self, model_id: str) -> ModelSchema | None:
        return registry.schema(model_id)

    def named(self, app: str, name: str) -> ModelSchema | None:
        return registry.schema_of(app, name)

    def referrers(self, reference: str) -> Iterator[ModelSchema]:
        found = (registry.schema(model_id) for model_id in registry.referrers(names.reference(reference)))
        return (model for model in found if model is not None)

    def putting(self, reference: str, name: str) -> Iterator[ModelSchema]:
        found = registry.putting(names.reference(reference), name)
        return iter(() if found is None else (found,))

    def holders(self, app: str, name: str) -> Iterator[ModelSchema]:
        return registry.holders((app, name.lower()))

    def linking(self, app: str) -> Iterator[ModelSchema]:
        return registry.linking(app)


class Overlay:
    """Schemas that differ from those of the catalogue beneath, by id; None for a model that is gone."""

    __slots__ = ()

    models: dict[str, ModelSchema | None]
    beneath: Catalogue

    def model(self, model_id: str) -> ModelSchema | None:
        if model_id in self.models:
            return self.models[model_id]
        return self.beneath.model(model_id)

    def named(self, app: str, name: str) -> ModelSchema | None:
        wanted = (app, name.lower())
        for model in self._live():
            if model.key == wanted:
                return model
        found = self.beneath.named(app, name)
        return None if found is None or found.id in self.models else found

    def referrers(self, reference: str) -> Iterator[ModelSchema]:
        """Models with a relation to a model, given by id or label."""
        untouched = (m for m in self.beneath.referrers(reference) if m.id not in self.models)
        return (m for m in (*untouched, *self._live()) if any(f.related_model == reference for f in m.fields))

    def putting(self, reference: str, name: str) -> Iterator[ModelSchema]:
        yield from (m for m in self.beneath.putting(reference, name) if m.id not in self.models)
        for model in self._live():
            if any(f.related_model == reference and accessor(model, f) == name for f in model.fields):
                yield model

    def holders(self, app: str, name: str) -> Iterator[ModelSchema]:
        wanted = (app, name.lower())
        yield from (m for m in self.beneath.holders(app, name) if m.id not in self.models)
        yield from (m for m in self._live() if wanted == m.key or wanted in link_keys(m))

    def linking(self, app: str) -> Iterator[ModelSchema]:
        """The models of an app that have link tables."""
        yield from (m for m in self.beneath.linking(app) if m.id not in self.models)
        yield from (m for m in self._live() if m.app == app and link_keys(m))

    def _live(self) -> list[ModelSchema]:
        return [m for m in self.models.values() if m is not None and not m.retired]


class Draft(Overlay):
    """Schemas that are meant and not recorded yet."""

    __slots__ = ("beneath", "models")

    def __init__(self, beneath: Catalogue) -> None:
        self.beneath = beneath
        self.models = {}
