"""FieldSchema -> Django field: the literal table of field types, their options and their values."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.html import escape
from django.utils.module_loading import import_string

from events.schema import FieldSchema, thaw
from projections import conf
from projections.options import (
    Option,
    boolean,
    folder,
    integer,
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

    `indexable` is False where one of the databases cannot index the whole value. `limits` are the
    inclusive bounds of integers, the same on every database.
    """

    name: str
    cls: Any
    options: Mapping[str, Option] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    indexable: bool = True
    limits: tuple[int, int] | None = None
    factories: tuple[str, ...] = ()

    @property
    def is_relation(self) -> bool:
        return bool(issubclass(self.cls, models.ForeignKey | models.ManyToManyField))

    @property
    def is_text(self) -> bool:
        return self.cls.empty_strings_allowed and not self.is_relation


LENGTH: Final = integer(1, 10_000)
INDEX: Final = {"db_index": boolean}
STAMPS: Final = {"auto_now": boolean, "auto_now_add": boolean, **INDEX}
RELATION: Final = {"on_delete": one_of(*ON_DELETE), "related_name": related_name, **INDEX}


def _text(cls: type[models.Field[Any, Any]], length: int, **options: Option) -> FieldType:
    allowed = {"max_length": LENGTH, **INDEX, **options}
    return FieldType(name=cls.__name__, cls=cls, options=allowed, defaults={"max_length": length})


def _whole(cls: type[models.Field[Any, Any]], low: int, high: int) -> FieldType:
    return FieldType(name=cls.__name__, cls=cls, options=INDEX, limits=(low, high))


def _plain(cls: type[models.Field[Any, Any]], **options: Any) -> FieldType:
    return FieldType(name=cls.__name__, cls=cls, **{"options": INDEX, **options})


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
            cls=models.DecimalField,
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
        FieldType(name="ForeignKey", cls=models.ForeignKey, options=RELATION),
        FieldType(name="OneToOneField", cls=models.OneToOneField, options=RELATION),
        FieldType(name="ManyToManyField", cls=ManyToManyField, options={"related_name": related_name}),
    )
}

# Longest text that every database can index whole: 3,072 bytes of four-byte characters on MariaDB.
INDEXABLE_LENGTH: Final = 768


def field_types() -> dict[str, FieldType]:
    """Every type that fields may have: the stock ones and those the project allows."""
    own = {name: _third_party(name, path) for name, path in conf.get("DYNAMO_FIELD_TYPES").items()}
    return {**own, **STOCK}


def field_type(name: object) -> FieldType | None:
    """The table's row of that name; nothing is ever looked up anywhere else."""
    if not isinstance(name, str) or name in STOCK:
        return STOCK.get(name) if isinstance(name, str) else None
    path = conf.get("DYNAMO_FIELD_TYPES").get(name)
    return None if path is None else _third_party(name, path)


def _third_party(name: str, path: str) -> FieldType:
    """The class comes from the project's settings; its options are those of its nearest stock parent."""
    cls = import_string(path)
    nearest = next((STOCK[c.__name__] for c in cls.__mro__ if c.__name__ in STOCK), None)
    if nearest is None:
        return FieldType(name=name, cls=cls)
    return FieldType(
        name=name,
        cls=cls,
        options=nearest.options,
        defaults=nearest.defaults,
        needs=nearest.needs,
        indexable=nearest.indexable,
        limits=nearest.limits,
        factories=nearest.factories,
    )


def nullable(schema: FieldSchema) -> bool:
    """NULL is for optional values, except text, whose empty value is ''; unique text needs NULL again."""
    row = field_type(schema.type)
    if schema.required or row is None or schema.is_many_to_many:
        return False
    return schema.unique or not row.cls.empty_strings_allowed


