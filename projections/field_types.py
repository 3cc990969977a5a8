"""Field types by name: those of the literal table, and those that the project allows besides."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from projections import conf
from projections.type_table import LITERAL, ON_DELETE, OWN, POSTGRESQL, STAMPS, STOCK, FieldType

__all__ = [
    "FACTORIES",
    "INDEXABLE_LENGTH",
    "LITERAL",
    "ON_DELETE",
    "POSTGRESQL",
    "STOCK",
    "FieldType",
    "element_type",
    "field_type",
    "field_types",
]


def now() -> datetime:
    return timezone.now()


def today() -> date:
    return timezone.localdate() if settings.USE_TZ else timezone.now().date()


FACTORIES: Final[dict[str, Callable[[], Any]]] = {
    "now": now,
    "today": today,
    "uuid4": uuid.uuid4,
    "list": list,
    "dict": dict,
}


# Longest text that every database can index whole: 3,072 bytes of four-byte characters on MariaDB.
INDEXABLE_LENGTH: Final = 768


def field_types() -> dict[str, FieldType]:
    """Every type that fields may have: those the project allows, the stock ones and those of its database."""
    own = {name: _third_party(name, path) for name, path in conf.get("DYNAMO_FIELD_TYPES").items()}
    return {**own, **{name: row for name, row in LITERAL.items() if row.exists_here}}


def element_type(name: str) -> FieldType:
    """The row of an array's elements; what concerns the column is the array's own."""
    row = STOCK[name]
    options = {key: option for key, option in row.options.items() if key not in STAMPS}
    return replace(row, options=options, factories=())


def field_type(name: object) -> FieldType | None:
    """The table's row of that name; nothing is ever looked up anywhere else."""
    if not isinstance(name, str) or name in LITERAL:
        return LITERAL.get(name) if isinstance(name, str) else None
    path = conf.get("DYNAMO_FIELD_TYPES").get(name)
    return None if path is None else _third_party(name, path)


def _third_party(name: str, path: str) -> FieldType:
    """The class comes from the project's settings; its options are those of its nearest stock parent."""
    cls = import_string(path)
    nearest = next((STOCK[c.__name__] for c in cls.__mro__ if c.__name__ in STOCK), None)
    # What its author says of it serves people too.
    says = (cls.__doc__ or "").strip().partition("\n")[0]
    if nearest is None:
        return FieldType(name=name, source=cls, group=OWN, says=says)
    return FieldType(
        name=name,
        source=cls,
        group=OWN,
        says=says,
        options=nearest.options,
        defaults=nearest.defaults,
        needs=nearest.needs,
        indexable=nearest.indexable,
        limits=nearest.limits,
        factories=nearest.factories,
    )
