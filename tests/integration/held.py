"""A generated model with rows, and what each of its columns has to give back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models.fields.files import FieldFile

import dynamo
from dynamo.models import MetaField, MetaModel
from projections.field_types import field_type
from tests.integration.agreement import settled
from tests.integration.making import add, make
from tests.integration.samples import SAMPLES


@dataclass(kw_only=True)
class Held:
    """`values` says, by name of a field, what the rows have, in the order of their keys."""

    meta: MetaModel
    values: dict[str, list[Any]]

    @property
    def model(self) -> Any:
        return self.meta.get_model()

    @property
    def size(self) -> int:
        return len(next(iter(self.values.values())))

    def field(self, name: str) -> MetaField:
        return MetaField.objects.get(meta_model=self.meta, name=name)

    def column(self, name: str) -> list[Any]:
        """What the rows give back."""
        return [_value(row, name) for row in self.model._base_manager.order_by("pk")]

    def check(self) -> None:
        """Every column has the values it should have, and everything agrees."""
        names = {f.name for f in self.model._meta.get_fields() if not f.auto_created}
        assert names == set(self.values)
        rows = list(self.model._base_manager.order_by("pk"))
        for name, expected in self.values.items():
            seen = [_value(row, name) for row in rows]
            assert [exact(value) for value in seen] == [exact(value) for value in expected], name
        settled()


def hold(fields: dict[str, dict[str, Any]], values: dict[str, list[Any]]) -> Held:
    """Make a model with these fields and a row for each of the longest column's values and one more."""
    with dynamo.batch():
        meta = make("Thing")
        for name, attributes in fields.items():
            add(meta, name, **attributes)
    cls = meta.get_model()
    for n in range(max(map(len, values.values())) + 1):
        cls.objects.create(**{name: its[n] for name, its in values.items() if n < len(its)})
    size = cls.objects.count()
    padded = {
        name: [*its, *[empty(fields[name]["type"])] * (size - len(its))] for name, its in values.items()
    }
    return Held(meta=meta, values=padded)


def hold_samples(*type_names: str) -> Held:
    """A column of each type with its samples; the last row has no value at all."""
    fields = {name_of(t): {"type": t, "options": SAMPLES[t].options} for t in type_names}
    return hold(fields, {name_of(t): list(SAMPLES[t].values) for t in type_names})


def name_of(type_name: str) -> str:
    return type_name.removesuffix("Field").lower()


def empty(type_name: str, *, unique: bool = False) -> Any:
    """What an optional field has where there is no value."""
    row = field_type(type_name)
    assert row is not None
    if unique or not row.is_text:
        return None
    return b"" if type_name == "BinaryField" else ""


def exact(value: Any) -> tuple[str, Any]:
    """Equal only if type and value are: in Python 1 == True == 1.0 == Decimal("1.00")."""
    if isinstance(value, dict | list):
        return type(value).__name__, json.dumps(value, sort_keys=True, default=repr)
    return type(value).__name__, str(value) if isinstance(value, Decimal) else value


def _value(row: Any, name: str) -> Any:
    field = row._meta.get_field(name)
    if field.many_to_many:
        return sorted(getattr(row, name).values_list("pk", flat=True))
    found = getattr(row, field.attname)
    return found.name if isinstance(found, FieldFile) else found
