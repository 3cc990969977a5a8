"""The type picker: types in groups, and for a field that has values, by what becomes of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import connections
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from events.schema import FieldSchema, Frozen
from projections import conf, conversions, fields
from projections.fields import FieldType

Group: TypeAlias = tuple[Any, list[tuple[str, str]]]

# Options that a type cannot do without, roomy enough for all values.
ROOMY: Final = {"max_digits": 65, "decimal_places": 30, "base_field": "CharField"}
BECOMES: Final = {
    conversions.SAME: gettext_lazy("Every value fits"),
    conversions.FITS: gettext_lazy("Values stay, if each of them fits"),
    "convert": gettext_lazy("Values are converted, if each of them can be"),
    conversions.REPLACE: gettext_lazy("Starts empty"),
    conversions.REFUSE: gettext_lazy("No way there; add a new field"),
}


def choices(current: FieldSchema | None) -> list[Any]:
    """All types as choices of a select; `current` is what the field is now, None for a new one."""
    groups = _by_kind() if current is None else _by_fate(current)
    return [("", "---------"), *groups]


class Described(NamedTuple):
    """A type for those who read about it; `column` is what it is on this database."""

    name: str
    says: Any
    example: str
    options: tuple[str, ...]
    relation: bool
    column: str


def described() -> list[tuple[str, list[Described]]]:
    """All types by kind, with what each is for."""
    return [(group, [_described(row) for row in rows]) for group, rows in _grouped().items()]


def _described(row: FieldType) -> Described:
    sample = FieldSchema(
        id="", name="sample", storage="", type=row.name, column="sample", options=_roomy(row)
    )
    column = "" if row.is_relation else fields.build(sample).db_type(connections[conf.database()])
    return Described(row.name, row.says, row.example, tuple(row.all_options), row.is_relation, column or "")


def _grouped() -> dict[str, list[FieldType]]:
    out: dict[str, list[FieldType]] = {}
    for row in fields.field_types().values():
        out.setdefault(str(row.group), []).append(row)
    return out


def _by_kind() -> Iterator[Group]:
    return ((group, _pairs(rows)) for group, rows in _grouped().items())


def _by_fate(current: FieldSchema) -> Iterator[Group]:
    out: dict[Any, list[FieldType]] = {fate: [] for fate in BECOMES}
    for row in fields.field_types().values():
        mode = conversions.mode(current, _retyped(current, row))
        out[mode if mode in BECOMES else "convert"].append(row)
    return ((BECOMES[fate], _pairs(rows)) for fate, rows in out.items() if rows)


def _retyped(current: FieldSchema, row: FieldType) -> FieldSchema:
    if row.name == current.type:
        return current
    return replace(current, type=row.name, options=_roomy(row))


def _roomy(row: FieldType) -> Frozen:
    return Frozen({**row.defaults, **{name: ROOMY[name] for name in row.needs if name in ROOMY}})


def _pairs(rows: Iterable[FieldType]) -> list[tuple[str, str]]:
    return [(row.name, _("%(type)s: %(says)s") % {"type": row.name, "says": row.says}) for row in rows]
