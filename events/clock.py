"""The database's clock, as the text that is recorded and hashed."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func


class UtcNow(Func):
    """UTC in ISO 8601 with microseconds, such as 2026-01-02T03:04:05.000006+00:00.

    Text, made by the database: a time that went through Django would depend on USE_TZ and TIME_ZONE, and a
    project that changes these would find every hash of its log wrong.
    """

    arity = 0
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Percent signs are halved twice: by Func, and by SQLite's cursor.
        template = "STRFTIME('%%%%Y-%%%%m-%%%%dT%%%%H:%%%%M:%%%%f', 'NOW') || '000+00:00'"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        clock = "STATEMENT_TIMESTAMP() AT TIME ZONE 'UTC'"
        template = f"""TO_CHAR({clock}, 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'"""
        return self.as_sql(compiler, connection, template=template, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        form = "%%%%Y-%%%%m-%%%%dT%%%%H:%%%%i:%%%%S.%%%%f"
        template = f"CONCAT(DATE_FORMAT(UTC_TIMESTAMP(6), '{form}'), '+00:00')"
        return self.as_sql(compiler, connection, template=template, **context)
