"""What the list of models shows of each, asked for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from dynamo import actors, recovery, wording
from dynamo.models import MetaModel
from events import streams
from events.schema import ModelSchema
from events.types import Recorded
from projections import conf
from projections.ddl.sizes import Size, sizes
from projections.registry import registry

LIVE: Final = _("Live")
PENDING: Final = _("Pending")
FAILED: Final = _("Failed; manage.py dynamo doctor says more")
BEHIND: Final = _("Not shown by this process yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`size` is None where the table cannot be asked, `last` where the log cannot."""

    fields: int
    retired: int
    version: int
    size: Size | None
    status: object
    last: Recorded | None
    what: str
    who: str
    when: datetime | None


def overviews(rows: Iterable[MetaModel]) -> dict[str, Overview]:
    """By the model's id, with a number of queries that does not depend on how many models there are."""
    using = conf.database()
    registry.ensure_loaded()
    ids = [str(row.pk) for row in rows]
    schemas = {key: found for key in ids if (found := registry.schema(key)) is not None}
    last = streams.at_versions(using, {key: schema.version for key, schema in schemas.items()})
    known = sizes({schema.db_table for schema in schemas.values()}, using)
    people = actors.names(one.actor for one in last.values())
    unfinished, failed = recovery.unfinished(using)
    status = dict.fromkeys(schemas, LIVE) | dict.fromkeys(unfinished, FAILED if failed else PENDING)
    return {
        key: _overview(schemas.get(key), last.get(key), known, people, status.get(key, BEHIND)) for key in ids
    }


def _overview(
    schema: ModelSchema | None,
    last: Recorded | None,
    known: dict[str, Size],
    people: dict[str, str],
    status: object,
) -> Overview:
    return Overview(
        fields=0 if schema is None else len(schema.fields),
        retired=0 if schema is None else len(schema.retired_fields),
        version=0 if schema is None else schema.version,
        size=None if schema is None else known.get(schema.db_table),
        status=status,
        last=last,
        what="" if last is None else wording.told_briefly(last),
        who="" if last is None else people.get(last.actor, last.actor) or last.source,
        when=None if last is None else parse_datetime(last.recorded_at),
    )
