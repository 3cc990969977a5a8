"""Outlines: what of a model is needed to find it, kept beside its bytes so that these need not be decoded."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from events.schema import FieldSchema, ModelSchema

Key: TypeAlias = tuple[str, str]

SEPARATOR: Final = " "
WITHIN: Final = ","


class Outline(NamedTuple):
    """A model's id, label and name as Django's app registry finds it, and what its relations name.

    `links` are the names of its link tables' classes, `targets` what it refers to: an id, or "app.model".
    """

    id: str
    app: str
    name: str
    retired: bool
    links: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.app, self.name

    @classmethod
    def of(cls, model: ModelSchema) -> Outline:
        """A model's link tables refer to the model itself."""
        app, name = model.key
        links = tuple(link for _, link in link_keys(model))
        targets = {reference(f) for f in model.fields if f.is_relation} | ({model.id} if links else set())
        return cls(model.id, app, name, model.retired, links, tuple(sorted(targets)))

    @classmethod
    def read(cls, text: str) -> Outline:
        """The outline that `text` wrote. Raises ValueError for what it cannot have written."""
        model_id, app, name, retired, links, targets = text.split(SEPARATOR)
        return cls(model_id, app, name, retired == "1", _parts(links), _parts(targets))

    def text(self) -> str:
        """Ids, labels and names have neither spaces nor commas."""
        links, targets = WITHIN.join(self.links), WITHIN.join(self.targets)
        return SEPARATOR.join((self.id, self.app, self.name, str(int(self.retired)), links, targets))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(WITHIN)) if text else ()


def reference(relation: FieldSchema) -> str:
    """How a relation's target is named: its id, or the lower-cased label of a hand-written one."""
    return relation.related_model.lower()


def link_key(schema: ModelSchema, relation: FieldSchema) -> Key:
    """Under which name Django registers the link table's class."""
    return schema.app, f"{schema.name}_{relation.name}".lower()


def link_keys(schema: ModelSchema) -> list[Key]:
    return [link_key(schema, f) for f in schema.fields if f.is_many_to_many]
