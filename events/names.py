"""Names: how models are found without their schemas, which may be bytes that nobody has decoded yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, Self, TypeAlias

import orjson

from events.layers import Layers
from events.schema import FieldSchema, ModelSchema, canonical

Key: TypeAlias = tuple[str, str]
# Entries in groups, such as the models of a label by name.
Groups: TypeAlias = Mapping[str, Mapping[str, str]]

NONE: Final[Mapping[str, str]] = {}


class Names(NamedTuple):
    """The names of all live models. As JSON it is what a snapshot keeps, and what a process starts with.

    - `models`: ids by app label and lower-case name;
    - `links`: ids of the models that have a link table, by label and name of its class;
    - `referrers`: by what a relation refers to (an id, or "app.model"), ids of the models that do;
    - `accessors`: by the same, ids of the models by the attributes that their relations put on it;
    - `hidden`: those of `models` that have no admin pages.
    """

    models: Groups = Layers()
    links: Groups = Layers()
    referrers: Groups = Layers()
    accessors: Groups = Layers()
    hidden: Groups = Layers()

    @classmethod
    def of(cls, models: Iterable[ModelSchema]) -> Self:
        return cls().changed((), models)

    @classmethod
    def read(cls, text: bytes | memoryview) -> Self:
        """The names that `text` wrote. Raises ValueError or TypeError for what it cannot have written."""
        return cls(**{kind: Layers(groups) for kind, groups in orjson.loads(text).items()})

    def text(self) -> bytes:
        """Equal for equal names."""
        return canonical({kind: _plain(groups) for kind, groups in self._asdict().items()})

    def changed(self, gone: Iterable[ModelSchema], come: Iterable[ModelSchema]) -> Self:
        """The names after these models went and came; names are given up before any is taken."""
        old = {entry for model in gone for entry in _entries(model)}
        new = {entry for model in come for entry in _entries(model)}
        if old == new:
            return self
        edits: tuple[dict[str, dict[str, str | None]], ...] = tuple({} for _ in self)
        for kind, group, name, _ in old - new:
            edits[kind].setdefault(group, {})[name] = None
        for kind, group, name, value in new - old:
            edits[kind].setdefault(group, {})[name] = value
        return type(self)(*(_with(groups, edit) for groups, edit in zip(self, edits, strict=True)))

    def model(self, key: Key) -> str | None:
        """The id of the model of that name."""
        return self.models.get(key[0], NONE).get(key[1])

    def owner(self, key: Key) -> str | None:
        """The id of the model with a link table of that name."""
        return self.links.get(key[0], NONE).get(key[1])

    def linking(self, app: str) -> set[str]:
        """Ids of the models of a label that have link tables."""
        return set(self.links.get(app, NONE).values())

    def referring(self, target: str) -> list[str]:
        """Ids of the models that refer to an id or "app.model", in order."""
        return sorted(self.referrers.get(target, NONE))

    def put_on(self, target: str) -> Mapping[str, str]:
        """The attributes that relations put on an id or "app.model", with the ids of their models."""
        return self.accessors.get(target, NONE)


def reference(target: str) -> str:
    """How a relation's target is named: its id, or a hand-written one's label as Django keys it."""
    label, dot, name = target.partition(".")
    return f"{label}{dot}{name.lower()}"


def accessor(model: ModelSchema, relation: FieldSchema) -> str:
    """The attribute that a relation puts on its target; "" for none."""
    given = relation.options.get("related_name")
    if given == "+" or (relation.is_many_to_many and relation.related_model == model.id and not given):
        return ""
    if given:
        return str(given)
    return model.name.lower() if relation.type == "OneToOneField" else f"{model.name.lower()}_set"


def link_key(schema: ModelSchema, relation: FieldSchema) -> Key:
    """Under which name Django registers the link table's class."""
    return schema.app, f"{schema.name}_{relation.name}".lower()


def link_keys(schema: ModelSchema) -> list[Key]:
    return [link_key(schema, f) for f in schema.fields if f.is_many_to_many]


def _entries(model: ModelSchema) -> Iterator[tuple[int, str, str, str]]:
    """The places of a model among names: which groups, which of them, under what, and what stands there."""
    app, name = model.key
    yield 0, app, name, model.id
    if not model.admin:
        yield 4, app, name, model.id
    yield from ((1, app, link, model.id) for _, link in link_keys(model))
    for field in model.fields:
        if field.is_relation:
            yield 2, reference(field.related_model), model.id, ""
            if name := accessor(model, field):
                yield 3, reference(field.related_model), name, model.id
        if field.is_many_to_many:
            # The link table's class refers to both ends.
            yield 2, model.id, model.id, ""


def _with(groups: Groups, edits: Mapping[str, Mapping[str, str | None]]) -> Groups:
    if not edits:
        return groups
    made: dict[str, Any] = {}
    for group, edit in edits.items():
        known = groups.get(group, NONE)
        layers = known if isinstance(known, Layers) else Layers(dict(known))
        made[group] = layers.changed(edit) or None
    assert isinstance(groups, Layers)
    return groups.changed(made)


def _plain(groups: Groups) -> dict[str, dict[str, str]]:
    return {group: dict(entries) for group, entries in groups.items()}
