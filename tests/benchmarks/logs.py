"""The log: what verifying, replaying and starting cost beside reading the same bytes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import orjson
from django.db import connection
from django.db.transaction import atomic

import dynamo
from dynamo import moments
from events import audit, passes, snapshots, store
from events.envelope import COLUMNS, linked, uuid7
from events.replay import replay as replay_rows
from events.schema import FieldSchema, Frozen, ModelSchema
from events.types import Context, Event, FieldAdded, FieldAltered, ModelCreated
from projections.catalogue import Catalogue
from projections.registry import registry
from tests.anew import begin
from tests.benchmarks.database import NAMES
from tests.benchmarks.measure import Case, Pair
from tests.benchmarks.subjects import NUMBER, TYPES

USING: Final = "default"
FIELDS: Final = len(TYPES)
# Events that are written in one statement.
PART: Final = 1_000
ROUNDS: Final = 5
LOG: Final = "dynamo_events_schemaevent ORDER BY position"
ENVELOPE: Final = ", ".join(name for name in COLUMNS if name not in ("data", "hash"))
WHOLE: Final = f"SELECT {ENVELOPE}, data FROM {LOG}"
KEPT: Final = "SELECT data FROM dynamo_events_snapshotmodel"


def verify(rounds: int, size: int) -> Pair:
    write_log(events=size, models=max(1, size // 100))
    return Pair(measured=lambda _: verified, floor=lambda _: hashed)


def replay(rounds: int, size: int) -> Pair:
    write_log(events=size, models=max(1, size // 100))
    return Pair(measured=lambda _: replayed, floor=lambda _: folded)


def schema_now(rounds: int, size: int) -> Pair:
    write_log(events=size * (FIELDS + 1), models=size)
    take_pass()
    return Pair(measured=lambda _: moments.schema, floor=lambda _: loaded)


def start_up(rounds: int, size: int) -> Pair:
    write_log(events=size * (FIELDS + 1), models=size)
    take_pass()
    found = started()
    assert found.models.decoded() == 0
    assert len(found.models) >= size
    return Pair(measured=lambda _: started, floor=lambda _: selected)


def verified() -> None:
    assert audit.verify(USING).first_bad_position is None


def hashed() -> None:
    """The envelope and the data of each event, which is what its hash is over."""
    for *envelope, data in rows(WHOLE):
        hashlib.sha256("".join(map(str, envelope)).encode() + bytes(data)).hexdigest()


def replayed() -> None:
    """What a reader does who finds no snapshot."""
    replay_rows(store.payloads(USING))


def folded() -> None:
    """The least that a fold can be: what comes later takes the place of what was before, by name."""
    state: dict[str, dict[str, Any]] = {}
    for key, data in rows(f"SELECT stream_id, data FROM {LOG}"):
        event = orjson.loads(bytes(data))
        state.setdefault(str(key), {}).update(event["after"])


def loaded() -> None:
    for data in read(KEPT):
        orjson.loads(zlib.decompress(data[snapshots.CHECKED :]))


def started() -> Catalogue:
    """What a process knows of all models before it uses any."""
    position, names, models = snapshots.packed(USING, snapshots.END)
    return Catalogue.packed(names, models, partial(snapshots.recovered, USING, position))


def selected() -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEPT)
        cursor.fetchall()


def read(sql: str) -> Iterator[bytes]:
    return (bytes(data) for (data,) in rows(sql))


def rows(sql: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        while found := cursor.fetchmany(2_000):
            yield from found


def write_log(events: int, models: int) -> None:
    """A log that goes on with so many events of new models, which have no tables."""
    with atomic():
        mark, now = store.lock(USING)
        versions: dict[str, int] = {}
        made: list[Event] = []
        for event in islice_events(events, models):
            made.append(event)
            versions.setdefault(event.stream_id, 0)
            if len(made) == PART:
                mark = append(mark, now, made, versions)
                made = []
        if made:
            append(mark, now, made, versions)


def fill(upto: int) -> None:
    """Write models without tables until there are so many, and begin as a process that starts."""
    dynamo.catch_up()
    missing = upto - len(registry.models)
    if missing > 0:
        write_log(events=missing * (FIELDS + 1), models=missing)
        take_pass()
        begin()


def append(mark: Any, now: str, made: list[Event], versions: dict[str, int]) -> Any:
    recorded = linked(mark, now, made, Context(batch_id=uuid7(), actor="user:1", source="admin"), versions)
    for one in recorded:
        versions[one.stream_id] = one.stream_version
    store.write(USING, recorded)
    return type(mark)(registry_id=mark.registry_id, position=recorded[-1].position, hash=recorded[-1].hash)


def islice_events(events: int, models: int) -> Iterator[Event]:
    """Models of ten fields, then changes of their help texts in turns."""
    left = events
    fields: list[tuple[str, str]] = []
    for _ in range(models):
        for event in new_model(next(NUMBER)):
            if isinstance(event, FieldAdded):
                fields.append((event.stream_id, event.field_id))
            left -= 1
            yield event
    for number in range(left):
        model_id, field_id = fields[number % len(fields)]
        before, after = Frozen({"help": str(number)}), Frozen({"help": str(number + 1)})
        yield FieldAltered(stream_id=model_id, field_id=field_id, before=before, after=after)


def new_model(number: int) -> Iterator[Event]:
    model = ModelSchema(id=uuid7(), name=f"Logged{number}", app="dynamic", db_table=f"dynamic_logged{number}")
    yield ModelCreated(stream_id=model.id, after=Frozen(model.attributes()))
    for place, kind in enumerate(TYPES):
        key = uuid7()
        options = Frozen({"max_length": 255}) if kind == "CharField" else Frozen()
        name = f"field_{place}"
        field = FieldSchema(
            id=key, storage=key, name=name, column=name, type=kind, order=place, options=options
        )
        yield FieldAdded(stream_id=model.id, field_id=key, after=Frozen(field.attributes()))


def take_pass() -> None:
    folded_now, _ = passes.verified(USING)
    snapshots.take(USING, store.head(USING), lambda _: Catalogue.of(folded_now.models))


CASES: Final = tuple(
    case
    for database in NAMES
    for case in (
        Case(
            name="verify",
            database=database,
            title="verifying the chain of {size:,} events",
            floor="SELECT and SHA-256 of the same bytes",
            target=3.0,
            rounds=ROUNDS,
            size=100_000,
            prepare=verify,
        ),
        Case(
            name="replay",
            database=database,
            title="replaying {size:,} events",
            floor="SELECT, orjson.loads and dict.update",
            target=2.0,
            rounds=ROUNDS,
            size=100_000,
            prepare=replay,
        ),
        Case(
            name="start-up",
            database=database,
            title="start-up with {size:,} models: bytes read, names known, none decoded",
            floor="SELECT of the same bytes",
            target=2.0,
            rounds=4 * ROUNDS,
            size=10_000,
            prepare=start_up,
        ),
        Case(
            name="schema-now",
            database=database,
            title="schema() of {size:,} models, decoded",
            floor="SELECT and orjson.loads of the snapshot",
            target=3.0,
            rounds=ROUNDS,
            size=10_000,
            prepare=schema_now,
        ),
    )
)
