"""Columns that come back from before a conversion: which rows still have the value that came of theirs.

Both columns are there, and so are those between them unless they were purged. A row whose columns follow from
one another as the conversions say was not edited since: its original value stands. Any other was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from operator import eq
from typing import Any, Final

from django.db import connections

from events.diff import Handling
from events.schema import MANY_TO_MANY, FieldSchema, Frozen, ModelSchema, same, thaw
from projections import classes, conf, conversions, fields
from projections.ddl import values
from projections.ddl.physical import Lookup
from projections.ddl.rows import Links, Rows

FIFTEEN: Final = Context(prec=15)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row has in the column that comes back.

    `written` says that it is not what was there, `overwritten` that something else was. With an `error`,
    `value` is what does not convert.
    """

    key: Any
    value: Any
    written: bool = False
    error: Exception | None = None
    overwritten: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """What led from one column to another, as a question about the two values of a row.

    `filled` is what rows without a value got, `lenient` a value that a lost reference may have become.
    """

    source: str
    column: str
    forward: Callable[[Any], Any]
    same: Callable[[Any, Any], bool]
    filled: tuple[Any, ...] = ()
    lenient: tuple[Any, ...] = ()

    def holds(self, old: Any, new: Any) -> bool:
        """Whether the row was not edited: the one value follows from the other."""
        expected = self.forward(old)
        if self.same(expected, new) or (_is_nothing(expected) and _is_nothing(new)):
            return True
        if not _is_nothing(old) and _is_nothing(expected) and self._is_filled(new):
            return True
        return any(self.same(value, new) for value in self.lenient)

    def may_hold(self, old: Any, new: Any) -> bool:
        """Whether a row without a value got what all such rows got; a row that was written later may too."""
        return self.holds(old, new) or (_is_nothing(old) and self._is_filled(new))

    def _is_filled(self, new: Any) -> bool:
        return any(self.same(value, new) for value in self.filled)


def knows(path: tuple[Frozen, ...], start: str, end: str, present: Collection[str]) -> bool:
    """Whether it can be told which rows were edited since a column was put aside."""
    if not path or any(_many(item) for item in path):
        # Links are compared by themselves, for one conversion.
        return len(path) == 1
    return _links(path, start, end, present, conf.database()) is not None


def outcomes(
    table: str,
    columns: Mapping[str, FieldSchema],
    path: tuple[Frozen, ...],
    source: FieldSchema,
    column: FieldSchema,
    said: Handling,
    using: str,
    lookup: Lookup,
    owner: ModelSchema,
) -> Iterator[list[Outcome]]:
    """Every row's outcome, in batches; `columns` are those of the table as it is, by storage id."""
    links = _links(path, column.storage, source.storage, columns, using)
    assert links is not None
    needed = {source.storage, column.storage, *(s for link in links for s in (link.source, link.column))}
    seen = [columns[storage] for storage in sorted(needed)]
    back, fit = _back(source, column), _fit(columns[column.storage], column)
    # What was written into rows without a value when this was done before.
    rest = values.rest(column, said)
    for batch in Rows(table, seen, using, lookup, owner).whole(seen):
        out = [_outcome(key, found, links, source, column, back, fit, rest) for key, found in batch]
        yield _referring(out, column, using, lookup, owner) if column.is_relation else out


def _outcome(
    key: Any,
    found: Mapping[str, Any],
    links: list[Link],
    source: FieldSchema,
    column: FieldSchema,
    back: Callable[[Any], Any],
    fit: Callable[[Any], Any],
    rest: Any,
) -> Outcome:
    own = found[column.storage]
    # What had a value then and lost it on the way was not edited because a later change filled it.
    holds = Link.holds if _is_nothing(own) else Link.may_hold
    if all(holds(link, found[link.source], found[link.column]) for link in links):
        return _kept(key, own, fit)
    made = _converted(key, found[source.storage], back)
    if made.error is None:
        return replace(made, overwritten=not _is_nothing(own) and made.value != own)
    plain = {**found, column.storage: None if own == rest else own}
    if all(link.may_hold(plain[link.source], plain[link.column]) for link in links):
        return _kept(key, own, fit)
    return replace(made, overwritten=not _is_nothing(own))


