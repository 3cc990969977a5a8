"""What can go wrong, under one base; each error is also the fitting builtin. No Django."""

from __future__ import annotations

from typing import Any


class DynamoError(Exception):
    """Base of every refusal, conflict and failure. Keyword arguments become attributes."""

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data = data

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["data"][name]
        except KeyError:
            raise AttributeError(name) from None


class SchemaRefused(DynamoError, ValueError):
    """The change is understood but not allowed in the present state; the message names the way out."""


class DataRefused(SchemaRefused):
    """Rows stand in the way. `count` is how many, `samples` shows some."""


class SchemaConflict(DynamoError, RuntimeError):
    """Someone else changed the same attribute meanwhile."""


class SchemaBusy(DynamoError, TimeoutError):
    """The registry's lock, or a table's, was not free in time."""


class AppendOnly(DynamoError, TypeError):
    """Events are never changed or removed."""


class LogCorrupt(DynamoError, RuntimeError):
    """The log does not hold together; `position` is the first bad one."""


class UnknownEvent(LogCorrupt, LookupError):
    """An event of a type or version that this code does not know."""


class ProjectionFailed(DynamoError, RuntimeError):
    """The table could not be brought up to the schema."""


class ModelNotFound(DynamoError, LookupError):
    """No generated model of that label."""


class StreamRefused(DynamoError, PermissionError):
    """A server does not let a subscriber follow its stream. `status` is its answer's, `text` what it said."""


class StreamReset(DynamoError, LookupError):
    """A followed log ends before the position that was reached; `position` is where it ends now."""
