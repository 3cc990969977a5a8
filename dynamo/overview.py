"""What the list of models shows of each, asked for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from dynamo import actors, recovery, retired, wording
from dynamo.models import MetaModel
from events import store, streams
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A retired model. `since` is None where the log does not say, `kept_until` where it may be purged."""

    id: str
    label: str
    since: datetime | None
    kept_until: datetime | None
    size: Size | None


def gone(most: int) -> tuple[list[Gone], int]:
    """The models that were retired last, and how many there are."""
    using = conf.database()
    found = sorted(registry.retired(), key=lambda model: -retired.retired_at(model, None))
    listed = found[:most]
    times = store.times(using, {retired.retired_at(model, None) for model in listed}) if listed else {}
    known = sizes({model.db_table for model in listed}, using) if listed else {}
    return [_gone(model, times, known) for model in listed], len(found)


def _gone(model: ModelSchema, times: dict[int, str], known: dict[str, Size]) -> Gone:
    at = times.get(retired.retired_at(model, None))
    since = None if at is None else parse_datetime(at)
    return Gone(
        id=model.id,
        label=model.label,
        since=since,
        kept_until=None if since is None else retired.kept_until(since),
        size=known.get(model.db_table),
    )


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
