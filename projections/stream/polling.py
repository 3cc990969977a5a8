"""Events for clients that ask again and again, where the server cannot stream."""

from __future__ import annotations

from typing import Final

import orjson
from django.http import HttpRequest

from events import store
from projections import conf
from projections.signals import frame_name
from projections.stream import frames
from projections.stream.access import admit
from projections.stream.naming import Names
from projections.stream.request import PositionRequest

PAGE: Final = 100


def page(request: HttpRequest) -> bytes:
    """A JSON document with `events`, each of a `name` and `data` as in a frame, and `position`, which to ask
    from next time. `reset` says that the log ends before the position that was asked for.

    Raises EventRequest.Error and Refused, as the stream does.
    """
    asked = PositionRequest(request, view_kwargs={"label": None})
    place = admit(request, asked)
    using, streams = conf.database(), place.grant.stream_ids
    upto = store.shown(using).position
    names = Names(using)
    found = list(store.read(using, after=place.position, upto=upto, stream_ids=streams, limit=PAGE))
    events = []
    for one in found:
        # Also for those that are not asked for, as names go on from one to the next.
        named, name = names.after(one), frame_name(one.type)
        if place.asks_for(one.type, name):
            events.append({"name": name, "data": orjson.Fragment(frames.data(one, *named))})
    position = found[-1].position if len(found) == PAGE else max(upto, place.position)
    return orjson.dumps({"position": position, "reset": place.reset, "events": events})
