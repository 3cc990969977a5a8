"""`dumpdata` that sees generated models too, when it is asked for a whole label or for everything."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import dumpdata

from projections import pipeline
from projections.lazy import exposed


class Command(dumpdata.Command):
    def handle(self, *app_labels: str, **options: Any) -> None:
        pipeline.catch_up()
        with exposed():
            super().handle(*app_labels, **options)
