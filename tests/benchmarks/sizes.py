"""Few models and many: what a change, a class, a start, a page and a command of Django take beside them.

All but those that are measured have no tables, which only SQLite would notice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db import connection, models

from events.envelope import uuid7
from events.schema import FieldSchema, Frozen, ModelSchema
from projections.registry import registry
from projections.transition import Change, Transition
from tests.benchmarks import actions, floors, logs, peer_venv, subjects, twins
from tests.benchmarks.measure import Case, Pair, Timed

FEW: Final = 10
MANY: Final = 10_000
# A model must not have many more fields in the last round than in the first.
ROUNDS: Final = 100
CONNECT: Final = "from django.db import connection; connection.ensure_connection()"
START: Final = f"import django; django.setup(); {CONNECT}"
# The schema is read with the first connection.
START_WITHOUT: Final = f"""
import django; django.setup()
from django.db.backends.signals import connection_created
connection_created.disconnect(dispatch_uid="dynamo.first_connection")
{CONNECT}
"""


def row_stored(change: Callable[..., Timed], rounds: int, size: int) -> Pair:
    """A field that is saved and a row that is stored through it, with so many models."""
    logs.fill(size)
    generated, plain = subjects.generated(actions.CHANGING), subjects.plain(actions.CHANGING)
    actions.stored(generated[0])
    log = floors.LogCopy()
    added: list[list[str]] = [[] for _ in plain]

    def floor(number: int) -> Timed:
        place = number % len(plain)
        column = subjects.new_column(plain[place])
        added[place].append(column.column)
        return floors.then_row(change(plain[place], column, log), plain[place], added[place])

    return Pair(
        measured=lambda number: partial(actions.stored, generated[number % len(generated)]), floor=floor
    )


def in_turns(action: str, name: str, few: int, rounds: int, size: int) -> Pair:
    """The same with many models and with few."""
    return twins.pair(twins.command(name, action, size), twins.command(name, action, few))


def beside_the_peer(rounds: int, size: int) -> Pair:
    ours = twins.command("postgres", "store", size)
    return twins.pair(ours, peer_venv.command(size, connection.settings_dict))


def class_update(related: bool, rounds: int, size: int) -> Pair:
    """A field that comes to a class in use, and what the class then knows of it."""
    logs.fill(size)
    meta, target = subjects.generated(2)
    before = registry.models[str(meta.pk)]
    transition = added(before, str(target.pk) if related else "")
    ends: list[Any] = [meta.get_model(), *([target.get_model()] if related else ())]

    def measured(number: int) -> Timed:
        registry.project(transition.inverse())
        known(*ends)
        return partial(both, partial(registry.project, transition), partial(known, *ends))

    def floor(number: int) -> Timed:
        model: Any = subjects.by_type(f"Updated{number}")
        field: Any = models.IntegerField(null=True)
        if related:
            field = models.ForeignKey("self", models.SET_NULL, null=True)
        known(model)
        return partial(both, partial(field.contribute_to_class, model, "later"), partial(known, model))

    return Pair(measured=measured, floor=floor)


def added(before: ModelSchema, target: str) -> Transition:
    key = uuid7()
    given: dict[str, Any] = {"name": "later", "type": "IntegerField", "column": "later"}
    if target:
        options = Frozen({"on_delete": "SET_NULL"})
        given |= {
            "type": "ForeignKey",
            "column": "later_id",
            "related_model": target,
            "options": options,
        }
    after = before.with_field(FieldSchema(id=key, storage=key, order=99, **given))
    changes = {before.id: Change(before=before, after=after)}
    here = registry.mark
    return Transition(changes=changes, events=(), start=here, end=here, others=registry.schema)


def both(first: Callable[[], object], then: Callable[[], object]) -> None:
    first()
    then()


def known(*classes: Any) -> None:
    """What Django works out of a class before it can be used, and before a row of it can be deleted."""
    for model in classes:
        list(model._meta.concrete_fields)
        list(model._meta.related_objects)


def boot(rounds: int, size: int) -> Pair:
    logs.fill(size)
    return Pair(
        measured=lambda _: partial(actions.run, "-c", START),
        floor=lambda _: partial(actions.run, "-c", START_WITHOUT),
    )


CASES: Final = (
    *(
        Case(
            name="row-stored",
            database=database,
            title="save of a nullable field and of a row with it, {size:,} models",
            floor=f"{said} and INSERT of the event in one transaction, and a row",
            target=1.3,
            rounds=ROUNDS,
            size=size,
            prepare=partial(row_stored, change),
        )
        for database, said, change, sizes in (
            ("postgres", "add_field", floors.add_field_and_event, (FEW, 1_000, MANY)),
            ("sqlite", "ALTER TABLE", floors.alter_table_and_event, (FEW, 1_000)),
        )
        for size in sizes
    ),
    Case(
        name="row-stored-flat",
        database="postgres",
        title="save of a field and of a row, {size:,} models, beside few",
        floor=f"the same with {FEW} models",
        target=1.15,
        rounds=ROUNDS,
        size=MANY,
        prepare=partial(in_turns, "store", "postgres", FEW),
    ),
    *(
        Case(
            name="row-stored-peer",
            database="postgres",
            title="save of a field and of a row, {size:,} models, beside the peer",
            floor=f"the same with {peer_venv.PEER} {peer_venv.VERSION}",
            target=1.0,
            rounds=ROUNDS,
            size=size,
            prepare=beside_the_peer,
        )
        for size in (FEW, 1_000)
    ),
    Case(
        name="class-update",
        database="postgres",
        title="a field comes to a class in use, {size:,} models",
        floor="contribute_to_class of the field",
        beyond=15e-6,
        size=MANY,
        prepare=partial(class_update, False),
    ),
    Case(
        name="class-update-relation",
        database="postgres",
        title="a foreign key comes to a class in use, {size:,} models",
        floor="contribute_to_class of the field",
        beyond=100e-6,
        size=MANY,
        prepare=partial(class_update, True),
    ),
    *(
        Case(
            name="boot",
            database=database,
            title="a process starts and connects, {size:,} models",
            floor="django.setup() and a connection that reads no schema",
            beyond=50e-3,
            rounds=20,
            size=MANY,
            prepare=boot,
        )
        for database in ("sqlite", "postgres")
    ),
    Case(
        name="changelist",
        database="sqlite",
        title="an admin's list of rows, {size:,} models",
        floor=f"the same with {FEW} models",
        target=2.0,
        rounds=40,
        size=1_000,
        prepare=partial(in_turns, "changelist", "sqlite", FEW),
    ),
    *(
        Case(
            name=action,
            database="postgres",
            title=f"manage.py {said}, {{size:,}} models",
            floor="the same without models",
            target=1.3,
            rounds=5,
            size=MANY,
            prepare=partial(in_turns, action, "postgres", 0),
        )
        for action, said in (("migrate", "migrate"), ("makemigrations", "makemigrations --check"))
    ),
)
