"""Field saves: what adding a nullable field costs beside the statements that it cannot do without."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import dynamo
from dynamo.models import MetaModel
from tests.benchmarks import floors, subjects
from tests.benchmarks.measure import Case, Pair, Timed

# A model has ten fields at first, and must not have many more in the last round.
FIELDS_PER_MODEL: Final = 4
BATCH: Final = 10


def save(meta: MetaModel) -> None:
    subjects.new_field(meta).save()


def save_one_by_one(meta: MetaModel) -> None:
    for _ in range(BATCH):
        save(meta)


def save_in_a_batch(meta: MetaModel) -> None:
    with dynamo.batch():
        save_one_by_one(meta)


def one_field(floor: Callable[..., Timed], rounds: int, size: int) -> Pair:
    """One save against one floor, in a database of `size` tables."""
    count = -(-rounds // FIELDS_PER_MODEL)
    generated, plain = subjects.generated(count), subjects.plain(count)
    subjects.fill(size)
    # The floor's rows are like the log's last event, so that has to be one of those that are measured.
    save(generated[0])
    log = floors.LogCopy()
    return Pair(
        measured=lambda number: partial(save, generated[number % count]),
        floor=lambda number: floor(plain[number % count], subjects.new_column(plain[number % count]), log),
    )


def batch(rounds: int, size: int) -> Pair:
    """A batch of ten saves against ten saves; every round has two models of ten fields to itself."""
    generated = subjects.generated(2 * rounds)
    return Pair(
        measured=lambda number: partial(save_in_a_batch, generated[2 * number]),
        floor=lambda number: partial(save_one_by_one, generated[2 * number + 1]),
    )


CASES: Final = (
    Case(
        name="field-save",
        database="postgres",
        title="save of a nullable field",
        floor="add_field and INSERT of the event in one transaction",
        target=1.5,
        prepare=partial(one_field, floors.add_field_and_event),
    ),
    Case(
        name="batch",
        database="postgres",
        title="batch of ten field saves",
        floor="ten single saves",
        target=0.35,
        rounds=40,
        prepare=batch,
    ),
    Case(
        name="field-save",
        database="sqlite",
        title="save of a nullable field, {size:,} tables in the file",
        floor="ALTER TABLE and INSERT of the event in one transaction",
        target=1.3,
        size=1_000,
        prepare=partial(one_field, floors.alter_table_and_event),
    ),
    Case(
        name="field-save",
        database="mariadb",
        title="save of a nullable field",
        floor="INSERT of the event, committed, then add_field",
        target=1.5,
        prepare=partial(one_field, floors.event_then_add_field),
    ),
)
