"""Many models and rows: a model that nobody used, one that changed, a look at the log, and reading rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db import connection
from django.urls import resolve, reverse

import dynamo
from dynamo.models import MetaField
from projections.registry import registry
from tests.anew import begin
from tests.benchmarks import logs, subjects
from tests.benchmarks.database import NAMES
from tests.benchmarks.measure import WARM_UP, Case, Pair, Timed

ROWS: Final = 10_000
HEAD: Final = "SELECT registry_id, position, hash FROM dynamo_events_head WHERE id = 1"
# A look takes microseconds, so that one of them could not be timed.
LOOKS: Final = 1_000


def rows(rounds: int, size: int) -> Pair:
    """Reading all rows of a table through a generated class, and through one of the same fields by hand."""
    model: Any = subjects.generated(1)[0].get_model()
    by_hand: Any = subjects.by_type("ByHand", db_table=model._meta.db_table)
    values = {f"field_{n}": n if kind == "IntegerField" else str(n) for n, kind in enumerate(subjects.TYPES)}
    model.objects.bulk_create((model(**values) for _ in range(size)), batch_size=500)
    return Pair(
        measured=lambda _: partial(all_of, model),
        floor=lambda _: partial(all_of, by_hand),
    )


def first_use(rounds: int, size: int) -> Pair:
    """A class that nobody has asked for, among many that stay bytes, and `type()` with the same fields."""
    logs.write_log(events=size * (logs.FIELDS + 1), models=size)
    logs.take_pass()
    begin()
    fresh = [name for name in registry.catalogue.names.models["dynamic"] if name.startswith("logged")]
    return Pair(
        measured=lambda number: partial(registry.find, "dynamic", fresh[number]),
        floor=lambda number: partial(subjects.by_type, f"Typed{number}"),
    )


def look(rounds: int, size: int) -> Pair:
    """Whether anything changed, asked when nothing did."""
    dynamo.catch_up()
    return Pair(
        measured=lambda _: partial(repeat, dynamo.catch_up), floor=lambda _: partial(repeat, selected)
    )


def pages(rounds: int, size: int) -> Pair:
    """Finding a page by its address and its address by its name, right after the model changed."""
    metas = subjects.generated(WARM_UP + rounds)

    def changed(number: int) -> Timed:
        MetaField.objects.create(meta_model=metas[number], name="later", type="IntegerField")
        return partial(
            found, f"dynamic/{metas[number].name.lower()}", f"dynamic_{metas[number].name.lower()}"
        )

    return Pair(measured=changed, floor=lambda _: partial(found, "auth/group", "auth_group"))


def found(path: str, name: str) -> None:
    resolve(f"/admin/{path}/")
    reverse(f"admin:{name}_changelist")


def selected() -> None:
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        cursor.fetchone()


def repeat(call: Callable[[], Any]) -> None:
    for _ in range(LOOKS):
        call()


def all_of(model: Any) -> list[Any]:
    return list(model.objects.all())


CASES: Final = (
    *(
        Case(
            name="rows",
            database=database,
            title="reading {size:,} rows through a generated class",
            floor="a hand-written class of the same fields",
            target=1.0,
            rounds=40,
            size=ROWS,
            prepare=rows,
        )
        for database in NAMES
    ),
    *(
        Case(
            name="look",
            database=database,
            title=f"{LOOKS:,} looks whether the schema changed, when it did not",
            floor="as many times SELECT of the head",
            target=target,
            rounds=20,
            prepare=look,
        )
        for database, target in (("sqlite", 0.5), ("postgres", 1.25), ("mariadb", 1.25))
    ),
    Case(
        name="pages",
        database="sqlite",
        title="resolve and reverse of a model's page after the model changed",
        floor="of the page of a hand-written model",
        target=3.0,
        rounds=40,
        prepare=pages,
    ),
    Case(
        name="first-use",
        database="sqlite",
        title="the class of one of {size:,} models, at its first use",
        floor="type() with the same fields",
        target=1.2,
        size=10_000,
        prepare=first_use,
    ),
)
