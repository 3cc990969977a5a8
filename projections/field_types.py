"""The literal table of field types: the Django class of each, and the options it takes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from django import forms
from django.conf import settings
from django.db import connections, models
from django.utils import timezone
from django.utils.module_loading import import_string

from projections import conf
from projections.options import (
    Option,
    boolean,
    folder,
    integer,
    mapping,
    one_of,
    related_name,
    upload_folder,
)

ON_DELETE: Final = {
    "CASCADE": models.CASCADE,
    "PROTECT": models.PROTECT,
    "RESTRICT": models.RESTRICT,
    "SET_NULL": models.SET_NULL,
    "DO_NOTHING": models.DO_NOTHING,
}


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


class ManyToManyField(models.ManyToManyField):  # type: ignore[type-arg]  # generic only in the stubs
    """A many-to-many whose help is put on its form field.

    `tests/conformance.py` holds every field against one that Django builds without help for relations of
    this kind, so the help is not part of the field itself.
    """

    form_help: str = ""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"help_text": self.form_help, **kwargs})


class FileField(models.FileField):
    """For no file Django writes '' even where NULL is allowed, and '' could be unique only once."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value) or (None if self.null else "")


class ImageField(models.ImageField):
    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value) or (None if self.null else "")


class FilePathField(models.FilePathField):  # type: ignore[type-arg]
    """`path` is a folder below MEDIA_ROOT. A missing one has no files, and does not fail the form."""

    def formfield(self, **kwargs: Any) -> Any:
        if Path(str(self.path)).is_dir():
            return super().formfield(**kwargs)
        empty = {"form_class": forms.ChoiceField, "choices": [("", "---------")]}
        return models.Field.formfield(self, **{**kwargs, **empty})


class URLField(models.URLField):  # type: ignore[type-arg]
    """Its form takes an address without a scheme for https, as Django will from version 6 on."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https", **kwargs})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One row of the table: the Django class, the options it takes and what may be asked of it.

    `source` is the class, or the dotted path of one that is imported only where it is used. `backend` is the
    vendor of the only database that has the type. `indexable` is False where one of the databases cannot
    index the whole value. `limits` are the inclusive bounds of integers, the same on every database.
    """

    name: str
    source: Any
    options: Mapping[str, Option] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    indexable: bool = True
    limits: tuple[int, int] | None = None
    factories: tuple[str, ...] = ()
    backend: str = ""

    @property
    def cls(self) -> Any:
        return import_string(self.source) if isinstance(self.source, str) else self.source

    @property
    def is_relation(self) -> bool:
        return bool(issubclass(self.cls, models.ForeignKey | models.ManyToManyField))

    @property
    def is_text(self) -> bool:
        return self.cls.empty_strings_allowed and not self.is_relation

    @property
    def exists_here(self) -> bool:
        return self.backend in ("", connections[conf.database()].vendor)


LENGTH: Final = integer(1, 10_000)
INDEX: Final = {"db_index": boolean}
STAMPS: Final = {"auto_now": boolean, "auto_now_add": boolean, **INDEX}
RELATION: Final = {"on_delete": one_of(*ON_DELETE), "related_name": related_name, **INDEX}


def _text(cls: type[models.Field[Any, Any]], length: int, **options: Option) -> FieldType:
    allowed = {"max_length": LENGTH, **INDEX, **options}
    return FieldType(name=cls.__name__, source=cls, options=allowed, defaults={"max_length": length})


def _whole(cls: type[models.Field[Any, Any]], low: int, high: int) -> FieldType:
    return FieldType(name=cls.__name__, source=cls, options=INDEX, limits=(low, high))


def _plain(cls: type[models.Field[Any, Any]], **options: Any) -> FieldType:
    return FieldType(name=cls.__name__, source=cls, **{"options": INDEX, **options})


