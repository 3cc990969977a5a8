"""Snapshots: schemas kept at places in the log, so that no reading has to begin with the first event.

A cache of the fold and nothing more. Each pass keeps the models that changed since the one before, so what a
moment needs is one pass and fewer than two intervals of events, however long the log is. The last pass also
keeps the names of all models, so that a process can start without decoding any.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from itertools import takewhile
from typing import Any, Final, NamedTuple, Protocol

from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.db.transaction import atomic

from events import fold, replay, store
from events.envelope import Mark
from events.exceptions import DynamoError, LogCorrupt
from events.models import SchemaEvent, Snapshot, SnapshotFormer, SnapshotModel
from events.names import Names
from events.schema import FIELD_ATTRIBUTES, MODEL_ATTRIBUTES, Frozen, ModelSchema, Schema, canonical
from events.statements import inserts, run
from events.types import Recorded

logger = logging.getLogger("dynamo")

# Events between two passes.
INTERVAL: Final = 1_000

# The last pass that the log still agrees with.
BASE: Final = (
    "SELECT s.position, s.names FROM dynamo_events_snapshot s INNER JOIN dynamo_events_schemaevent e "
    "ON e.position = s.position AND e.hash = s.hash WHERE s.position <= %s ORDER BY s.position DESC LIMIT 1"
)
# Each model as of the last pass, and as of any.
LAST: Final = "SELECT model_id, data FROM dynamo_events_snapshotmodel"
FORMER: Final = (
    "SELECT model_id, position, data FROM dynamo_events_snapshotformer WHERE position <= %s AND until > %s"
)
MODELS: Final = (
    "SELECT model_id, position, data FROM dynamo_events_snapshotmodel WHERE position <= %s "
    f"UNION ALL {FORMER}"
)
PUT_ASIDE: Final = (
    "INSERT INTO dynamo_events_snapshotformer (model_id, position, data, until) "
    "SELECT model_id, position, data, %s FROM dynamo_events_snapshotmodel WHERE position <= %s AND model_id"
)
DROP: Final = "DELETE FROM dynamo_events_snapshotmodel WHERE position <= %s AND model_id"
RETURN: Final = (
    "DELETE FROM dynamo_events_snapshot WHERE position > %s",
    "DELETE FROM dynamo_events_snapshotmodel WHERE position > %s",
    f"INSERT INTO dynamo_events_snapshotmodel (model_id, position, data) {FORMER}",
    "DELETE FROM dynamo_events_snapshotformer WHERE until > %s",
)
# After every pass.
END: Final = 2**63 - 1
# What is packed begins with a checksum of the rest, in so many bytes. It begins with what this release knows
# of models, so that what another one wrote does not have it.
CHECKED: Final = 4
SEED: Final = zlib.crc32(canonical([MODEL_ATTRIBUTES, FIELD_ATTRIBUTES, Names._fields]))
# What decoding raises for bytes that another release wrote, or nobody.
UNREADABLE: Final = (TypeError, ValueError, LookupError, AttributeError, zlib.error)
PASSED_OVER: Final = "the snapshot at %s is passed over: %s; run `manage.py dynamo doctor --fix`"
DAMAGED: Final = "models of the snapshot at %s are damaged and made anew; run `manage.py dynamo doctor --fix`"
# Ids in one statement.
PART: Final = 500


class Known(Protocol):
    """All models at a place in the log, and the names of those that live."""

    @property
    def models(self) -> Mapping[str, ModelSchema]: ...
    @property
    def names(self) -> Names: ...


class Packed(NamedTuple):
    """What a pass keeps: the names, and each model by id, not decoded. Position 0 says that there is none."""

    position: int = 0
    names: Names = Names()
    models: dict[str, Any] = {}


def schema(using: str, upto: int | None = None) -> Schema:
    """The schema at a position, or at the end of the log: a pass, and the events after it."""
    start = _start(using, upto)
    if start.position:
        return fold.replay(store.read(using, after=start.position, upto=upto), start)
    try:
        return replay.replay(store.payloads(using, END if upto is None else upto))
    except LogCorrupt:
        # Event by event, which knows where it is and says what is wrong.
        return fold.replay(store.read(using, upto=upto))


def due(start: int, end: int) -> bool:
    """Whether a change set passed a place where schemas are kept."""
    return start // INTERVAL != end // INTERVAL


def take(using: str, at: Mark, known: Callable[[Mark], Known]) -> None:
    """Keep what changed since the last pass; `known` gives all of a mark. Nothing depends on it.

    Two processes that take a pass at once bring the same models: the key stops one, which then takes none.
    """
    try:
        now = known(at)
        with atomic(using=using):
            if _plain(Snapshot, using).filter(position__gte=at.position).exists():
                return
            last = _base(using, at.position) or 0
            _return_to(using, last)
            since = _plain(SchemaEvent, using).filter(position__gt=last, position__lte=at.position)
            streams = {str(key) for key in since.values_list("stream_id", flat=True).distinct()}
            changed = sorted(streams - {at.registry_id})
            for start in range(0, len(changed), PART):
                _put_aside(using, changed[start : start + PART], last, at.position)
            models = ((key, now.models.get(key)) for key in changed)
            kept = [(key, at.position, pack(model)) for key, model in models if model is not None]
            _plain(Snapshot, using).filter(position=last).update(names=b"")
            run(using, inserts(using, SnapshotModel, ("model_id", "position", "data"), kept))
            Snapshot(position=at.position, hash=at.hash, names=checked(now.names.text())).save(using=using)
    except (DatabaseError, DynamoError) as error:
        logger.warning("no snapshot was taken at %s: %s", at.position, error)


def _put_aside(using: str, model_ids: list[str], last: int, position: int) -> None:
    """Make way for these models as they are at a pass; those of a pass that came meanwhile stand in it."""
    chosen = f"IN ({', '.join(['%s'] * len(model_ids))})"
    run(
        using,
        [
            (f"{PUT_ASIDE} {chosen}", [position, last, *model_ids]),
            (f"{DROP} {chosen}", [last, *model_ids]),
        ],
    )


def _return_to(using: str, last: int) -> None:
    """Drop the passes after one, which are of another log, and have its models be the last."""
    if _plain(Snapshot, using).filter(position__gt=last).exists():
        run(using, ((sql, [last] * sql.count("%s")) for sql in RETURN))


def forget(using: str) -> None:
    """Drop all passes; readers begin with the first event then."""
    for model in (SnapshotFormer, SnapshotModel, Snapshot):
        _plain(model, using)._raw_delete(using)


def packed(using: str, upto: int) -> Packed:
    """The last pass up to a position, none of its models decoded."""
    with connections[using].cursor() as cursor:
        cursor.execute(BASE, [upto])
        base, text = cursor.fetchone() or (0, b"")
        if not text:
            return Packed()
        try:
            names = Names.read(_whole(text))
        except UNREADABLE as error:
            logger.warning(PASSED_OVER, base, error)
            return Packed()
    with for_bytes(connections[using]) as cursor:
        cursor.execute(LAST)
        models = dict(cursor.fetchall())
    # Another pass may have been taken between the two queries.
    return Packed(position=base, names=names, models=models) if _base(using, upto) == base else Packed()


def pack(model: ModelSchema) -> bytes:
    """A model's bytes as they are kept, in the database as in memory."""
    return checked(zlib.compress(_canonical(model)))


