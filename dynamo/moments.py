"""Moments: places in the log by position, time or tag, and the schema as it was there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from dynamo import record, validators
from dynamo.appending import note as append
from dynamo.patience import patient
from events import snapshots, store
from events.exceptions import DynamoError, SchemaRefused
from events.schema import Frozen, Schema
from events.types import RegistryTagged
from projections import conf

At: TypeAlias = "int | str | datetime | None"

TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
# More than any position has; Python refuses to read numbers of thousands of digits.
DIGITS: Final = 30
FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%f+00:00"


def schema(at: At = None) -> Schema:
    """The whole schema, now or as it was: at a position, at a time, or at a tag; see `position`."""
    record.write_open()
    using = conf.database()
    upto = None if at is None else position(at)
    return snapshots.schema(using, upto)


def position(at: object) -> int:
    """The place in the log that is meant; None is its end.

    A time means the last event that was recorded by then; one without a zone is in the current time zone.
    A text is a tag, or else a position or an ISO time written as text. Raises DynamoError for a place that
    the log does not have, and for a time that has not come yet.
    """
    record.write_open()
    head = store.head(conf.database()).position
    if at is None:
        return head
    if isinstance(at, str):
        at = _read(at)
    if isinstance(at, datetime):
        return _by_time(at)
    if type(at) is not int:
        raise DynamoError(_("%(at)r is no position, time or tag") % {"at": at})
    if not 0 <= at <= head:
        raise DynamoError(
            _("the log has no position %(at)s: it ends at %(head)s") % {"at": at, "head": head}, position=at
        )
    return at


def version(model_id: str, number: int) -> int:
    """The position at which a model had that version."""
    for recorded in store.read(conf.database(), stream_id=model_id):
        if recorded.stream_version == number:
            return recorded.position
    raise DynamoError(_("the model has no version %(number)r") % {"number": number}, version=number)


@patient
def tag(name: str, at: At = None, note: str = "") -> int:
    """Give a place in the log a name; returns its position. A name is given once and stays."""
    if not _is_tag(name):
        raise ValidationError(
            {"name": _("a tag has letters, digits, '.', '_' and '-', at most 64, and is no number or date")}
        )
    note = validators.text(note)
    with record.change_set() as work:
        registry_id = work.mark.registry_id
        place = work.mark.position if at is None else position(at)
        known = tags()
        if name in known:
            raise SchemaRefused(
                _("there is a tag %(name)r already, at position %(given)s")
                % {"name": name, "given": known[name]},
                tag=name,
            )
        after = Frozen({"name": name, "position": place, "note": note})
        append(work, RegistryTagged(stream_id=registry_id, after=after))
    return place


def _is_tag(name: object) -> bool:
    """Nothing that could be read as a position or a time."""
    return isinstance(name, str) and bool(TAG.match(name)) and not name.isdigit() and _time(name) is None


def tags() -> Mapping[str, int]:
    """Positions by the name that they were given."""
    record.write_open()
    using = conf.database()
    registry_id = store.head(using).registry_id
    if not registry_id:
        # Its first change gives a registry its id.
        return {}
    events = (r.event for r in store.read(using, stream_id=registry_id))
    return {e.after["name"]: e.after["position"] for e in events if isinstance(e, RegistryTagged)}


def _read(text: str) -> Any:
    known = tags()
    if text in known:
        return known[text]
    if text.isascii() and text.isdigit():
        return int(text[:DIGITS])
    found = _time(text)
    if found is None:
        tags_known = ", ".join(sorted(known))
        named = _("there are tags: %(tags)s") % {"tags": tags_known} if known else _("there are no tags yet")
        raise DynamoError(
            _("%(text)r is no tag, position or time; %(named)s") % {"text": text, "named": named}, tag=text
        )
    return found


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _by_time(moment: datetime) -> int:
    try:
        aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        text = _recorded(aware)
    except (OverflowError, ValueError) as error:
        raise DynamoError(
            _("%(moment)s is no time that a log could have: %(error)s") % {"moment": moment, "error": error}
        ) from error
    using = conf.database()
    # The database's clock may be ahead of this one.
    last = store.times(using, [store.head(using).position]).values()
    if text > max(_recorded(timezone.now()), *last):
        raise DynamoError(
            _("%(moment)s is in the future; give a time that has come already") % {"moment": moment}
        )
    return store.last_before(using, text)


def _recorded(moment: datetime) -> str:
    """The text that an event of that moment has."""
    return moment.astimezone(UTC).strftime(FORMAT)
