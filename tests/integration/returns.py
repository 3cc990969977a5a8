"""What a rollback is held against: the schema of a position, and what rows give back."""

from __future__ import annotations

import dynamo
from events.schema import Schema


def at() -> int:
    return dynamo.history()[-1].position


def live(schema: Schema) -> dict:
    """What a schema says of the models that are live, without tombstones and versions."""
    return {
        m.id: (m.attributes(), [f.attributes() for f in m.fields])
        for m in schema.models.values()
        if not m.retired
    }


def returned_to(position: int) -> bool:
    assert live(dynamo.schema()) == live(dynamo.schema(position))
    assert dynamo.verify().problems == []
    return True


def rows(label: str, *names: str) -> list[tuple]:
    return list(dynamo.get_model(label).objects.order_by("pk").values_list(*names))
