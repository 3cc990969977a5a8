"""For each pair of types: values that the old one holds, and what they become or that they fail."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError

from projections import conversions
from projections.conversions.groups import ANY_TEXT, GROUPS, RANGE, WHOLE
from projections.field_types import LITERAL
from tests.integration.held import empty, exact
from tests.integration.option_changes import digits
from tests.integration.samples import PATH, SAMPLES
from tests.unit.conversion_examples import EXAMPLES, FIVE_TWO
from tests.unit.schemas import a_field

FAILS: Final = (ValidationError, ValueError, ArithmeticError, TypeError)
RELATIONS: Final = ("ForeignKey", "OneToOneField", "ManyToManyField")
OLD_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "DecimalField": FIVE_TWO,
    "ArrayField": {"base_field": "IntegerField"},
    "FilePathField": PATH,
}
# As narrow as in the examples, so that some values fail.
NEW_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    **OLD_OPTIONS,
    **{
        name: {"max_length": 20}
        for name in ("CharField", "EmailField", "SlugField", "FileField", "ImageField")
    },
    "URLField": {"max_length": 30},
    "FilePathField": {"max_length": 20, **PATH},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`made` says, for each value of the old type, what it becomes: exactly one value, or FAILED."""

    old: str
    new: str
    mode: str
    values: list[Any]
    made: list[Any]

    @property
    def failing(self) -> list[Any]:
        return [value for value, made in zip(self.values, self.made, strict=True) if made is FAILED]


FAILED: Final = object()


def schema(type_name: str, options: dict[str, dict[str, Any]]) -> Any:
    return a_field(
        type=type_name, options={**LITERAL[type_name].defaults, **options.get(type_name, {})}, unique=False
    )


def case(old: str, new: str) -> Case:
    before, after = schema(old, OLD_OPTIONS), schema(new, NEW_OPTIONS)
    mode = conversions.mode(before, after)
    if mode == conversions.REFUSE:
        return Case(old=old, new=new, mode=mode, values=[], made=[])
    values = [value for value in _distinct(_values(old, new)) if _holds(before, value)]
    return Case(old=old, new=new, mode=mode, values=values, made=[_made(before, after, v) for v in values])


def _values(old: str, new: str) -> Iterator[Any]:
    """Those of the examples for the pair, else for its groups; samples where there are none."""
    if GROUPS[old] == GROUPS[new] or GROUPS[old] == RANGE:
        yield from SAMPLES[old].values
    elif GROUPS[new] == RANGE:
        yield from (SAMPLES[new].given[0][0], {"empty": True}, {"lower": 3}, [1, 2, 3], "x", [])
    else:
        alike = [EXAMPLES[old, new]] if (old, new) in EXAMPLES else list(_of_groups(old, new))
        for good, bad in alike:
            yield from (value for value, _ in good)
            yield from bad


def _of_groups(old: str, new: str) -> Iterator[Any]:
    for (one, other), found in EXAMPLES.items():
        if (GROUPS[one], GROUPS[other]) == (GROUPS[old], GROUPS[new]):
            yield found


def _distinct(values: Iterator[Any]) -> list[Any]:
    return list({repr(exact(value)): value for value in values}.values())


def _made(before: Any, after: Any, value: Any) -> Any:
    if value == "" and conversions.empties(before, after):
        return None
    made = _listed(before, after, value)
    if made is FAILED or made is None:
        return made
    return digits(3, 2)(made) if after.type == "DecimalField" else made


def _listed(before: Any, after: Any, value: Any) -> Any:
    """What the examples say by hand; else it stays as it is if it fits, or is what the converter says."""
    group = GROUPS[before.type]
    if group == GROUPS[after.type] == ANY_TEXT:
        return value if len(value) <= after.options.get("max_length", math.inf) else FAILED
    if group == GROUPS[after.type] == WHOLE:
        low, high = conversions.limits(after) or (0, 0)
        return value if low <= value <= high else FAILED
    good, bad = EXAMPLES.get((before.type, after.type), ([], []))
    known = {repr(exact(one)): made for one, made in good} | {repr(exact(one)): FAILED for one in bad}
    if repr(exact(value)) in known:
        return known[repr(exact(value))]
    try:
        return conversions.converter(before, after)(value)
    except FAILS:
        return FAILED


def _holds(before: Any, value: Any) -> bool:
    """Whether the old column can have that value on every database."""
    if GROUPS[before.type] == ANY_TEXT:
        return len(value) <= before.options.get("max_length", math.inf)
    if before.type == "JSONField":
        text = json.dumps(value)
        return not any(odd in text for odd in ("\\u0000", "\\ud800", "NaN", "Infinity"))
    if isinstance(value, Decimal):
        return str(digits(3, 2)(value)) == str(value)
    if GROUPS[before.type] == WHOLE:
        low, high = conversions.limits(before) or (0, 0)
        return low <= value <= high
    return not isinstance(value, float) or math.isfinite(value)


def results(case: Case, how: str, values: list[Any]) -> list[Any]:
    """What a column has after the change, row by row, if that is done with values that fail."""
    nothing = empty(case.new)
    if how == "keep":
        return [nothing] * len(values)
    instead = error_value(case)[1] if how == "value" else nothing
    made = [*case.made, *[None] * (len(values) - len(case.made))]
    found = [instead if one is FAILED else one for one in made]
    return [nothing if one is None else one for one in found]


def error_value(case: Case) -> tuple[Any, Any]:
    raw, value = SAMPLES[case.new].given[0]
    return raw, digits(3, 2)(value) if case.new == "DecimalField" else value
