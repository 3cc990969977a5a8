"""The rows of the demo: ISO tables as plain dictionaries, in the words of the demo's models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

import pycountry

Row = dict[str, Any]

# ISO 639-3 names these letters; pycountry passes them on.
LANGUAGE_SCOPES = [["I", "Individual"], ["M", "Macrolanguage"], ["S", "Special"], ["C", "Collective"]]
LANGUAGE_KINDS = [
    ["L", "Living"],
    ["E", "Extinct"],
    ["H", "Historical"],
    ["A", "Ancient"],
    ["C", "Constructed"],
    ["S", "Special"],
]


def edition() -> str:
    """Return the version of the data."""
    return version("pycountry")


def countries() -> list[Row]:
    """ISO 3166-1. The numeric code is text with leading zeros, as the standard prints it."""
    return [
        {
            "title": c.name,
            "alpha_2": c.alpha_2,
            "alpha_3": c.alpha_3,
            "numeric_code": c.numeric,
            "flag": c.flag,
        }
        for c in pycountry.countries
    ]


def currencies() -> list[Row]:
    """ISO 4217."""
    return [{"name": c.name, "code": c.alpha_3, "numeric_code": int(c.numeric)} for c in pycountry.currencies]


def languages() -> list[Row]:
    """ISO 639-3."""
    return [
        {
            "name": language.name,
            "code": language.alpha_3,
            "short_code": getattr(language, "alpha_2", ""),
            "scope": language.scope,
            "kind": language.type,
        }
        for language in pycountry.languages
    ]


def language_families() -> list[Row]:
    """ISO 639-5. Its codes stand for collections of languages, the scope that ISO 639-2 calls collective."""
    return [
        {"name": family.name, "code": family.alpha_3, "scope": "C", "standard": "639-5"}
        for family in pycountry.language_families
    ]


def scripts() -> list[Row]:
    """ISO 15924."""
    return [{"name": s.name, "code": s.alpha_4, "numeric_code": int(s.numeric)} for s in pycountry.scripts]


def subdivisions() -> list[Row]:
    """ISO 3166-2."""
    return [
        {"name": s.name, "code": s.code, "kind": s.type, "country_code": s.country_code}
        for s in pycountry.subdivisions
    ]


def subdivision_parents() -> dict[str, str]:
    """The code of each subdivision that lies in another one, with the code of that one."""
    return {s.code: s.parent_code for s in pycountry.subdivisions if s.parent_code}


def namesake_currencies(
    countries: Iterable[tuple[str, int]], currencies: Iterable[tuple[str, int]]
) -> Iterator[tuple[str, str]]:
    """Pair country codes with the currency codes that ISO 4217 derives from them.

    A pair is made when the currency's first two letters are the country's alpha-2 code, or when both have
    the same numeric code. It says whose code the currency carries, not where it is legal tender: the euro
    belongs to no country here.
    """
    number_of = dict(countries)
    country_of = {number: alpha_2 for alpha_2, number in number_of.items()}
    for code, number in currencies:
        owners = {code[:2], country_of.get(number, "")} & number_of.keys()
        for alpha_2 in sorted(owners):
            yield alpha_2, code
