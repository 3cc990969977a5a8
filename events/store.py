"""The store: lock, append, read. The only file that queries the log's tables."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain as chained
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models import Max, QuerySet

from events import chain, codec
from events.clock import NOW
from events.envelope import COLUMNS, Mark, linked, recorded_of, row_of
from events.exceptions import DynamoError, LogCorrupt
from events.models import Checkpoint, Head, SchemaEvent
from events.statements import Statement, inserts, run
from events.types import Context, Event, Recorded

HEAD_ID: Final = 1

# The checkpoint of the tables, which the generated classes follow.
DATABASE: Final = "database"

# Read by a plain statement: a queryset of two tables would ask for the very relations that wait for this.
REACHED: Final = (
    "SELECT h.registry_id, h.position, c.position, c.hash FROM dynamo_events_head h "
    "LEFT JOIN dynamo_events_checkpoint c ON c.name = %s WHERE h.id = %s"
)

HEAD_TABLE: Final = "dynamo_events_head"
READ_HEAD: Final = f"SELECT registry_id, position, hash FROM {HEAD_TABLE} WHERE id = %s"
MOVE_HEAD: Final = f"UPDATE {HEAD_TABLE} SET position = %s, hash = %s WHERE id = %s"
MOVE_CHECKPOINT: Final = "UPDATE dynamo_events_checkpoint SET position = %s, hash = %s WHERE name = %s"

# The channel on which PostgreSQL tells other processes, with the commit, that the log has grown.
NEWS: Final = "dynamo_events"

RAW_BATCH: Final = 2_000
FROM: Final = "FROM dynamo_events_schemaevent WHERE position > %s AND position <= %s"
RAW: Final = f"SELECT {', '.join(COLUMNS)} {FROM} ORDER BY position"
PAYLOAD: Final = (
    f"SELECT position, stream_id, stream_version, type, type_version, data {FROM} ORDER BY position"
)
NEXT: Final = f"SELECT MIN(position) {FROM}"

# What Django raises for a column that holds something else than its type, as SQLite lets it.
UNREADABLE: Final = (ValueError, TypeError, OverflowError, ValidationError)


def installed(using: str) -> bool:
    """Whether the log's tables exist; asked by introspection, so that no transaction is broken by asking."""
    connection = connections[using]
    with connection.cursor() as cursor:
        return Head._meta.db_table in connection.introspection.table_names(cursor)


def head(using: str) -> Mark:
    """Read the last position and hash with one indexed query, without locking."""
    with connections[using].cursor() as cursor:
        cursor.execute(READ_HEAD, [HEAD_ID])
        row = cursor.fetchone()
    if row is None:
        return Mark()
    try:
        return Mark(registry_id=str(uuid.UUID(str(row[0]))), position=row[1], hash=row[2])
    except UNREADABLE as error:
        raise LogCorrupt(f"the head cannot be read: {error}", position=1) from error


def shown(using: str) -> Mark:
    """The place in the log that the tables have reached, and that processes may show, with one query.

    Where schema statements roll back, that is the head. Where they commit by themselves, an accepted
    change is shown once its last statement is done.
    """
    if connections[using].features.can_rollback_ddl:
        return head(using)
    return reached(using)[0]


def reached(using: str) -> tuple[Mark, bool]:
    """The place that the tables have reached, and whether that is the head, with one query."""
    with connections[using].cursor() as cursor:
        cursor.execute(REACHED, [DATABASE, HEAD_ID])
        row = cursor.fetchone()
    if row is None:
        return Mark(), True
    registry_id = str(uuid.UUID(str(row[0])))
    if row[2] is None:
        return Mark(registry_id=registry_id), row[1] == 0
    return Mark(registry_id=registry_id, position=row[2], hash=row[3]), row[1] == row[2]


def lock(using: str, *, wait: float | None = None) -> tuple[Mark, str]:
    """Take the writers' lock until the transaction ends; return the head and the database's clock.

    `wait` are the seconds after which the database gives up, here and, on PostgreSQL, for every lock until
    the transaction ends.
    """
    vendor = connections[using].vendor
    found = _locked(using, vendor, wait)
    if found is None:
        rows = Head.objects.using(using)
        rows.get_or_create(pk=HEAD_ID, defaults={"hash": chain.GENESIS})
        found = _locked(using, vendor, wait)
    assert found is not None
    return Mark(registry_id=str(uuid.UUID(str(found[0]))), position=found[1], hash=found[2]), found[3]


