"""What `actions.store` does, done with the nearest living peer: run by the Python of its own environment.

Started as `python -m tests.benchmarks.peer SIZE`; it is a twin as in `twins`, on the database server that
DYNAMO_BENCH_PEER describes.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from importlib import import_module
from typing import Any, Final

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from tests.benchmarks import twins

CHANGING: Final = 10
TYPES: Final = ("character", "integer") * 5
NUMBER: Final = itertools.count(1)


def set_up() -> None:
    settings.configure(
        DATABASES={"default": json.loads(os.environ["DYNAMO_BENCH_PEER"])},
        INSTALLED_APPS=["dynamic_models"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def main(size: int) -> None:
    set_up()
    former = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        call_command("migrate", verbosity=0)
        changing = itertools.cycle(with_tables())
        without_tables(size - CHANGING)
        twins.serve(lambda: stored(next(changing)))
    finally:
        connection.creation.destroy_test_db(former, verbosity=0)


def with_tables() -> list[Any]:
    peer = models()
    made = [peer.ModelSchema.objects.create(name=f"Measured{n}") for n in range(CHANGING)]
    for model in made:
        for number, kind in enumerate(TYPES):
            peer.FieldSchema.objects.create(**column(model, f"field_{number}", kind))
    return made


def without_tables(count: int) -> None:
    """Models that are known and have a class, as each that is used has."""
    peer = models()
    made = peer.ModelSchema.objects.bulk_create(peer.ModelSchema(name=f"Idle{n}") for n in range(count))
    columns = (column(model, f"field_{n}", kind) for model in made for n, kind in enumerate(TYPES))
    peer.FieldSchema.objects.bulk_create(peer.FieldSchema(**given) for given in columns)
    for model in peer.ModelSchema.objects.prefetch_related("fields"):
        model.as_model()


def models() -> Any:
    """The peer's own; this environment has them, and no other."""
    return import_module("dynamic_models.models")


def column(model: Any, name: str, kind: str) -> dict[str, Any]:
    text = kind == "character"
    length = 255 if text else None
    return {"model_schema": model, "name": name, "data_type": kind, "null": not text, "max_length": length}


def stored(model: Any) -> None:
    name = f"added_{next(NUMBER)}"
    models().FieldSchema.objects.create(**column(model, name, "integer"))
    model.as_model().objects.create(**{name: 1})


if __name__ == "__main__":
    main(int(sys.argv[1]))
