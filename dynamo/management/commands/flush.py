"""`flush` for projects with generated models: log, meta rows, generated tables and classes go together."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final

from django.core.management.commands import flush
from django.db import connections
from django.db.transaction import atomic

from dynamo import reset
from events import guards, store
from projections import conf, pipeline

QUESTION: Final = """You have requested a flush of the database.
This removes all data in {!r}, every generated model with its table, and the schema log, for good.

    Type 'yes' to continue, or 'no' to cancel: """


class Command(flush.Command):
    """Django's own command, with the append-only guards lifted while it runs."""

    def handle(self, **options: Any) -> None:
        using = options["database"]
        if using != conf.database() or not store.installed(using):
            super().handle(**options)
            return
        if (
            options["interactive"]
            and input(QUESTION.format(connections[using].settings_dict["NAME"])) != "yes"
        ):
            self.stdout.write("Flush cancelled.")
            return
        with self._together(using), guards.lifted(connections[using]):
            reset.drop(using, reset.generated_tables(using))
            super().handle(**{**options, "interactive": False})
        pipeline.reset()

    def _together(self, using: str) -> Any:
        """One transaction where the database has it for tables; MariaDB does not."""
        whole = connections[using].features.can_rollback_ddl
        return atomic(using=using) if whole else nullcontext()