def unpacked(model_id: str, data: bytes) -> ModelSchema | None:
    """The model; None for bytes that are damaged, of another release or of another model."""
    try:
        (found,) = replay.decoded([zlib.decompress(_whole(data))]).values()
    except UNREADABLE:
        return None
    return found if found.id == model_id else None


def says(data: bytes, model: ModelSchema | None) -> bool:
    """Whether bytes are of that model. What packing makes of equal JSON depends on the zlib at hand."""
    if model is None:
        return False
    try:
        text: bytes = zlib.decompress(_whole(data))
    except UNREADABLE:
        return False
    return text == _canonical(model)


def recovered(using: str, position: int, model_id: str) -> ModelSchema:
    """A model that cannot be unpacked, folded from its own events up to a pass."""
    _tell_damaged(using, position)
    found = _folded(store.read(using, upto=position, stream_id=model_id))
    assert found is not None  # The pass has it.
    return found


def of_version(using: str, model_id: str, version: int) -> ModelSchema | None:
    """A model as of one of its versions, or the last one before that; None if it had none yet."""
    events = store.read(using, stream_id=model_id)
    return _folded(takewhile(lambda recorded: recorded.stream_version <= version, events))


def _folded(events: Iterable[Recorded]) -> ModelSchema | None:
    """What the events of one stream come to."""
    models: dict[str, ModelSchema] = {}
    for recorded in events:
        fold.advance(models, recorded)
    return next(iter(models.values()), None)


@lru_cache(maxsize=8)
def _tell_damaged(using: str, position: int) -> None:
    """Say it once: where one model is damaged, thousands may be."""
    logger.warning(DAMAGED, position)


def _canonical(model: ModelSchema) -> bytes:
    return canonical(asdict(model))


def checked(data: bytes) -> bytes:
    """Bytes with their checksum before them."""
    return zlib.crc32(data, SEED).to_bytes(CHECKED, "big") + data


def _whole(packed: bytes) -> memoryview:
    """What was packed. Raises ValueError where it is something else now."""
    data = memoryview(packed)[CHECKED:]
    if packed[:CHECKED] != zlib.crc32(data, SEED).to_bytes(CHECKED, "big"):
        raise ValueError("it is damaged, or of another release")
    return data


def _start(using: str, upto: int | None) -> Schema:
    """Where reading begins: at the last pass, or at nothing."""
    base = _base(using, END if upto is None else upto)
    if base is None:
        return Schema()
    with for_bytes(connections[using]) as cursor:
        cursor.execute(MODELS, [base, base, base])
        rows = cursor.fetchall()
    try:
        models = replay.decoded(zlib.decompress(_whole(data)) for *_, data in rows)
    except UNREADABLE:
        return Schema()
    # The pass may have gone between the two queries, as when they are all made anew.
    return Schema(position=base, models=Frozen(models)) if _base(using, base) == base else Schema()


def _base(using: str, upto: int) -> int | None:
    with connections[using].cursor() as cursor:
        cursor.execute(BASE.replace(", s.names", ""), [upto])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def for_bytes(connection: Any) -> Any:
    """A cursor for many bytes. Django's has psycopg get them as text, which takes three times as long."""
    if connection.vendor != "postgresql" or not hasattr(connection.Database, "Cursor"):
        return connection.cursor()
    connection.ensure_connection()
    cursor = connection.Database.Cursor(connection.connection)
    cursor.format = connection.Database.pq.Format.BINARY
    # Counted, logged, and its errors Django's, as of any other one.
    return connection._prepare_cursor(cursor)


def _plain(model: type[Any], using: str) -> QuerySet[Any]:
    return QuerySet(model, using=using)
