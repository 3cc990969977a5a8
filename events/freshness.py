"""Whether a database may have changed since somebody looked, where that can be told without a query."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from django.db.backends.base.base import BaseDatabaseWrapper

from events.envelope import Mark


class Moment(NamedTuple):
    """Differs from a later one of the same connection if anybody changed the database in between.

    SQLite counts the commits of other connections; those of this one show as changed rows.
    """

    raw: Any
    version: int
    changes: int


# Where the log was when a connection last looked, and when that was.
_looks: WeakKeyDictionary[BaseDatabaseWrapper, tuple[Moment, Mark]] = WeakKeyDictionary()


def moment(connection: Any) -> Moment | None:
    """Now; None where only a query can tell, as within a transaction, which may be rolled back."""
    raw = connection.connection
    if raw is None or connection.vendor != "sqlite" or raw.in_transaction or connection.is_in_memory_db():
        return None
    return Moment(raw, raw.execute("PRAGMA data_version").fetchone()[0], raw.total_changes)


def looked(connection: BaseDatabaseWrapper, at: Moment | None, mark: Mark) -> None:
    """Remember where the log was; `at` is from before it was read."""
    if at is not None:
        _looks[connection] = (at, mark)


def unmoved(connection: BaseDatabaseWrapper, now: Moment | None, mark: Mark) -> bool:
    """Whether the log is still at that mark, because nobody wrote anything since it was seen there."""
    seen = None if now is None else _looks.get(connection)
    return seen is not None and seen[0] == now and seen[1] is mark
