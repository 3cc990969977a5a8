"""The whole table of conversions: by pairs of types for those who check it, by groups for those who read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from events.schema import FieldSchema, Frozen
from projections import fields
from projections.conversions.groups import GROUPS, OTHER
from projections.conversions.modes import MODES, SAYS_WITHIN, mode, sentence
from projections.conversions.rules import BY_PAIR, RULES

# The options of a type that cannot be without.
NEEDED: Final[dict[str, dict[str, Any]]] = {
    "DecimalField": {"max_digits": 10, "decimal_places": 2},
    "ArrayField": {"base_field": "IntegerField"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`mode` is that of two fields with default options and the same target, if any."""

    old: str
    new: str
    mode: str
    says: str


def table() -> list[Pair]:
    """Every pair of types, the pairs without a meaning included."""
    return [_pair(old, new) for old in GROUPS for new in GROUPS]


def members() -> Iterator[tuple[str, list[str]]]:
    """Each group with its types."""
    for group in dict.fromkeys(GROUPS.values()):
        yield group, [name for name, its in GROUPS.items() if its == group]
    yield OTHER, []


def between() -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str, str]]:
    """From which groups, into which, the mode and the sentence; rules that read alike are one line."""
    lines: dict[tuple[tuple[str, ...], str, str], tuple[str, ...]] = {}
    for rule in RULES:
        line = rule.olds, rule.mode, rule.says
        lines[line] = (*lines.get(line, ()), *rule.news)
    for (olds, how, says), news in lines.items():
        yield olds, news, how, says


def within() -> Iterator[tuple[str, str]]:
    """Each group, and what happens between types or options inside it."""
    for group, _ in members():
        yield group, SAYS_WITHIN.get(group, MODES["same"])


def matrix() -> Iterator[tuple[str, list[str]]]:
    """Each group with the groups that its values can go to."""
    groups = [group for group, _ in members()]
    for old in groups:
        yield old, [new for new in groups if new != old and (old, new) in BY_PAIR]


def _pair(old: str, new: str) -> Pair:
    one, other = _example(old), _example(new)
    return Pair(old=old, new=new, mode=mode(one, other), says=sentence(one, other))


def _example(name: str) -> FieldSchema:
    return FieldSchema(
        id="", name="value", storage="", type=name, related_model="app.Model", options=_options(name)
    )


def _options(name: str) -> Frozen:
    row = fields.field_type(name)
    assert row is not None
    return Frozen({**row.defaults, **NEEDED.get(name, {})})
