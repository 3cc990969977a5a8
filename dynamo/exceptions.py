"""The errors of Dynamo, under one base; see events.exceptions for what each means."""

from __future__ import annotations

from events.exceptions import (
    AppendOnly,
    DataRefused,
    DynamoError,
    LogCorrupt,
    ModelNotFound,
    ProjectionFailed,
    SchemaBusy,
    SchemaConflict,
    SchemaRefused,
    StreamRefused,
    StreamReset,
    UnknownEvent,
)

__all__ = [
    "AppendOnly",
    "DataRefused",
    "DynamoError",
    "LogCorrupt",
    "ModelNotFound",
    "ProjectionFailed",
    "SchemaBusy",
    "SchemaConflict",
    "SchemaRefused",
    "StreamRefused",
    "StreamReset",
    "UnknownEvent",
]