STOCK: Final[dict[str, FieldType]] = {
    row.name: row
    for row in (
        _text(models.CharField, 255),
        _text(models.EmailField, 254),
        _text(models.SlugField, 50, allow_unicode=boolean),
        _text(URLField, 200),
        _plain(models.TextField, options={}, indexable=False),
        _whole(models.IntegerField, -(2**31), 2**31 - 1),
        _whole(models.BigIntegerField, -(2**63), 2**63 - 1),
        _whole(models.SmallIntegerField, -(2**15), 2**15 - 1),
        _whole(models.PositiveIntegerField, 0, 2**31 - 1),
        _whole(models.PositiveBigIntegerField, 0, 2**63 - 1),
        _whole(models.PositiveSmallIntegerField, 0, 2**15 - 1),
        _plain(models.FloatField),
        FieldType(
            name="DecimalField",
            source=models.DecimalField,
            options={"max_digits": integer(1, 65), "decimal_places": integer(0, 30), **INDEX},
            needs=("max_digits", "decimal_places"),
        ),
        _plain(models.BooleanField),
        _plain(models.DateField, options=STAMPS, factories=("today",)),
        _plain(models.DateTimeField, options=STAMPS, factories=("now",)),
        _plain(models.TimeField, options=STAMPS),
        _plain(models.DurationField),
        _plain(models.UUIDField, factories=("uuid4",)),
        _plain(models.JSONField, options={}, indexable=False, factories=("list", "dict")),
        _plain(models.BinaryField, options={}, indexable=False),
        _plain(
            models.GenericIPAddressField,
            options={"protocol": one_of("both", "IPv4", "IPv6"), "unpack_ipv4": boolean, **INDEX},
        ),
        _text(FileField, 100, upload_to=upload_folder),
        _text(ImageField, 100, upload_to=upload_folder),
        _text(
            FilePathField,
            100,
            path=folder,
            recursive=boolean,
            allow_files=boolean,
            allow_folders=boolean,
        ),
        FieldType(name="ForeignKey", source=models.ForeignKey, options=RELATION),
        FieldType(name="OneToOneField", source=models.OneToOneField, options=RELATION),
        FieldType(name="ManyToManyField", source=ManyToManyField, options={"related_name": related_name}),
    )
}

# What an array may be of: types with one value of a fixed form.
ELEMENTS: Final = (
    "CharField",
    "TextField",
    "SlugField",
    "EmailField",
    "URLField",
    "SmallIntegerField",
    "IntegerField",
    "BigIntegerField",
    "PositiveSmallIntegerField",
    "PositiveIntegerField",
    "PositiveBigIntegerField",
    "FloatField",
    "DecimalField",
    "BooleanField",
    "DateField",
    "DateTimeField",
    "TimeField",
    "DurationField",
    "UUIDField",
    "GenericIPAddressField",
)


def _postgresql(name: str, **options: Any) -> FieldType:
    return FieldType(
        name=name, source=f"projections.postgresql_fields.{name}", backend="postgresql", **options
    )


POSTGRESQL: Final[dict[str, FieldType]] = {
    row.name: row
    for row in (
        _postgresql(
            "ArrayField",
            options={"base_field": one_of(*ELEMENTS), "base_options": mapping, "size": integer(1, 10_000)},
            defaults={"base_options": {}},
            needs=("base_field",),
            indexable=False,
            factories=("list",),
        ),
        _postgresql("IntegerRangeField", options=INDEX),
        _postgresql("BigIntegerRangeField", options=INDEX),
        _postgresql("DecimalRangeField", options=INDEX),
        _postgresql("DateRangeField", options=INDEX),
        _postgresql("DateTimeRangeField", options=INDEX),
        _postgresql("HStoreField", indexable=False, factories=("dict",)),
    )
}
LITERAL: Final = {**STOCK, **POSTGRESQL}

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
    if nearest is None:
        return FieldType(name=name, source=cls)
    return FieldType(
        name=name,
        source=cls,
        options=nearest.options,
        defaults=nearest.defaults,
        needs=nearest.needs,
        indexable=nearest.indexable,
        limits=nearest.limits,
        factories=nearest.factories,
    )
