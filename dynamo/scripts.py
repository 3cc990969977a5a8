"""Scripts: the statements that lead this database's tables from one moment to a later one.

Each change set is planned as it was then, one after the other. One plan from the first schema to the last
would be shorter, but it cannot say what became of values in between: a conversion reads a column of its own
moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _

from dynamo import wording
from events import fold, store
from events.envelope import Mark
from events.exceptions import SchemaRefused
from events.schema import Schema
from events.types import Recorded
from projections import conf
from projections.ddl import offline, planning
from projections.transition import Transition, joined

# Planning takes about as long as the changes did.
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One change set: where it ends, what it did in words, and the statements that do it."""

    position: int
    words: list[str]
    statements: list[str]


def script(before: Schema, upto: int) -> Iterator[Passage]:
    """One passage for each change set after a schema, up to a position that is not before it."""
    if upto - before.position > MOST:
        raise SchemaRefused(
            _("there are more than %(limit)s events between %(position)s and %(upto)s; compare in parts")
            % {"limit": MOST, "position": before.position, "upto": upto}
        )
    models = dict(before.models)
    using = conf.database()
    events = store.read(using, after=before.position, upto=upto)
    for _batch, together in groupby(events, key=lambda recorded: recorded.batch_id):
        recorded = tuple(together)
        touched = {one.stream_id for one in recorded}
        former = {key: models[key] for key in touched if key in models}
        for one in recorded:
            fold.advance(models, one)
        present = {key: models[key] for key in touched if key in models}
        done = Transition(
            changes=joined(former, present),
            events=recorded,
            start=_before(recorded[0]),
            end=Mark(position=recorded[-1].position, hash=recorded[-1].hash),
            others=models.get,
        )
        yield Passage(
            position=recorded[-1].position,
            words=[wording.told_briefly(one) for one in recorded],
            statements=offline.own(planning.plan(done), using, planning.lookup(done)),
        )


def _before(recorded: Recorded) -> Mark:
    return Mark(position=recorded.position - 1, hash=recorded.prev_hash)
