"""Steps: what is done to tables, as values; and the difference between two shapes of one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from events.diff import Handling
from events.exceptions import ProjectionFailed
from events.schema import FieldSchema, Frozen
from projections.ddl.physical import Item, Table
from projections.ddl.shapes import REFERENCE, Column, Constraint, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A table gets another name."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A table is made, without references to others: those may not be there yet."""

    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """The references of a table that was just made."""

    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """A table goes from one shape to another; both have the same name."""

    before: Item
    after: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Rows are written, batch by batch; `kind` names a function of projections.ddl.values.

    `path` are the conversions since `column` was put aside, if it comes back. Doing it twice gives the same
    rows as doing it once, so a killed process can simply do it again.
    """

    kind: str
    schema_id: str
    table: str
    column: FieldSchema
    source: FieldSchema | None = None
    said: Handling = field(default_factory=Handling)
    path: tuple[Frozen, ...] = ()


Step: TypeAlias = Rename | Create | Refer | Reshape | Drop | Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What leads from one shape to another, in the order in which it can be done."""

    renamed: list[tuple[str, str]]
    loosened: list[Constraint]
    dropped: dict[str, Column]
    added: dict[str, Column]
    altered: list[tuple[Column, Column]]
    tightened: list[Constraint]


def touched(before: Item, after: Item) -> list[str] | None:
    """The keys whose columns may differ; None asks for whole shapes."""
    if not isinstance(before, Table) or not isinstance(after, Table):
        return None
    marked = (before.relaxed ^ after.relaxed) | (before.bare ^ after.bare) | (before.loose ^ after.loose)
    marked |= {*before.filled, *after.filled}
    if before.together != after.together:
        marked |= {*before.together, *after.together}
    keys = [key for key in before.columns if key not in after.columns]
    for key, new in after.columns.items():
        old = before.columns.get(key)
        # Most columns of a changed table are the very same object.
        if key in marked or (old is not new and old != new):
            keys.append(key)
    return keys


def between(before: Shape, after: Shape) -> Difference:
    """Compare two shapes; a constraint that stays is not touched, whatever its columns are called."""
    both = [key for key in before.columns if key in after.columns]
    moved = {key: (before.columns[key], after.columns[key]) for key in both}
    gone = [c for name, c in before.constraints.items() if after.constraints.get(name) != c]
    new = [c for name, c in after.constraints.items() if before.constraints.get(name) != c]
    return Difference(
        renamed=[(old.name, now.name) for old, now in moved.values() if old.name != now.name],
        loosened=sorted(gone, key=lambda c: c.kind != REFERENCE),
        dropped={key: column for key, column in before.columns.items() if key not in after.columns},
        added={key: column for key, column in after.columns.items() if key not in before.columns},
        altered=[pair for pair in map(_renamed, moved.values()) if pair[0] != pair[1]],
        tightened=sorted(new, key=lambda c: c.kind == REFERENCE),
    )


def _renamed(pair: tuple[Column, Column]) -> tuple[Column, Column]:
    """The former column under its new name, as it is once the renames are done."""
    old, new = pair
    return replace(old, name=new.name), new


def one_by_one(renames: list[tuple[str, str]], taken: set[str], aside: str) -> Iterator[tuple[str, str]]:
    """Order renames so that each new name is free; where they wait for each other, one steps aside."""
    waiting = list(renames)
    present = set(taken)
    while waiting:
        free = next((pair for pair in waiting if pair[1].lower() not in present - {pair[0].lower()}), None)
        if free is None:
            old, new = waiting.pop(0)
            if old == aside:
                raise ProjectionFailed(f"{new!r} is taken by something that does not go away")
            yield old, aside
            present = (present - {old.lower()}) | {aside}
            waiting.append((aside, new))
            continue
        yield free
        present = (present - {free[0].lower()}) | {free[1].lower()}
        waiting.remove(free)
