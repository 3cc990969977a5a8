"""The store: lock, append, read. The only file that queries the log's tables."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import F, Max, QuerySet

from events import chain, codec
from events.clock import UtcNow
from events.exceptions import DynamoError, LogCorrupt
from events.models import Checkpoint, Head, SchemaEvent
from events.types import Context, Event, Recorded

HEAD_ID: Final = 1

# The checkpoint of the tables, which the generated classes follow.
DATABASE: Final = "database"

# Read by a plain statement: a queryset of two tables would ask for the very relations that wait for this.
SHOWN: Final = (
    "SELECT h.registry_id, c.position, c.hash FROM dynamo_events_head h "
    "LEFT JOIN dynamo_events_checkpoint c ON c.name = %s WHERE h.id = %s"
)

# What Django raises for a column that holds something else than its type, as SQLite lets it.
UNREADABLE: Final = (ValueError, TypeError, OverflowError, ValidationError)
COLUMNS: Final = (
    "position",
    "event_id",
    "stream_id",
    "stream_version",
    "type",
    "type_version",
    "data",
    "batch_id",
    "correlation_id",
    "causation_id",
    "actor",
    "source",
    "reason",
    "recorded_at",
    "prev_hash",
    "hash",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place in the log: equal marks mean equal histories."""

    registry_id: str = ""
    position: int = 0
    hash: str = chain.GENESIS


def installed(using: str) -> bool:
    """Whether the log's tables exist; asked by introspection, so that no transaction is broken by asking."""
    connection = connections[using]
    with connection.cursor() as cursor:
        return Head._meta.db_table in connection.introspection.table_names(cursor)


def head(using: str) -> Mark:
    """Read the last position and hash with one indexed query, without locking."""
    row = Head.objects.using(using).filter(pk=HEAD_ID).values_list("registry_id", "position", "hash").first()
    return Mark() if row is None else Mark(registry_id=str(row[0]), position=row[1], hash=row[2])


def shown(using: str) -> Mark:
    """The place in the log that the tables have reached, and that processes may show, with one query.

    Where schema statements roll back, that is the head. Where they commit by themselves, an accepted
    change is shown once its last statement is done.
    """
    if connections[using].features.can_rollback_ddl:
        return head(using)
    with connections[using].cursor() as cursor:
        cursor.execute(SHOWN, [DATABASE, HEAD_ID])
        row = cursor.fetchone()
    if row is None or row[1] is None:
        return Mark(registry_id="" if row is None else str(uuid.UUID(str(row[0]))))
    return Mark(registry_id=str(uuid.UUID(str(row[0]))), position=row[1], hash=row[2])


def lock(using: str) -> tuple[Mark, str]:
    """Take the writers' lock until the transaction ends; return the head and the database's clock."""
    rows = Head.objects.using(using)
    if connections[using].vendor == "sqlite":
        # A write first: a read lock that must be raised later fails at once when another writer waits.
        rows.filter(pk=HEAD_ID).update(position=F("position"))
    query = rows.select_for_update().filter(pk=HEAD_ID).annotate(now=UtcNow())
    found = query.values_list("registry_id", "position", "hash", "now").first()
    if found is None:
        rows.get_or_create(pk=HEAD_ID, defaults={"hash": chain.GENESIS})
        found = query.values_list("registry_id", "position", "hash", "now").get()
    return Mark(registry_id=str(found[0]), position=found[1], hash=found[2]), found[3]


def append(
    using: str,
    at: Mark,
    now: str,
    events: Sequence[Event],
    context: Context,
    *,
    versions: Mapping[str, int] | None = None,
    event_ids: Sequence[str] | None = None,
) -> list[Recorded]:
    """Append under the lock that `lock` took; return the recorded events.

    `versions` is each stream's present version where known. Events whose ids are in the log already are
    not appended again: the recorded ones are returned.
    """
    ids = list(event_ids) if event_ids is not None else [uuid7() for _ in events]
    if event_ids is not None:
        recorded = list(_by_ids(using, ids))
        if recorded:
            return _same(recorded, ids)
    known = dict(versions or {})
    out: list[Recorded] = []
    for event, event_id in zip(events, ids, strict=True):
        version = known.get(event.stream_id, _last_version(using, event.stream_id, known)) + 1
        known[event.stream_id] = version
        recorded_event = _record(at, event, event_id, version, context, now)
        at = replace(at, position=recorded_event.position, hash=recorded_event.hash)
        out.append(recorded_event)
    _plain(using).bulk_create([_row(r, now) for r in out])
    Head.objects.using(using).filter(pk=HEAD_ID).update(position=at.position, hash=at.hash)
    return out


