"""What is changed while it is measured: generated models, and plain tables of the same shape."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from django.apps.registry import Apps
from django.db import connection, models

import dynamo
from dynamo.models import MetaField, MetaModel

TYPES: Final = ("CharField", "IntegerField") * 5
COLUMNS: Final[dict[str, Callable[[], Any]]] = {
    "CharField": partial(models.CharField, max_length=255),
    "IntegerField": partial(models.IntegerField, null=True),
}
# One change set of all models would be slower: each save inside it keeps what it may have to put back.
BATCH: Final = 20
NUMBER: Final = itertools.count(1)


def generated(count: int) -> list[MetaModel]:
    """Models of ten fields, made through the registry; each class is built and was used."""
    made: list[MetaModel] = []
    while len(made) < count:
        with dynamo.batch():
            made += [_generated() for _ in range(min(BATCH, count - len(made)))]
    for meta in made:
        list(meta.get_model()._default_manager.all())
    return made


def plain(count: int) -> list[type[models.Model]]:
    """Tables of ten columns, made by Django's schema editor; their models are in no registry."""
    made = [_plain() for _ in range(count)]
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    return made


def fill(upto: int) -> None:
    """Make plain tables until the database has so many."""
    plain(upto - len(connection.introspection.table_names()))


def new_field(meta: MetaModel) -> MetaField:
    """A nullable field that is not saved yet."""
    return MetaField(meta_model=meta, name=f"added_{next(NUMBER)}", type="IntegerField")


def new_column(model: type[models.Model]) -> models.Field[Any, Any]:
    """The same as a plain Django field."""
    column: models.Field[Any, Any] = models.IntegerField(null=True)
    column.set_attributes_from_name(f"added_{next(NUMBER)}")
    column.model = model
    return column


def _generated() -> MetaModel:
    meta = MetaModel.objects.create(name=f"Measured{next(NUMBER)}")
    for number, kind in enumerate(TYPES):
        MetaField.objects.create(meta_model=meta, name=f"field_{number}", type=kind)
    return meta


def _plain() -> type[models.Model]:
    return by_type(f"Plain{next(NUMBER)}")


def by_type(name: str, added: Iterable[str] = (), **options: Any) -> type[models.Model]:
    """A class of the same ten fields, and of numbers that were added."""
    columns = {f"field_{number}": COLUMNS[kind]() for number, kind in enumerate(TYPES)}
    columns |= {column: COLUMNS["IntegerField"]() for column in added}
    return unregistered(name, columns, **options)


def unregistered(name: str, attributes: dict[str, Any], **options: Any) -> type[models.Model]:
    """A model that no other model, and no command, can see."""
    meta = type("Meta", (), {"app_label": "benchmarks", "apps": Apps(), **options})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **attributes})
