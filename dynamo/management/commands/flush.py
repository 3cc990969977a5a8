"""`flush` for projects with generated models: log, meta rows, generated tables and classes go together."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.core.management.commands import flush
from django.db import connections
from django.db.transaction import atomic

from dynamo import reset
from events import guards, store
from projections import conf, pipeline
from projections.lazy import exposed


class Command(flush.Command):
    """Django's own command, with the append-only guards lifted while it runs."""

    def handle(self, **options: Any) -> None:
        using = options["database"]
        if using != conf.database() or not store.installed(using):
            super().handle(**options)
            return
        if options["interactive"]:
            self.stdout.write("This also removes every generated model, its table and the schema log.")
        self._flush(using, options)

    def _flush(self, using: str, options: dict[str, Any]) -> None:
        from events.models import SchemaEvent

        before = SchemaEvent.objects.using(using).count()
        tables = reset.generated_tables(using)
        with self._together(using), guards.lifted(connections[using]), exposed():
            super().handle(**options)
            if before and SchemaEvent.objects.using(using).exists():
                # Somebody answered no.
                return
            reset.drop(using, tables)
        pipeline.reset()

    def _together(self, using: str) -> Any:
        """One transaction where the database has it for tables; MariaDB does not."""
        whole = connections[using].features.can_rollback_ddl
        return atomic(using=using) if whole else nullcontext()
