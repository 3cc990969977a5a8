"""What the rows of a table say when they are asked: nulls, duplicates, values that do not convert."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from django.db import connections
from django.db.models import Count, Q

from events.schema import FieldSchema, ModelSchema
from projections.ddl import values
from projections.ddl.physical import Lookup, table_of
from projections.ddl.quoting import foreign, quoting
from projections.ddl.reverting import Outcome
from projections.ddl.rows import Rows, attribute

SAMPLES: Final = 5
# Converted values are compared in memory only for a unique column; more than these are left to the database.
MOST_COMPARED: Final = 1_000_000


# A column, and what becomes of its value; without a column, what every row gets.
Member: TypeAlias = tuple[FieldSchema | None, Callable[[Any], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How many of `total` values stand in the way, some of them, and results that occur more than once.

    `seen` are the results, where they have to differ.
    """

    count: int = 0
    samples: list[Any] = field(default_factory=list)
    total: int = 0
    repeated: list[Any] = field(default_factory=list)
    seen: Counter[Any] = field(default_factory=Counter)


def nulls(rows: Rows, column: FieldSchema) -> int:
    return int(rows.query.filter(**{f"{attribute(column)}__isnull": True}).count())


def has(rows: Rows, column: FieldSchema, value: Any) -> bool:
    return bool(rows.query.alias(value=rows.exactly(column)).filter(value=value).exists())


def failing(rows: Rows, old: FieldSchema, new: FieldSchema, lookup: Lookup, owner: ModelSchema) -> Verdict:
    """Count the values that do not convert."""
    count = total = 0
    samples: list[Any] = []
    seen: Counter[Any] = Counter()
    compare = new.is_unique
    for batch in values.converted(rows, old, new, lookup, owner):
        total += len(batch)
        failed = [value for _, value, error in batch if error is not None]
        count += len(failed)
        samples += failed[: SAMPLES - len(samples)]
        if compare and total <= MOST_COMPARED:
            seen.update(value for _, value, error in batch if error is None)
    return Verdict(count=count, samples=samples, total=total, repeated=_repeated(seen), seen=seen)


def _repeated(seen: Counter[Any]) -> list[Any]:
    return [value for value, times in seen.items() if times > 1]


def combined(rows: Rows, members: list[Member]) -> Verdict:
    """How many combinations of values will occur more than once; NULL is never equal to NULL."""
    columns = [source for source, _ in members if source is not None]
    seen: Counter[tuple[Any, ...]] = Counter()
    for batch in rows.whole(columns):
        for _, found in batch:
            values_ = (made(None if source is None else found[source.storage]) for source, made in members)
            combination = tuple(values_)
            if None not in combination and len(seen) <= MOST_COMPARED:
                seen[combination] += 1
    repeated = _repeated(seen)
    return Verdict(count=len(repeated), samples=repeated[:SAMPLES])


def reverting(whole: Iterator[list[Outcome]], *, compare: bool) -> tuple[Verdict, int, Verdict]:
    """Count what was written since and does not convert, the rows that will have no value, and what is
    written over.
    """
    count = total = missing = compared = lost = 0
    overwritten: list[Any] = []
    samples: list[Any] = []
    seen: Counter[Any] = Counter()
    for batch in whole:
        failed = [row.value for row in batch if row.error is not None]
        count += len(failed)
        samples += failed[: SAMPLES - len(samples)]
        over = [row.value for row in batch if row.overwritten]
        lost += len(over)
        overwritten += over[: SAMPLES - len(overwritten)]
        total += sum(row.written and (row.value is not None) for row in batch)
        there = [row.value for row in batch if row.error is None and row.value is not None]
        missing += len(batch) - len(there)
        compared += len(batch)
        if compare and compared <= MOST_COMPARED:
            seen.update(there)
    verdict = Verdict(count=count, samples=samples, total=total, repeated=_repeated(seen), seen=seen)
    return verdict, missing, Verdict(count=lost, samples=overwritten)


def duplicates(rows: Rows, columns: list[FieldSchema]) -> Verdict:
    """How many combinations of values occur more than once; NULL is never equal to NULL."""
    names = [attribute(column) for column in columns]
    present = Q(*(Q(**{f"{name}__isnull": False}) for name in names))
    groups = rows.query.filter(present).order_by().values_list(*map(rows.exactly, columns))
    repeated = groups.annotate(times=Count("pk")).filter(times__gt=1)
    return Verdict(count=repeated.count(), samples=[row[:-1] for row in repeated[:SAMPLES]])


def dangling(using: str, model: ModelSchema, old: FieldSchema, new: FieldSchema, lookup: Lookup) -> Verdict:
    """Ids in a relation's column that the new target does not have."""
    quote = quoting(connections[using])
    column, table = quote(old.column), quote(model.db_table)
    if "." not in new.related_model and new.related_model != model.id and lookup(new.related_model) is None:
        # The target comes back empty in this very change set.
        return _asked(using, f"FROM {table} WHERE {column} IS NOT NULL", column)
    target, key, _ = table_of(new.related_model, lookup, model)
    there, its_key = (foreign(connections[using], name) for name in (target, key))
    condition = (
        f"FROM {table} WHERE {column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {there} AS t "
        f"WHERE t.{its_key} = {table}.{column})"
    )
    return _asked(using, condition, column)


def several(using: str, many: FieldSchema, total: int) -> Verdict:
    """Rows with more than one link, which cannot become one reference."""
    quote = quoting(connections[using])
    source = quote(many.link_columns[0])
    groups = f"FROM {quote(many.table)} GROUP BY {source}"
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT {source} {groups}) AS g")
        linked = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT count(*) FROM (SELECT {source} {groups} HAVING count(*) > 1) AS g")
        count = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT {source} {groups} HAVING count(*) > 1 LIMIT {SAMPLES}")
        samples = [f"row {row[0]}" for row in cursor.fetchall()]
    return Verdict(count=count, samples=samples, total=min(linked, total))


def shared(using: str, many: FieldSchema) -> Verdict:
    """Targets to which more than one row is linked, which a one-to-one cannot have."""
    quote = quoting(connections[using])
    target = quote(many.link_columns[1])
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {target} FROM {quote(many.table)} GROUP BY {target} HAVING count(*) > 1")
        repeated = [row[0] for row in cursor.fetchmany(SAMPLES)]
    return Verdict(repeated=repeated)


def _asked(using: str, condition: str, column: str) -> Verdict:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT count(*) {condition}")
        count = int(cursor.fetchone()[0])
        cursor.execute(f"SELECT {column} {condition} LIMIT {SAMPLES}")
        return Verdict(count=count, samples=[row[0] for row in cursor.fetchall()])
