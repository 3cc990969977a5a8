"""The demo's history, step by step: how a schema grows up while its tables fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models

from dynamo.demo import iso
from dynamo.models import MetaField, MetaModel

CHUNK = 1000

# Called with what is being loaded, how much is there, and how much there will be.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One change set, and the rows that follow it. `rows` may run again after an interruption."""

    title: str
    schema: Callable[[], None]
    rows: Callable[[Progress], None] | None = None


def meta(name: str) -> MetaModel:
    return MetaModel.objects.get(name=name)


def field(model: str, name: str) -> MetaField:
    return meta(model).fields.get(name=name)


def generated(name: str) -> Any:
    return meta(name).get_model()


def define(name: str, *fields: dict[str, Any], **options: Any) -> None:
    """Create a model and its fields, then set its options: those name fields, which have to be there."""
    model = MetaModel.objects.create(name=name)
    for attributes in fields:
        MetaField.objects.create(meta_model=model, **attributes)
    model.options = options
    model.save()


def text(name: str, length: int, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "type": "CharField", "options": {"max_length": length}, **attributes}


def load(model: str, key: str, rows: Iterable[iso.Row], progress: Progress, what: str) -> None:
    """Insert the rows whose key is not in the table yet."""
    manager = generated(model)._default_manager
    there = set(manager.values_list(key, flat=True))
    wanted = list(rows)
    missing = [row for row in wanted if row[key] not in there]
    done = len(wanted) - len(missing)
    for chunk in chunks(missing):
        manager.bulk_create([manager.model(**row) for row in chunk])
        done += len(chunk)
        progress(what, done, len(wanted))


def chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


# Countries: a first draft, then better names and types.


def create_country() -> None:
    define(
        "Country",
        text("title", 100, required=True),
        text("alpha_2", 2, required=True, unique=True, help="Two letters, ISO 3166-1 alpha-2."),
        text("alpha_3", 3, required=True, unique=True, help="Three letters, ISO 3166-1 alpha-3."),
        text("numeric_code", 3, required=True, help="Three digits, ISO 3166-1 numeric."),
        text("flag", 8, help="The flag as an emoji."),
        verbose_name_plural="countries",
    )


def load_countries(progress: Progress) -> None:
    load("Country", "alpha_2", iso.countries(), progress, "countries")


def rename_title() -> None:
    title = field("Country", "title")
    title.name = "name"
    title.save()


def order_countries() -> None:
    country = meta("Country")
    country.options = {**country.options, "display": "name", "ordering": ["name"]}
    country.save()


def make_code_a_number() -> None:
    code = field("Country", "numeric_code")
    code.type, code.options = "PositiveSmallIntegerField", {}
    code.help = "ISO 3166-1 numeric, printed with leading zeros."
    code.save()


# Currencies.


def create_currency() -> None:
    define(
        "Currency",
        text("name", 100, required=True),
        text("code", 3, required=True, unique=True, help="ISO 4217."),
        {"name": "numeric_code", "type": "PositiveSmallIntegerField", "required": True},
        display="name",
        ordering=["code"],
        verbose_name_plural="currencies",
    )


def load_currencies(progress: Progress) -> None:
    load("Currency", "code", iso.currencies(), progress, "currencies")


# Languages, and later the families they belong to: a second standard in the same table.


def create_language() -> None:
    define(
        "Language",
        text("name", 100, required=True),
        text("code", 3, required=True, unique=True, help="Three letters, ISO 639."),
        text("short_code", 2, help="Two letters, ISO 639-1, where there are any."),
        text("scope", 1, required=True, choices=iso.LANGUAGE_SCOPES),
        text("kind", 1, choices=iso.LANGUAGE_KINDS),
        display="name",
        ordering=["name"],
    )


def load_languages(progress: Progress) -> None:
    load("Language", "code", iso.languages(), progress, "languages")


def add_standard() -> None:
    choices = [["639-3", "ISO 639-3, languages"], ["639-5", "ISO 639-5, families"]]
    attributes = text(
        "standard", 5, required=True, choices=choices, help="The standard that defines the code."
    )
    MetaField(meta_model=meta("Language"), **attributes).save(backfill="639-3")


def load_language_families(progress: Progress) -> None:
    load("Language", "code", iso.language_families(), progress, "language families")


# Scripts: first under a name that nobody liked.


def create_writing_system() -> None:
    define(
        "WritingSystem",
        text("name", 100, required=True),
        text("code", 4, required=True, unique=True, help="Four letters, ISO 15924."),
        {"name": "numeric_code", "type": "PositiveSmallIntegerField", "required": True},
        display="name",
        ordering=["name"],
    )


def load_scripts(progress: Progress) -> None:
    load("WritingSystem", "code", iso.scripts(), progress, "scripts")


