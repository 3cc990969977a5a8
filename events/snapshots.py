"""Snapshots: schemas kept at places in the log, so that no reading has to begin with the first event.

A cache of the fold and nothing more. Each pass keeps the models that changed since the one before, so what a
moment needs is one pass and fewer than two intervals of events, however long the log is.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from django.db import DatabaseError, connections
from django.db.models import QuerySet
from django.db.transaction import atomic

from events import fold, replay, store
from events.envelope import Mark
from events.exceptions import DynamoError, LogCorrupt
from events.models import SchemaEvent, Snapshot, SnapshotModel
from events.outlines import Outline
from events.schema import FIELD_ATTRIBUTES, MODEL_ATTRIBUTES, Frozen, ModelSchema, Schema, canonical
from events.statements import inserts, run
from events.types import RegistryEvent

logger = logging.getLogger("dynamo")

# Events between two passes.
INTERVAL: Final = 1_000

# The last pass that the log still agrees with.
BASE: Final = (
    "SELECT s.position FROM dynamo_events_snapshot s INNER JOIN dynamo_events_schemaevent e "
    "ON e.position = s.position AND e.hash = s.hash WHERE s.position <= %s ORDER BY s.position DESC LIMIT 1"
)
# Each model as of that pass; of most there is one row, and the index finds the last of several.
MODELS: Final = (
    "SELECT m.outline, m.data FROM dynamo_events_snapshotmodel m WHERE m.position = (SELECT MAX(o.position) "
    "FROM dynamo_events_snapshotmodel o WHERE o.stream_id = m.stream_id AND o.position <= %s)"
)
END: Final = 2**63 - 1
# Packed models begin with a checksum of all else, in so many bytes. It begins with what this release knows
# of models, so that what another one wrote does not have it.
CHECKED: Final = 4
SEED: Final = zlib.crc32(canonical([MODEL_ATTRIBUTES, FIELD_ATTRIBUTES]))
# What decoding raises for bytes that another release wrote, or nobody.
UNREADABLE: Final = (TypeError, ValueError, LookupError, AttributeError, zlib.error)


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


def take(using: str, at: Mark, schemas: Callable[[Mark], Mapping[str, ModelSchema]]) -> None:
    """Keep what changed since the last pass; `schemas` gives all of a mark. Nothing depends on it."""
    try:
        models = schemas(at)
        with atomic(using=using):
            if _plain(Snapshot, using).filter(position__gte=at.position).exists():
                return
            last = _base(using, at.position) or 0
            since = _plain(SchemaEvent, using).filter(position__gt=last, position__lte=at.position)
            streams = {str(key) for key in since.values_list("stream_id", flat=True).distinct()}
            kept = [(key, at.position, *pack(models.get(key))) for key in sorted(streams - {at.registry_id})]
            marks = [(at.position, at.hash)]
            statements = [*inserts(using, Snapshot, ("position", "hash"), marks)]
            names = ("stream_id", "position", "outline", "data")
            run(using, [*statements, *inserts(using, SnapshotModel, names, kept)])
    except (DatabaseError, DynamoError) as error:
        logger.warning("no snapshot was taken at %s: %s", at.position, error)


def forget(using: str) -> None:
    """Drop all passes; readers begin with the first event then."""
    _plain(SnapshotModel, using)._raw_delete(using)
    _plain(Snapshot, using)._raw_delete(using)


def verified(using: str, upto: int | None = None) -> tuple[Schema, list[str]]:
    """The fold of the log, from its first event, and where passes say something else."""
    passes = {row[0] for row in _plain(Snapshot, using).values_list("position")}
    models: dict[str, ModelSchema] = {}
    changed: set[str] = set()
    position, problems = 0, []
    for recorded in store.read(using, upto=upto):
        position = recorded.position
        fold.advance(models, recorded)
        if not isinstance(recorded.event, RegistryEvent):
            changed.add(recorded.stream_id)
        if position in passes:
            odd = _odd(using, position, models, changed)
            problems += [f"the snapshot at {position}: {text}" for text in odd]
            changed = set()
    problems += [f"the snapshot at {at} is beyond the log" for at in sorted(passes) if at > position]
    strays = _plain(SnapshotModel, using).exclude(position__in=_plain(Snapshot, using).values("position"))
    problems += [
        f"the snapshot has a model at {at}, where there is none"
        for at in strays.values_list("position", flat=True)
    ]
    return Schema(position=position, models=Frozen(models)), problems


def packed(using: str, upto: int) -> tuple[int, list[tuple[Outline, bytes]]]:
    """The last pass up to a position and its models, none of them decoded; 0 and nothing without one."""
    base = _base(using, upto)
    if base is None:
        return 0, []
    try:
        return base, [(Outline.read(outline), data) for outline, data in _kept(using, base)]
    except UNREADABLE as error:
        logger.warning("the snapshot at %s is passed over: %s; run `manage.py dynamo doctor`", base, error)
        return 0, []


def pack(model: ModelSchema | None) -> tuple[str, bytes]:
    """A model's outline, and its bytes as they are kept, in the database as in memory."""
    if model is None:
        return "", b""
    outline, data = Outline.of(model).text(), zlib.compress(_canonical(model))
    return outline, _checksum(outline, data) + data