def _kept(key: Any, value: Any, fit: Callable[[Any], Any]) -> Outcome:
    try:
        fit(value)
    except values.NO_VALUE as error:
        return Outcome(key, value, written=True, error=error)
    return Outcome(key, value)


def _fit(former: FieldSchema, column: FieldSchema) -> Callable[[Any], Any]:
    """A column may have been widened before it was put aside, and not every value of it fits any more."""
    if conversions.mode(former, column) != conversions.FITS or column.is_relation:
        return lambda value: value
    convert = conversions.converter(former, column)
    return lambda value: None if value is None or value == "" else convert(value)


def relinked(
    rows: Rows, links: Links, source: FieldSchema, path: tuple[Frozen, ...]
) -> Iterator[list[tuple[Any, Any]]]:
    """Rows whose reference is not what came of their links, with that reference, batch by batch."""
    expects = _expectation(path, links.key)
    for batch in rows.whole([source]):
        found = links.of([row for row, _ in batch])
        pairs = ((row, value[source.storage], found.get(row, [])) for row, value in batch)
        yield [(row, reference) for row, reference, targets in pairs if not expects(reference, targets)]


def references(
    rows: Rows,
    links: Links,
    column: FieldSchema,
    path: tuple[Frozen, ...],
    lookup: Lookup,
    owner: ModelSchema,
) -> Iterator[list[Outcome]]:
    """Every row's outcome where a reference comes back from links."""
    expects = _expectation(path, links.key)
    for batch in rows.whole([column]):
        found = links.of([row for row, _ in batch])
        out = []
        for row, value in batch:
            targets, own = found.get(row, []), value[column.storage]
            if expects(own, targets):
                out.append(Outcome(row, own))
            elif len(targets) > 1:
                error = ValueError(f"{len(targets)} links are no one reference")
                out.append(Outcome(row, f"row {row}", written=True, error=error))
            else:
                out.append(Outcome(row, targets[0] if targets else None, written=True))
        yield _referring(out, column, rows.using, lookup, owner)


def _expectation(path: tuple[Frozen, ...], key: Any) -> Callable[[Any, list[Any]], bool]:
    """Whether a reference and links say the same, as the one conversion between them left them."""
    (item,) = path
    said, column = _said(item), FieldSchema(**item["column"])
    if column.is_many_to_many:
        return lambda reference, targets: targets == ([] if reference is None else [reference])
    filled = [key.to_python(value) for value in item.get("filled", ())]
    if said.backfill is not None and (column.required or said.on_error == "keep"):
        filled.append(key.to_python(said.backfill))
    substitute = None if said.on_error != "value" else key.to_python(said.error_value)

    def expects(reference: Any, targets: list[Any]) -> bool:
        expected = targets[0] if len(targets) == 1 else substitute if targets else None
        if said.on_error == "keep":
            expected = None
        return reference == expected or (expected is None and reference in filled)

    return expects


def _converted(key: Any, value: Any, back: Callable[[Any], Any]) -> Outcome:
    try:
        return Outcome(key, back(value), written=True)
    except values.NO_VALUE as error:
        return Outcome(key, value, written=True, error=error)


def _referring(
    out: list[Outcome], column: FieldSchema, using: str, lookup: Lookup, owner: ModelSchema
) -> list[Outcome]:
    """A value is a reference only where the target has such a row; originals may have lost theirs."""
    wanted = [row.value for row in out if row.error is None and row.value is not None]
    present = values.keys_present(column, wanted, using, lookup, owner) if wanted else set()
    return [
        row
        if row.error is not None or row.value is None or row.value in present
        else Outcome(
            row.key, row.value, written=True, error=LookupError(f"the target has no row {row.value!r}")
        )
        for row in out
    ]


def _back(source: FieldSchema, column: FieldSchema) -> Callable[[Any], Any]:
    """From the present column to the one that comes back, where that direction has a meaning."""
    if conversions.mode(source, column) in (conversions.REFUSE, conversions.REPLACE):
        return _no_way_back
    key = classes.key_of(column.related_model) if column.is_relation else None
    convert = conversions.converter(source, column, key)

    def back(value: Any) -> Any:
        return (
            None if value is None or (value == "" and conversions.empties(source, column)) else convert(value)
        )

    return back