def rename_writing_system() -> None:
    script = meta("WritingSystem")
    script.name = "Script"
    script.save()


# Subdivisions: a code first, then a real relation in its place.


def create_subdivision() -> None:
    define(
        "Subdivision",
        text("name", 100, required=True),
        text("code", 6, required=True, unique=True, help="ISO 3166-2."),
        text("kind", 60, required=True, help="What the country calls it: state, province, parish ..."),
        text("country_code", 2, required=True),
        display="name",
        ordering=["code"],
    )


def load_subdivisions(progress: Progress) -> None:
    load("Subdivision", "code", iso.subdivisions(), progress, "subdivisions")


def add_parent() -> None:
    MetaField.objects.create(
        meta_model=meta("Subdivision"),
        name="parent",
        type="ForeignKey",
        related_model="self",
        help="The subdivision in which this one lies.",
    )


def link_parents(progress: Progress) -> None:
    manager = generated("Subdivision")._default_manager
    key_of = dict(manager.values_list("code", "pk"))
    parents = iso.subdivision_parents()
    orphans = list(manager.filter(parent=None, code__in=parents).only("code"))
    done = len(parents) - len(orphans)
    for chunk in chunks(orphans):
        for subdivision in chunk:
            subdivision.parent_id = key_of[parents[subdivision.code]]
        manager.bulk_update(chunk, ["parent"], batch_size=200)
        done += len(chunk)
        progress("parents of subdivisions", done, len(parents))


def add_country() -> None:
    MetaField.objects.create(
        meta_model=meta("Subdivision"), name="country", type="ForeignKey", related_model="Country"
    )


def link_countries(progress: Progress) -> None:
    manager = generated("Subdivision")._default_manager
    country = (
        generated("Country")._default_manager.filter(alpha_2=models.OuterRef("country_code")).values("pk")
    )
    manager.filter(country=None).update(country=models.Subquery(country[:1]))
    progress("subdivisions with a country", manager.exclude(country=None).count(), manager.count())


def require_country() -> None:
    country = field("Subdivision", "country")
    country.required = True
    country.save()


def retire_country_code() -> None:
    field("Subdivision", "country_code").delete()


# Countries and currencies: many to many.


def add_currencies() -> None:
    MetaField.objects.create(
        meta_model=meta("Country"),
        name="currencies",
        type="ManyToManyField",
        related_model="Currency",
        help="Currencies whose ISO 4217 code begins with the country's code or has its number.",
    )


def link_currencies(progress: Progress) -> None:
    country, currency = generated("Country"), generated("Currency")
    countries, currencies = country._default_manager, currency._default_manager
    country_key = dict(countries.values_list("alpha_2", "pk"))
    currency_key = dict(currencies.values_list("code", "pk"))
    pairs = iso.namesake_currencies(
        countries.values_list("alpha_2", "numeric_code"), currencies.values_list("code", "numeric_code")
    )
    through = country.currencies.through
    links = [through(country_id=country_key[a], currency_id=currency_key[b]) for a, b in pairs]
    through._default_manager.bulk_create(links, ignore_conflicts=True)
    progress("countries' currencies", through._default_manager.count(), len(links))


def describe() -> None:
    for name, standard in (
        ("Country", "ISO 3166-1"),
        ("Subdivision", "ISO 3166-2"),
        ("Currency", "ISO 4217"),
        ("Language", "ISO 639-3 and ISO 639-5"),
        ("Script", "ISO 15924"),
    ):
        model = meta(name)
        model.description = f"{standard}, from pycountry {iso.edition()}."
        model.save()


STEPS = (
    Step(title="create Country", schema=create_country, rows=load_countries),
    Step(title="rename Country.title to name", schema=rename_title),
    Step(title="show and sort countries by name", schema=order_countries),
    Step(title="turn Country.numeric_code from text into a number", schema=make_code_a_number),
    Step(title="create Currency", schema=create_currency, rows=load_currencies),
    Step(title="create Language", schema=create_language, rows=load_languages),
    Step(
        title="require Language.standard, 639-3 for the languages that are there",
        schema=add_standard,
        rows=load_language_families,
    ),
    Step(title="create WritingSystem", schema=create_writing_system, rows=load_scripts),
    Step(title="rename WritingSystem to Script", schema=rename_writing_system),
    Step(title="create Subdivision", schema=create_subdivision, rows=load_subdivisions),
    Step(title="add Subdivision.parent, a relation to itself", schema=add_parent, rows=link_parents),
    Step(title="add Subdivision.country, a relation", schema=add_country, rows=link_countries),
    Step(title="require Subdivision.country", schema=require_country),
    Step(title="retire Subdivision.country_code", schema=retire_country_code),
    Step(title="add Country.currencies, many to many", schema=add_currencies, rows=link_currencies),
    Step(title="describe the models", schema=describe),
)
