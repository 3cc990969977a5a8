"""What a query meets when another process changed its table meanwhile, and reading again after that."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connections

from projections import conf, pipeline
from projections.registry import registry

Read = TypeVar("Read", bound=Callable[..., Any])

# No such column or table; an operator or a type that does not fit it; a prepared statement from before.
SQLSTATES: Final = frozenset({"42703", "42P01", "42883", "42804", "0A000"})
MYSQL_CODES: Final = frozenset({1054, 1146, 1412, 1615})
SQLITE_WORDS: Final = ("no such column", "no such table", "has no column named")


def is_stale(error: BaseException | None) -> bool:
    """Whether a database error may come from a table that is not as this process knows it."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    if cause is None:
        return False
    if getattr(cause, "sqlstate", None) is not None:
        return cause.sqlstate in SQLSTATES  # type: ignore[attr-defined]  # psycopg's errors have it
    first = cause.args[0] if cause.args else ""
    return first in MYSQL_CODES or any(word in str(first) for word in SQLITE_WORDS)


def caught_up_after(error: BaseException | None) -> bool:
    """Bring this process up to the log if an error says that it is behind; whether it was.

    Within a transaction, which may be broken, it is only marked: the next look asks the database.
    """
    if not is_stale(error):
        return False
    if connections[conf.database()].in_atomic_block:
        registry.loaded = False
        return False
    return pipeline.follow()


def retry_read(read: Read) -> Read:
    """Decorator for a function that only reads: it runs once more when a table changed under it.

    Inside `atomic()` it does not, because the transaction has read by the former schema already. The function
    must get its models by `dynamo.get_model()` or hold classes, and build its querysets itself.
    """

    @wraps(read)
    def tried(*args: Any, **kwargs: Any) -> Any:
        try:
            return read(*args, **kwargs)
        except DatabaseError as error:
            if not caught_up_after(error):
                raise
        return read(*args, **kwargs)

    return tried  # type: ignore[return-value]  # the same signature