def hold(using: str, *, wait: float) -> None:
    """Keep writers out until the transaction ends, whatever the head says, and if there is one."""
    _locked(using, connections[using].vendor, wait)


def _locked(using: str, vendor: str, wait: float | None) -> tuple[Any, ...] | None:
    select = f"SELECT registry_id, position, hash, {NOW[vendor]} FROM {HEAD_TABLE} WHERE id = {HEAD_ID}"
    with connections[using].cursor() as cursor:
        if vendor == "sqlite":
            # A write first: a read lock that must be raised later fails at once when another writer waits.
            cursor.execute(f"UPDATE {HEAD_TABLE} SET position = position WHERE id = {HEAD_ID}", None)
            cursor.execute(select, None)
        elif vendor == "postgresql" and wait is not None:
            cursor.execute(f"SET LOCAL lock_timeout = {max(1, int(wait * 1000))}; {select} FOR UPDATE", None)
            cursor.nextset()
        else:
            limit = "" if wait is None or not _waits(using) else f" WAIT {max(1, round(wait))}"
            cursor.execute(f"{select} FOR UPDATE{limit}", None)
        found: tuple[Any, ...] | None = cursor.fetchone()
        return found


def _waits(using: str) -> bool:
    connection: Any = connections[using]
    return bool(connection.mysql_is_mariadb)


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
    if event_ids is not None:
        recorded = list(_by_ids(using, event_ids))
        if recorded:
            return _same(recorded, list(event_ids))
    known = dict(versions or {})
    for event in events:
        if event.stream_id not in known:
            known[event.stream_id] = last_version(using, event.stream_id)
    made = linked(at, now, events, context, known, event_ids)
    write(using, made)
    return made


def write(
    using: str, recorded: Sequence[Recorded], *, first: Sequence[Statement] = (), reached: bool = False
) -> None:
    """Write events that follow the head, and move it.

    `first` are statements to be sent before in the same message, where there is one. `reached` says that
    the tables follow in this transaction.
    """
    last = recorded[-1]
    rows = [row_of(one) for one in recorded]
    statements = [*first, *inserts(using, SchemaEvent, COLUMNS, rows)]
    statements.append((MOVE_HEAD, [last.position, last.hash, HEAD_ID]))
    if reached and recorded[0].position > 1:
        statements.append((MOVE_CHECKPOINT, [last.position, last.hash, DATABASE]))
    if connections[using].vendor == "postgresql":
        statements.append((f"NOTIFY {NEWS}", []))
    run(using, statements)
    if reached and recorded[0].position == 1:
        checkpoint(using, DATABASE, Mark(position=last.position, hash=last.hash))


