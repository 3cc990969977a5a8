"""Whether a database may have changed since somebody looked, where that can be told without a query."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from events.envelope import Mark


class Moment(NamedTuple):
    """Differs from a later one of the same connection if anybody changed the database in between.

    SQLite counts the commits of other connections; those of this one show as changed rows.
    """

    raw: Any
    version: int
    changes: int


# Where a connection keeps where the log was when it last looked, and when that was.
LOOK: Final = "_dynamo_look"


def moment(connection: Any) -> Moment | None:
    """Now; None where only a query can tell, as within a transaction, which may be rolled back."""
    raw = connection.connection
    if raw is None or connection.vendor != "sqlite" or raw.in_transaction:
        return None
    seen = vars(connection).get(LOOK)
    if (seen is None or seen[0].raw is not raw) and connection.is_in_memory_db():
        # Connections that share a cache may not count one another's commits.
        return None
    return Moment(raw, raw.execute("PRAGMA data_version").fetchone()[0], raw.total_changes)


def looked(connection: BaseDatabaseWrapper, at: Moment | None, mark: Mark) -> None:
    """Remember where the log was; `at` is from before it was read."""
    if at is not None:
        vars(connection)[LOOK] = (at, mark)


def unmoved(connection: BaseDatabaseWrapper, now: Moment | None, mark: Mark) -> bool:
    """Whether the log is still at that mark, because nobody wrote anything since it was seen there."""
    seen = None if now is None else vars(connection).get(LOOK)
    return seen is not None and seen[0] == now and seen[1] is mark
