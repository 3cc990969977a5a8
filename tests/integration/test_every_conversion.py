"""Every change from one type to another, with values that convert, values that fail and no value."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

import dynamo
from dynamo.exceptions import DataRefused
from dynamo.models import MetaField
from projections import conversions
from projections.conversions.groups import ANY_TEXT, GROUPS, WHOLE
from projections.field_types import LITERAL
from tests.integration.agreement import naming, planned, refused
from tests.integration.conversion_cases import (
    NEW_OPTIONS,
    OLD_OPTIONS,
    Case,
    case,
    error_value,
    results,
)
from tests.integration.held import Held, hold, hold_samples, name_of
from tests.integration.making import alter, columns
from tests.integration.samples import SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = {"text": {ANY_TEXT}, "whole numbers": {WHOLE}, "the rest": set(GROUPS.values()) - {ANY_TEXT, WHOLE}}
HERE = list(SAMPLES)
HOWS = ("null", "value", "keep")


def cases(old: str, kind: str) -> list[Case]:
    news = [new for new in HERE if GROUPS[new] in KINDS[kind] and new != old]
    return [found for found in (case(old, new) for new in news) if found.mode != conversions.REFUSE]


WAYS = [
    pytest.param(old, found, id=f"{old} to {kind}")
    for old in HERE
    for kind in KINDS
    if (found := cases(old, kind))
]


def names_of(case: Case) -> dict[str, str]:
    """A column for each way to handle values that fail, or one if none does."""
    return {how: f"{name_of(case.new)}_{how}" for how in (HOWS if case.failing else ("fail",))}


def prepare(old: str, ways: list[Case]) -> Held:
    field = {"type": old, "options": OLD_OPTIONS.get(old, {})}
    names = {name: way for way in ways for name in names_of(way).values()}
    return hold(dict.fromkeys(names, field), {name: list(way.values) for name, way in names.items()})


def change(held: Held, way: Case, how: str) -> MetaField:
    field = held.field(names_of(way)[how])
    field.type, field.options = way.new, NEW_OPTIONS.get(way.new, {})
    said: dict[str, Any] = {"on_error": how}
    if how == "value":
        said["error_value"] = error_value(way)[0]
    field.save(**said)
    return field


def change_all(held: Held, way: Case) -> None:
    with dynamo.batch():
        for how in names_of(way):
            change(held, way, how)


def restore_all(names: list[str]) -> None:
    with dynamo.batch():
        for name in names:
            dynamo.restore(f"Thing.{name}", name=f"{name}_was")


@pytest.mark.parametrize(("old", "ways"), WAYS)
def test_each_value_converts_exactly_or_is_handled_as_the_change_set_says(old, ways):
    held = prepare(old, ways)
    held.check()
    kept: dict[str, list[Any]] = {}
    for way in ways:
        with naming(f"{old} to {way.new}"):
            kept.update(convert(held, way))
    assert len([name for name in columns("dynamic_thing") if name.startswith("zz_")]) == len(kept)
    restore_all(list(kept))
    held.values.update({f"{name}_was": values for name, values in kept.items()})
    held.check()


def convert(held: Held, way: Case) -> dict[str, list[Any]]:
    """Change the type, and return what the tombstones of the former columns have."""
    if way.failing:
        with refused(DataRefused, "on_error") as caught:
            planned(lambda: alter(held.field(names_of(way)["null"]), type=way.new, options=options_of(way)))
        assert caught.value.count == len(way.failing)
        assert caught.value.samples == way.failing[:5]
    before = {name: held.values[name] for name in names_of(way).values()}
    change_all(held, way)
    for how, name in names_of(way).items():
        held.values[name] = results(way, how, before[name])
    held.check()
    return before if way.mode == conversions.CONVERT or way.failing else {}


def options_of(way: Case) -> dict[str, Any]:
    return NEW_OPTIONS.get(way.new, {})


@pytest.mark.parametrize("old", HERE)
def test_a_type_without_a_common_meaning_is_refused(old):
    held = hold_samples(old)
    news = [p.new for p in conversions.table() if (p.old, p.mode) == (old, conversions.REFUSE)]
    for new in news:
        if new in SAMPLES or LITERAL[new].is_relation:
            target = "library.Publisher" if LITERAL[new].is_relation else ""
            with naming(f"{old} to {new}"), refused(ValidationError, "no meaningful way"):
                alter(
                    held.field(name_of(old)),
                    type=new,
                    related_model=target,
                    options=SAMPLES[new].options if new in SAMPLES else {},
                    on_error="keep",
                )
    held.check()
