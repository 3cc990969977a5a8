"""The literal table of field types: the Django class of each, the options it takes, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

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
from projections.own_fields import FileField, FilePathField, ImageField, ManyToManyField, URLField

ON_DELETE: Final = {
    "CASCADE": models.CASCADE,
    "PROTECT": models.PROTECT,
    "RESTRICT": models.RESTRICT,
    "SET_NULL": models.SET_NULL,
    "DO_NOTHING": models.DO_NOTHING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """One row of the table: the Django class, the options it takes and what may be asked of it.

    `source` is the class, or the dotted path of one that is imported only where it is used. `backend` is the
    vendor of the only database that has the type. `indexable` is False where one of the databases cannot
    index the whole value. `limits` are the inclusive bounds of integers, the same on every database. `group`,
    `says` and `example` tell people what it is for.
    """

    name: str
    source: Any
    group: Any = ""
    says: Any = ""
    example: str = ""
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
    def all_options(self) -> dict[str, Option]:
        """Also the one that names what a default is computed by."""
        return {**self.options, **({"default_factory": one_of(*self.factories)} if self.factories else {})}

    @property
    def exists_here(self) -> bool:
        return self.backend in ("", connections[conf.database()].vendor)


LENGTH: Final = integer(1, 10_000)
INDEX: Final = {"db_index": boolean}
STAMPS: Final = {"auto_now": boolean, "auto_now_add": boolean, **INDEX}
RELATION: Final = {"on_delete": one_of(*ON_DELETE), "related_name": related_name, **INDEX}


TEXT, NUMBERS, TIMES = _("Text"), _("Numbers"), _("Dates and times")
FILES, RELATIONS, OTHER = _("Files"), _("Relations"), _("Other")
OWN: Final = _("Of this project")


def _text(cls: type[models.Field[Any, Any]], length: int, group: Any = TEXT, **more: Any) -> FieldType:
    allowed = {"max_length": LENGTH, **INDEX, **more.pop("options", {})}
    defaults = {"max_length": length}
    return FieldType(name=cls.__name__, source=cls, group=group, options=allowed, defaults=defaults, **more)


def _whole(cls: type[models.Field[Any, Any]], low: int, high: int, says: Any, example: str) -> FieldType:
    return _plain(cls, NUMBERS, limits=(low, high), says=says, example=example)


def _plain(cls: type[models.Field[Any, Any]], group: Any, **more: Any) -> FieldType:
    return FieldType(name=cls.__name__, source=cls, group=group, **{"options": INDEX, **more})


STOCK: Final[dict[str, FieldType]] = {
    row.name: row
    for row in (
        _text(models.CharField, 255, says=_("One line of text."), example="Emma"),
        _plain(
            models.TextField,
            TEXT,
            options={},
            indexable=False,
            says=_("Text of any length, with line breaks."),
            example="It was a dark night …",
        ),
        _text(models.EmailField, 254, says=_("An email address."), example="jane@example.org"),
        _text(URLField, 200, says=_("A web address."), example="https://example.org/emma"),
        _text(
            models.SlugField,
            50,
            options={"allow_unicode": boolean},
            says=_("A short name for addresses: letters, digits, hyphens and underscores."),
            example="pride-and-prejudice",
        ),
        _whole(
            models.IntegerField,
            -(2**31),
            2**31 - 1,
            _("A whole number, up to about two thousand million either way."),
            "-40",
        ),
        _whole(
            models.BigIntegerField, -(2**63), 2**63 - 1, _("A whole number of up to 18 digits."), "8045311447"
        ),
        _whole(
            models.SmallIntegerField, -(2**15), 2**15 - 1, _("A whole number from -32768 to 32767."), "-7"
        ),
        _whole(models.PositiveIntegerField, 0, 2**31 - 1, _("A whole number from zero on."), "212"),
        _whole(
            models.PositiveBigIntegerField,
            0,
            2**63 - 1,
            _("A whole number from zero on, of up to 18 digits."),
            "8045311447",
        ),
        _whole(models.PositiveSmallIntegerField, 0, 2**15 - 1, _("A whole number from 0 to 32767."), "5"),
        FieldType(
            name="DecimalField",
            source=models.DecimalField,
            group=NUMBERS,
            options={"max_digits": integer(1, 65), "decimal_places": integer(0, 30), **INDEX},
            needs=("max_digits", "decimal_places"),
            says=_("An exact number with digits after the point, such as a price."),
            example="12.50",
        ),
        _plain(
            models.FloatField,
            NUMBERS,
            says=_("A measured number; its last digits are not exact."),
            example="36.6",
        ),
        _plain(models.BooleanField, OTHER, says=_("Yes or no."), example="true"),
        _plain(
            models.DateField,
            TIMES,
            options=STAMPS,
            factories=("today",),
            says=_("A day."),
            example="1815-12-23",
        ),
        _plain(
            models.DateTimeField,
            TIMES,
            options=STAMPS,
            factories=("now",),
            says=_("A day with a time."),
            example="2026-05-01T12:00:00Z",
        ),
        _plain(models.TimeField, TIMES, options=STAMPS, says=_("A time of the day."), example="18:30"),
        _plain(models.DurationField, TIMES, says=_("How long something takes."), example="1 02:30:00"),
        _text(
            FileField,
            100,
            FILES,
            options={"upload_to": upload_folder},
            says=_("An uploaded file."),
            example="emma.pdf",
        ),
        _text(
            ImageField,
            100,
            FILES,
            options={"upload_to": upload_folder},
            says=_("An uploaded picture."),
            example="cover.jpg",
        ),
        _text(
            FilePathField,
            100,
            FILES,
            options={
                "path": folder,
                "recursive": boolean,
                "allow_files": boolean,
                "allow_folders": boolean,
            },
            says=_("One of the files in a folder of the server."),
            example="files/emma.txt",
        ),
        FieldType(
            name="ForeignKey",
            source=models.ForeignKey,
            group=RELATIONS,
            options=RELATION,
            says=_("One row of another model; many rows may refer to the same."),
            example="Book → Author",
        ),
        FieldType(
            name="OneToOneField",
            source=models.OneToOneField,
            group=RELATIONS,
            options=RELATION,
            says=_("One row of another model, which no other row refers to."),
            example="Person → Passport",
        ),
        FieldType(
            name="ManyToManyField",
            source=ManyToManyField,
            group=RELATIONS,
            options={"related_name": related_name},
            says=_("Any number of rows of another model."),
            example="Book → Tags",
        ),
        _plain(
            models.UUIDField,
            OTHER,
            factories=("uuid4",),
            says=_("An identifier that is unique everywhere."),
            example="0197c1a2-7c53-7000-8000-1f2e3d4c5b6a",
        ),
        _plain(
            models.JSONField,
            OTHER,
            options={},
            indexable=False,
            factories=("list", "dict"),
            says=_("Data of any structure, as JSON."),
            example='{"pages": 212}',
        ),
        _plain(
            models.BinaryField,
            OTHER,
            options={},
            indexable=False,
            says=_("Bytes that programs write and read; forms do not show them."),
            example="\\x89504e47",
        ),
        _plain(
            models.GenericIPAddressField,
            OTHER,
            options={"protocol": one_of("both", "IPv4", "IPv6"), "unpack_ipv4": boolean, **INDEX},
            says=_("An address of the internet protocol."),
            example="192.0.2.30",
        ),
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
        name=name,
        source=f"projections.postgresql_fields.{name}",
        group=_("PostgreSQL"),
        backend="postgresql",
        **options,
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
            says=_("A list of values of one type."),
            example='["fiction", "classic"]',
        ),
        _postgresql(
            "IntegerRangeField", options=INDEX, says=_("From one whole number to another."), example="[1, 5]"
        ),
        _postgresql(
            "BigIntegerRangeField",
            options=INDEX,
            says=_("From one large whole number to another."),
            example="[1, 5]",
        ),
        _postgresql(
            "DecimalRangeField",
            options=INDEX,
            says=_("From one exact number to another."),
            example='["1.5", "2.5"]',
        ),
        _postgresql(
            "DateRangeField",
            options=INDEX,
            says=_("From one day to another."),
            example='["2026-01-01", "2026-02-01"]',
        ),
        _postgresql(
            "DateTimeRangeField",
            options=INDEX,
            says=_("From one time to another."),
            example='["2026-01-01T08:00Z", "2026-01-01T16:00Z"]',
        ),
        _postgresql(
            "HStoreField",
            indexable=False,
            factories=("dict",),
            says=_("Texts under names."),
            example='{"colour": "red"}',
        ),
    )
}
LITERAL: Final = {**STOCK, **POSTGRESQL}