def _no_way_back(value: Any) -> Any:
    if value is None or value == "":
        return None
    raise ValueError(f"{value!r} has no counterpart")


def _links(
    path: tuple[Frozen, ...], start: str, end: str, present: Collection[str], using: str
) -> list[Link] | None:
    """The questions to ask of a row: one per conversion, or one for all where columns between are gone."""
    if any(_many(item) for item in path):
        return None
    links = [_link([item], using) for item in path]
    if all(link.source in present and link.column in present for link in links):
        return links
    for first, last in ((start, end), (end, start)):
        chain = _chain(path, first, last)
        if chain:
            return [_link(chain, using)]
    return None


def _chain(path: tuple[Frozen, ...], first: str, last: str) -> list[Frozen]:
    """The conversions that lead from one column to another; none if they do not."""
    by_source = {item["source"]["storage"]: item for item in path}
    out: list[Frozen] = []
    while first != last and first in by_source and len(out) < len(path):
        out.append(by_source[first])
        first = out[-1]["column"]["storage"]
    return out if first == last else []


def _link(chain: list[Frozen], using: str) -> Link:
    """One or more conversions, one after the other."""
    steps = [_step(item) for item in chain]
    column, said = FieldSchema(**chain[-1]["column"]), _said(chain[-1])
    lost = (values.substitute(column, said),) if said.on_error in ("null", "value") else ()

    def through(value: Any) -> Any:
        for number, (convert, filled) in enumerate(steps):
            value = convert(value)
            if _is_nothing(value) and number < len(steps) - 1 and filled:
                value = filled[0]
        return value

    return Link(
        source=chain[0]["source"]["storage"],
        column=column.storage,
        forward=through,
        same=_equality(column, using),
        filled=steps[-1][1],
        # Whether the target had such a row at that time is not known any more.
        lenient=lost if column.is_relation else (),
    )


def _equality(column: FieldSchema, using: str) -> Callable[[Any, Any], bool]:
    """When two values are the same as the database keeps them."""
    if column.type == "JSONField":
        return same
    if column.type == "DecimalField" and connections[using].vendor == "sqlite":
        # It keeps fifteen digits.
        return lambda one, other: one == other or _rounded(one) == _rounded(other)
    return eq


def _rounded(value: Any) -> Any:
    return FIFTEEN.create_decimal(value) if isinstance(value, Decimal) else value


def _step(item: Frozen) -> tuple[Callable[[Any], Any], tuple[Any, ...]]:
    """What a conversion made of a value, and what there was put where there was none."""
    source, column, said = FieldSchema(**item["source"]), FieldSchema(**item["column"]), _said(item)
    filled = [] if fields.nullable(column) and said.on_error != "keep" else [values.existing(column, said)]
    filled += [values.existing(column, Handling(backfill=thaw(value))) for value in item.get("filled", ())]
    return forward(source, column, said), tuple(value for value in filled if value is not None)


def _said(item: Frozen) -> Handling:
    return Handling(
        backfill=thaw(item["backfill"]), on_error=item["on_error"], error_value=thaw(item["error_value"])
    )


def _many(item: Frozen) -> bool:
    return MANY_TO_MANY in (item["source"]["type"], item["column"]["type"])


def forward(source: FieldSchema, column: FieldSchema, said: Handling) -> Callable[[Any], Any]:
    """What the conversion made of a value; None for none."""
    if said.on_error == "keep" or conversions.mode(source, column) == conversions.REPLACE:
        return lambda value: None
    key = classes.key_of(column.related_model) if column.is_relation else None
    convert = conversions.converter(source, column, key)
    substitute = values.substitute(column, said)

    def converted(value: Any) -> Any:
        if value is None or (value == "" and conversions.empties(source, column)):
            return None
        try:
            return convert(value)
        except values.NO_VALUE:
            return substitute

    return converted


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""