def unpacked(data: bytes) -> ModelSchema:
    (model,) = replay.decoded([_json(data)]).values()
    return model


def _canonical(model: ModelSchema) -> bytes:
    return canonical(asdict(model))


def _json(data: bytes) -> bytes:
    return zlib.decompress(memoryview(data)[CHECKED:])


def _checksum(outline: str, data: bytes | memoryview) -> bytes:
    return zlib.crc32(data, zlib.crc32(outline.encode(), SEED)).to_bytes(CHECKED, "big")


def _start(using: str, upto: int | None) -> Schema:
    """Where reading begins: at the last pass, or at nothing."""
    base = _base(using, END if upto is None else upto)
    if base is None:
        return Schema()
    try:
        models = replay.decoded(_json(data) for _, data in _kept(using, base))
    except UNREADABLE:
        return Schema()
    return Schema(position=base, models=Frozen(models))


def _base(using: str, upto: int) -> int | None:
    with connections[using].cursor() as cursor:
        cursor.execute(BASE, [upto])
        row = cursor.fetchone()
    return None if row is None else int(row[0])


def _kept(using: str, base: int) -> Iterator[tuple[str, bytes]]:
    """Outlines and packed models of a pass. Raises ValueError where one was not packed by this release."""
    with connections[using].cursor() as cursor:
        cursor.execute(MODELS, [base])
        rows = cursor.fetchall()
    for outline, held in rows:
        data = held if type(held) is bytes else bytes(held)
        if not outline and not data:
            continue
        if data[:CHECKED] != _checksum(outline, memoryview(data)[CHECKED:]):
            raise ValueError(f"the model {outline[:36]!r} is damaged, or of another release")
        yield outline, data


def _odd(using: str, position: int, models: Mapping[str, ModelSchema], changed: set[str]) -> list[str]:
    """What a pass has wrong; models that did not change since the one before are in that one."""
    rows = _plain(SnapshotModel, using).filter(position=position).values_list("stream_id", "outline", "data")
    kept = {str(key): (outline, _bytes(data)) for key, outline, data in rows}
    found = [f"model {key} is missing" for key in sorted(changed - kept.keys())]
    wrong = (key for key, row in kept.items() if not _says(*row, models.get(key)))
    return found + [f"model {key} is not what the events make of it" for key in sorted(wrong)]


def _says(outline: str, data: bytes, model: ModelSchema | None) -> bool:
    """Whether a row is of that model. What packing makes of equal JSON depends on the zlib at hand."""
    if model is None or not data:
        return model is None and (outline, data) == pack(None)
    try:
        checked = data[:CHECKED] == _checksum(outline, data[CHECKED:])
        return checked and outline == Outline.of(model).text() and _json(data) == _canonical(model)
    except UNREADABLE:
        return False


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else store.as_bytes(data)


def _plain(model: type[Any], using: str) -> QuerySet[Any]:
    return QuerySet(model, using=using)
