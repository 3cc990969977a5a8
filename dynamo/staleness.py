"""Reading while another process changes the tables: what is met by that, and reading again after it.

Mostly a column is not there any more, and the database says so. But two fields may swap their names, or a new
one may take the name of a retired one: then a query by the former schema gives the values of another field
and no error. So who wants to be sure looks at the log after reading as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connections

from projections import conf, pipeline
from projections.ddl import engine
from projections.generated import Reads
from projections.registry import registry

Read = TypeVar("Read", bound=Callable[..., Any])

# No such column or table; an operator or a type that does not fit it; a prepared statement from before.
SQLSTATES: Final = frozenset({"42703", "42P01", "42883", "42804", "0A000"})
MYSQL_CODES: Final = frozenset({1054, 1146, 1412, 1615})
SQLITE_WORDS: Final = ("no such column", "no such table", "has no column named")
# Somebody who changes the schema all the time must not keep a reader for ever.
ATTEMPTS: Final = 20


def is_stale(error: BaseException | None) -> bool:
    """Whether a database error may come from a table that is not as this process knows it."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    if cause is None:
        return False
    if getattr(cause, "sqlstate", None) is not None:
        return cause.sqlstate in SQLSTATES  # type: ignore[attr-defined]  # psycopg's errors have it
    first = cause.args[0] if cause.args else ""
    return first in MYSQL_CODES or any(word in str(first) for word in SQLITE_WORDS)


class Look:
    """What a reader knew when it began."""

    def __init__(self) -> None:
        self.mark = registry.mark
        self.catalogue = registry.catalogue
        self.reads = Reads.count

    def failed_behind(self, error: BaseException | None) -> bool:
        """Whether a reader failed because it knew a former schema; then the process knows the present one.

        Within a transaction, which may be broken, it is only marked: the next look asks the database.
        """
        if not is_stale(error):
            return False
        if _in_transaction():
            registry.loaded = False
            return False
        pipeline.follow(wait=engine.lock_seconds())
        # Another thread may have caught up first.
        return registry.mark != self.mark

    def misled(self) -> bool:
        """Whether rows may have values of other fields in their attributes; one query, if any were read."""
        if Reads.count == self.reads or _in_transaction():
            return False
        pipeline.follow(wait=engine.lock_seconds())
        return pipeline.changed_hands(self.catalogue, self.mark)


def retry_read(read: Read) -> Read:
    """Decorator for a function that only reads: it runs once more when a table changed under it.

    Inside `atomic()` it does not, because the transaction has read by the former schema already. The function
    builds its querysets itself, and gets its models by `dynamo.get_model()` or holds the classes.
    """

    @wraps(read)
    def tried(*args: Any, **kwargs: Any) -> Any:
        for _ in range(1, ATTEMPTS):
            look = Look()
            try:
                found = read(*args, **kwargs)
            except DatabaseError as error:
                if not look.failed_behind(error):
                    raise
            else:
                if not look.misled():
                    return found
        return read(*args, **kwargs)

    return tried  # type: ignore[return-value]  # the same signature


def _in_transaction() -> bool:
    return bool(connections[conf.database()].in_atomic_block)