def read(
    using: str,
    *,
    after: int = 0,
    upto: int | None = None,
    stream_id: str | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[Recorded]:
    """Yield events in position order, from `after` (exclusive) to `upto` (inclusive)."""
    position = after
    try:
        for row in _rows(using, after, upto, stream_id, limit, newest_first):
            position = row[0]
            yield _recorded(row)
    except UNREADABLE as error:
        raise LogCorrupt(f"a row after position {position} cannot be read: {error}") from error


def exists(using: str, recorded: Recorded) -> bool:
    """Whether this very event is in the log, as the reader's transaction sees it."""
    return _plain(using).filter(position=recorded.position, event_id=recorded.event_id).exists()


def checkpoint(using: str, name: str, at: Mark) -> None:
    """Note how far a projection of this database has come."""
    reached = {"position": at.position, "hash": at.hash}
    if not Checkpoint.objects.using(using).filter(pk=name).update(**reached):
        Checkpoint.objects.using(using).create(pk=name, **reached)


def checkpoints(using: str) -> dict[str, int]:
    return dict(Checkpoint.objects.using(using).values_list("name", "position"))


def readable(using: str) -> Iterator[Event]:
    """Yield the events that can be read, in position order, passing over those that cannot."""
    for _, row in walk(using):
        if row is not None:
            try:
                yield codec.decode(row[4], row[5], bytes(row[6]), str(row[2]))
            except LogCorrupt:
                continue


def walk(using: str, size: int = 1_000) -> Iterator[tuple[int, tuple[Any, ...] | None]]:
    """Every position with its row, or None for a row whose columns hold nonsense."""
    last = -(2**63)
    while positions := list(_above(using, last).values_list("position", flat=True)[:size]):
        last = positions[-1]
        rows = _plain(using).filter(position__in=positions).order_by("position").values_list(*COLUMNS)
        try:
            yield from [(row[0], row) for row in rows]
        except UNREADABLE:
            yield from ((position, _one(using, position)) for position in positions)


def _above(using: str, position: int) -> QuerySet[SchemaEvent]:
    return _plain(using).filter(position__gt=position).order_by("position")


def _one(using: str, position: int) -> tuple[Any, ...] | None:
    try:
        found: tuple[Any, ...] = _plain(using).filter(position=position).values_list(*COLUMNS).get()
        return found
    except UNREADABLE:
        return None


def uuid7() -> str:
    """A UUID that sorts by the millisecond it was made in (RFC 9562, section 5.7)."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    return str(uuid.UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62)))


def _plain(using: str) -> QuerySet[SchemaEvent]:
    return QuerySet(SchemaEvent, using=using)


def _rows(
    using: str,
    after: int = 0,
    upto: int | None = None,
    stream_id: str | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[tuple[Any, ...]]:
    query = _plain(using).filter(position__gt=after).order_by("-position" if newest_first else "position")
    if upto is not None:
        query = query.filter(position__lte=upto)
    if stream_id is not None:
        query = query.filter(stream_id=stream_id)
    if limit is not None:
        return iter(list(query[:limit].values_list(*COLUMNS)))
    return query.values_list(*COLUMNS).iterator(chunk_size=2000)


def _recorded(row: tuple[Any, ...]) -> Recorded:
    data, stream_id = bytes(row[6]), str(row[2])
    return Recorded(
        position=row[0],
        event_id=str(row[1]),
        stream_id=stream_id,
        stream_version=row[3],
        type=row[4],
        type_version=row[5],
        data=data,
        context=context_of(row),
        recorded_at=row[13],
        prev_hash=row[14],
        hash=row[15],
        event=codec.decode(row[4], row[5], data, stream_id),
    )


def context_of(row: tuple[Any, ...]) -> Context:
    return Context(
        batch_id=str(row[7]),
        correlation_id=row[8],
        causation_id=row[9],
        actor=row[10],
        source=row[11],
        reason=row[12],
    )


def _record(at: Mark, event: Event, event_id: str, version: int, context: Context, now: str) -> Recorded:
    type_name, type_version, data = codec.encode(event)
    envelope: dict[str, Any] = {
        "position": at.position + 1,
        "event_id": event_id,
        "stream_id": event.stream_id,
        "stream_version": version,
        "type": type_name,
        "type_version": type_version,
        "context": context,
        "recorded_at": now,
        "data": data,
    }
    linked = chain.link(at.registry_id, at.hash, **envelope)
    return Recorded(**envelope, prev_hash=at.hash, hash=linked, event=event)


def _row(recorded: Recorded, now: str) -> SchemaEvent:
    context = recorded.context
    return SchemaEvent(
        position=recorded.position,
        event_id=recorded.event_id,
        stream_id=recorded.stream_id,
        stream_version=recorded.stream_version,
        type=recorded.type,
        type_version=recorded.type_version,
        data=recorded.data,
        batch_id=context.batch_id,
        correlation_id=context.correlation_id,
        causation_id=context.causation_id,
        actor=context.actor,
        source=context.source,
        reason=context.reason,
        recorded_at=now,
        prev_hash=recorded.prev_hash,
        hash=recorded.hash,
    )


def _last_version(using: str, stream_id: str, known: Mapping[str, int]) -> int:
    if stream_id in known:
        return known[stream_id]
    found = _plain(using).filter(stream_id=stream_id).aggregate(last=Max("stream_version"))["last"]
    return found or 0


def _by_ids(using: str, ids: Iterable[str]) -> Iterator[Recorded]:
    for row in _plain(using).filter(event_id__in=list(ids)).order_by("position").values_list(*COLUMNS):
        yield _recorded(row)


def _same(recorded: list[Recorded], ids: list[str]) -> list[Recorded]:
    if [r.event_id for r in recorded] != ids:
        raise DynamoError("some of these event ids are in the log already, others are not", event_ids=ids)
    return recorded
