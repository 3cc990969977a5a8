"""Ways back of relations on hand-written classes, before the classes that have the relations are made.

Django puts an attribute such as `book_set` on the target when it makes the class with the relation. Here that
class may not be made until somebody asks for the attribute: until then one of these stands in its place.
"""

from __future__ import annotations

from inspect import getattr_static
from typing import Any

from django.db.models import Model

from events.names import Names, accessor
from events.schema import FieldSchema, ModelSchema
from projections import classes, relations


class Awaited:
    """Asked for, it has the class made that puts an attribute of this name on the target."""

    def __init__(self, name: str, model_id: str) -> None:
        self.name = name
        self.model_id = model_id

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._real(owner).__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        self._real(type(instance)).__set__(instance, value)

    def _real(self, owner: type) -> Any:
        list(relations.RelationOptions.source.make([self.model_id]))
        found = getattr_static(owner, self.name, self)
        if isinstance(found, Awaited):
            raise AttributeError(
                f"{owner.__name__}.{self.name} is the way back of a relation whose generated class "
                "cannot be made now; the log has the reason"
            )
        return found


def is_of(attribute: object, model: ModelSchema, relation: FieldSchema) -> bool:
    """Whether what stands on a class is the way back of that relation, or waits for its model."""
    if isinstance(attribute, Awaited):
        return attribute.model_id == model.id
    related = getattr(attribute, "rel", None) or getattr(attribute, "related", None)
    return getattr(getattr(related, "field", None), "dynamo_id", None) == relation.id


def put_all(names: Names) -> None:
    """As `put`, for all that a process finds when it starts."""
    for target in names.referrers:
        found = classes.hand_written(target) if "." in target else None
        if found is not None:
            relations.track(found)
            relations.expire(relations.concrete(found))
            for name, model_id in names.put_on(target).items():
                _put(found, name, model_id)


def put(schema: ModelSchema) -> None:
    """Have the ways back of this model's relations to hand-written classes stand on these."""
    for target, name in _ways_back(schema):
        relations.track(target)
        _put(target, name, schema.id)


def take(schema: ModelSchema) -> None:
    """Take away what `put` put there; what a class put there, `relations.forget` takes away."""
    for target, name in _ways_back(schema):
        standing = vars(relations.concrete(target)).get(name)
        if isinstance(standing, Awaited) and standing.model_id == schema.id:
            delattr(relations.concrete(target), name)


def _put(target: type[Model], name: str, model_id: str) -> None:
    """What the project's own code has there stays, and what a class put there that is made already.

    Django puts ways back of foreign keys to a proxy on what it is a proxy of.
    """
    if getattr_static(target, name, None) is None:
        setattr(relations.concrete(target), name, Awaited(name, model_id))


def _ways_back(schema: ModelSchema) -> list[tuple[type[Model], str]]:
    relating = [f for f in schema.fields if f.is_relation and "." in f.related_model]
    found = ((classes.hand_written(f.related_model), accessor(schema, f)) for f in relating)
    return [(target, name) for target, name in found if target is not None and name]