def build(schema: FieldSchema, target: Any = None) -> models.Field[Any, Any]:
    """Make the Django field. `target` is the class or "app.Model" that a relation refers to."""
    row = field_type(schema.type)
    if row is None:
        raise LookupError(f"field type {schema.type!r} is not in the table of field types")
    kwargs: dict[str, Any] = {"blank": not schema.required, "help_text": escape(schema.help)}
    if schema.verbose_name:
        kwargs["verbose_name"] = schema.verbose_name
    options = dict(schema.options)
    factory = options.pop("default_factory", None)
    if schema.is_many_to_many:
        many: Any = row.cls(to=target, db_table=schema.table, **options, **{**kwargs, "help_text": ""})
        many.form_help = kwargs["help_text"]
        relation: models.Field[Any, Any] = many
        return relation
    kwargs["null"] = nullable(schema)
    kwargs["db_column"] = schema.column
    if schema.unique and schema.type != "OneToOneField":
        kwargs["unique"] = True
    if row.is_relation:
        on_delete = ON_DELETE[options.pop("on_delete")]
        key: models.Field[Any, Any] = row.cls(to=target, on_delete=on_delete, **options, **kwargs)
        return key
    if issubclass(row.cls, FilePathField):
        options["path"] = _below_media(options.get("path", ""))
    built: models.Field[Any, Any] = row.cls(**options, **kwargs)
    if factory is not None:
        built.default = FACTORIES[factory]
    elif schema.default is not None:
        built.default = _default(built, schema.default)
    if schema.choices:
        built.choices = list(_choices(built, schema.choices))
    return built


def _below_media(folder: str) -> str:
    """Without a MEDIA_ROOT there is no folder: never the one that the process was started in."""
    root = str(settings.MEDIA_ROOT)
    return str(Path(root) / folder) if root else ""


def parse(built: models.Field[Any, Any], raw: Any) -> Any:
    """Turn a JSON value into the field's own, or raise ValidationError; text stays as it was given."""
    row = field_type(type(built).__name__)
    _refuse_odd(built, raw, None if row is None else row.limits)
    if isinstance(built, models.JSONField):
        return thaw(raw)
    if type(built).__name__ not in STOCK:
        return built.clean(raw, None)
    value = built.to_python(raw)
    if isinstance(value, str) or isinstance(built, models.GenericIPAddressField):
        built.run_validators(value)
        return raw
    _refuse_special(value)
    built.run_validators(value)
    return _in_project_time(value) if isinstance(value, datetime) else value


def _in_project_time(moment: datetime) -> datetime:
    """A time without a zone is UTC, so that a recorded default means the same wherever it is replayed."""
    if settings.USE_TZ:
        return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
    return timezone.make_naive(moment, UTC) if timezone.is_aware(moment) else moment


def _refuse_odd(built: models.Field[Any, Any], raw: Any, limits: tuple[int, int] | None) -> None:
    if isinstance(built, models.JSONField):
        return
    if raw is None or isinstance(raw, dict | tuple | list):
        raise ValidationError(f"{raw!r} is not a single value")
    if isinstance(raw, bool) != isinstance(built, models.BooleanField):
        raise ValidationError(f"{raw!r}: true and false are for BooleanField, and nothing else is")
    if limits is not None:
        _refuse_not_whole(raw, *limits)
    elif not isinstance(raw, str) and not isinstance(
        built, models.FloatField | models.DecimalField | models.BooleanField
    ):
        raise ValidationError(f"{raw!r} must be text")


def _refuse_not_whole(raw: Any, low: int, high: int) -> None:
    try:
        number = int(raw)
    except (TypeError, ValueError, OverflowError):
        raise ValidationError(f"{raw!r} is not a whole number") from None
    if isinstance(raw, float) and raw != number:
        raise ValidationError(f"{raw!r} is not a whole number")
    if not low <= number <= high:
        raise ValidationError(f"{number} is outside {low} to {high}")


def _refuse_special(value: Any) -> None:
    finite = getattr(value, "is_finite", None)
    special = not finite() if finite is not None else isinstance(value, float) and value - value != 0
    if special:
        raise ValidationError(f"{value!r} is not a finite number")


def _default(built: models.Field[Any, Any], raw: Any) -> Any:
    value = parse(built, raw)
    # A mutable default is made anew for every row, else rows would share it.
    return partial(thaw, raw) if isinstance(value, dict | list) else value


def _choices(built: models.Field[Any, Any], choices: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    for value, label in choices:
        if isinstance(label, tuple):
            yield value, list(_choices(built, label))
        else:
            yield parse(built, value), label
