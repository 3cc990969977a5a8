"""The database's clock, as the text that is recorded and hashed.

UTC in ISO 8601 with microseconds, such as 2026-01-02T03:04:05.000006+00:00. Text, made by the database: a
time that went through Django would depend on USE_TZ and TIME_ZONE, and a project that changes these would
find every hash of its log wrong.
"""

from __future__ import annotations

from typing import Final

NOW: Final = {
    "sqlite": "STRFTIME('%Y-%m-%dT%H:%M:%f', 'NOW') || '000+00:00'",
    "postgresql": "TO_CHAR(STATEMENT_TIMESTAMP() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') "
    "|| '+00:00'",
    "mysql": "CONCAT(DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%S.%f'), '+00:00')",
}