def read(
    using: str,
    *,
    after: int = 0,
    upto: int | None = None,
    stream_id: str | None = None,
    stream_ids: Collection[str] | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[Recorded]:
    """Yield events in position order, from `after` (exclusive) to `upto` (inclusive)."""
    position, streams = after, stream_ids if stream_id is None else (stream_id,)
    try:
        for row in _rows(using, after, upto, streams, limit, newest_first):
            position = row[0]
            yield recorded_of(row)
    except LogCorrupt as error:
        raise type(error)(f"position {position}: {error}", **{**error.data, "position": position}) from error
    except UNREADABLE as error:
        at = position + 1
        raise LogCorrupt(f"a row after position {position} cannot be read: {error}", position=at) from error


def last_before(using: str, moment: str) -> int:
    """The last position recorded by a moment, which is given as `recorded_at` has it; 0 for none."""
    found = _plain(using).filter(recorded_at__lte=moment).order_by("-position")
    return found.values_list("position", flat=True).first() or 0


def last_version(using: str, stream_id: str) -> int:
    """The version of a stream's last event in the log; 0 for a stream that has none."""
    found = _plain(using).filter(stream_id=stream_id).aggregate(last=Max("stream_version"))["last"]
    return found or 0


def last_versions(using: str, stream_ids: Sequence[str]) -> dict[str, int]:
    """The version of each stream's last event, for those that have one, with one query."""
    if not stream_ids:
        return {}
    found = _plain(using).filter(stream_id__in=stream_ids).values_list("stream_id")
    return {str(key): version for key, version in found.annotate(last=Max("stream_version")).order_by()}


def times(using: str, positions: Iterable[int]) -> dict[int, str]:
    """When each of those positions was recorded, with one query."""
    found = _plain(using).filter(position__in=list(positions))
    return dict(found.values_list("position", "recorded_at"))


def exists(using: str, recorded: Recorded) -> bool:
    """Whether this very event is in the log, as the reader's transaction sees it."""
    return _plain(using).filter(position=recorded.position, event_id=recorded.event_id).exists()


def checkpoint(using: str, name: str, at: Mark) -> None:
    """Note how far a projection of this database has come."""
    with connections[using].cursor() as cursor:
        cursor.execute(MOVE_CHECKPOINT, [at.position, at.hash, name])
        found = cursor.rowcount
    if not found:
        Checkpoint.objects.using(using).create(pk=name, position=at.position, hash=at.hash)


def checkpoints(using: str) -> dict[str, int]:
    return dict(Checkpoint.objects.using(using).values_list("name", "position"))


def raw(using: str, *, after: int = -(2**63), upto: int = 2**63 - 1) -> Iterator[tuple[Any, ...]]:
    """Every row as the database has it, in position order, for who must not trust it.

    Nothing is decoded, so nothing that a column holds can fail here; ids are text as in the hash.
    """
    text = ID_AS_TEXT.get(connections[using].vendor, str)
    for batch in _batches(using, RAW, after, upto):
        for position, event_id, stream_id, version, kind, kind_version, data, batch_id, *rest in batch:
            ids = (text(event_id), text(stream_id), text(batch_id))
            content = data if type(data) is bytes else as_bytes(data)
            yield (position, ids[0], ids[1], version, kind, kind_version, content, ids[2], *rest)


def payloads(using: str, upto: int = 2**63 - 1) -> Iterator[tuple[Any, ...]]:
    """What a replay needs of each event: position, stream, its version, type, type version and data.

    The stream is in whatever form the driver has for it, the same for all events of one.
    """
    return chained.from_iterable(_batches(using, PAYLOAD, -(2**63), upto))


def _batches(using: str, sql: str, after: int, upto: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows by windows of positions, which no database can find in a slow way; gaps are passed over."""
    while after < upto:
        end = min(after + RAW_BATCH, upto)
        with connections[using].cursor() as cursor:
            cursor.execute(sql, [after, end])
            batch = cursor.fetchall()
            if not batch:
                cursor.execute(NEXT, [end, upto])
                (following,) = cursor.fetchone()
        if batch:
            yield batch
            after = end
        elif following is None:
            return
        else:
            after = following - 1


def readable(using: str) -> Iterator[Event]:
    """Yield the events that can be read, in position order, passing over those that cannot."""
    for row in raw(using):
        try:
            yield codec.decode(row[4], row[5], row[6], row[2])
        except (LogCorrupt, TypeError):
            continue


def _hyphenated(value: Any) -> Any:
    """SQLite keeps a UUID as 32 digits; anything else there is nonsense, and stays that."""
    if type(value) is not str or len(value) != 32:
        return value
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def as_bytes(value: Any) -> bytes:
    """What a column of bytes holds, however the driver gives it; b"" for nonsense."""
    return bytes(value) if isinstance(value, memoryview | bytearray) else b""


ID_AS_TEXT: Final = {"sqlite": _hyphenated}


def _plain(using: str) -> QuerySet[SchemaEvent]:
    return QuerySet(SchemaEvent, using=using)


def _rows(
    using: str,
    after: int = 0,
    upto: int | None = None,
    stream_ids: Collection[str] | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[tuple[Any, ...]]:
    query = _plain(using).filter(position__gt=after).order_by("-position" if newest_first else "position")
    if upto is not None:
        query = query.filter(position__lte=upto)
    if stream_ids is not None:
        query = query.filter(stream_id__in=stream_ids)
    if limit is not None:
        return iter(list(query[:limit].values_list(*COLUMNS)))
    return query.values_list(*COLUMNS).iterator(chunk_size=2000)


def _by_ids(using: str, ids: Iterable[str]) -> Iterator[Recorded]:
    for row in _plain(using).filter(event_id__in=list(ids)).order_by("position").values_list(*COLUMNS):
        yield recorded_of(row)


def _same(recorded: list[Recorded], ids: list[str]) -> list[Recorded]:
    if [r.event_id for r in recorded] != ids:
        raise DynamoError("some of these event ids are in the log already, others are not", event_ids=ids)
    return recorded
