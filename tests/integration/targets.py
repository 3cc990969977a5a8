"""What a relation may refer to, with rows: models of every kind of key."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib.auth.models import User

import dynamo
from tests.integration.held import Held
from tests.integration.making import add, make
from tests.library.models import Country, Parcel, Publisher

ROWS: Final = 4
CODES: Final = ("de", "f'r", "100%s", "\U0001f600\\")
TARGETS: Final = {
    "a generated model": "dynamic.Author",
    "a hand-written model": "library.Publisher",
    "users": "auth.User",
    "a model with a text key": "library.Country",
    "a model with a UUID key": "library.Parcel",
    "itself": "self",
}


def keys_of(target: str) -> list[Any]:
    """Make the target's rows and return their keys; rows of the model itself come with it."""
    made: dict[str, Any] = {
        "dynamic.Author": lambda n: make_author(),
        "library.Publisher": lambda n: Publisher.objects.create(name=str(n)),
        "auth.User": lambda n: User.objects.create(username=f"u{n}"),
        "library.Country": lambda n: Country.objects.create(code=CODES[n]),
        "library.Parcel": lambda n: Parcel.objects.create(number=uuid.UUID(int=2**127 + n)),
    }
    return [made[target](n).pk for n in range(ROWS)]


def make_author() -> Any:
    return dynamo.get_model("Author").objects.create()


def hold_relations(target: str, **types: str) -> Held:
    """Relations to a target from rows that each refer to a row of their own; the last one to none."""
    make("Author")
    with dynamo.batch():
        meta = make("Thing", label="CharField")
        for name, type_name in types.items():
            options = {"related_name": f"{name}_of"}
            add(meta, name, type_name, related_model=target, options=options)
    cls = meta.get_model()
    made = [cls.objects.create(label=f"row {n}") for n in range(ROWS + 1)]
    keys = [row.pk for row in made[:ROWS]] if target == "self" else keys_of(target)
    held = Held(meta=meta, values={"label": [row.label for row in made]})
    for name, type_name in types.items():
        many = type_name == "ManyToManyField"
        held.values[name] = [*([key] if many else key for key in keys), [] if many else None]
        for row, key in zip(made, keys, strict=False):
            refer(row, name, key)
    return held


def refer(row: Any, name: str, key: Any) -> None:
    if row._meta.get_field(name).many_to_many:
        getattr(row, name).add(key)
    else:
        type(row).objects.filter(pk=row.pk).update(**{name: key})
