"""The log as django-eventstream's storage, so that its own views can serve it: ids are positions."""

from __future__ import annotations

from typing import NoReturn

from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from events import store
from events.exceptions import AppendOnly
from projections import conf
from projections.signals import frame_name
from projections.stream import frames
from projections.stream.channels import EVERYTHING, stream_of
from projections.stream.naming import Names


class LogStorage(StorageBase):  # type: ignore[misc]  # django-eventstream has no types
    """For EVENTSTREAM_STORAGE_CLASS. Read only: schema events are recorded by saving models and fields."""

    def append_event(self, channel: str, event_type: str, data: object) -> NoReturn:
        raise AppendOnly(
            f"cannot send {event_type!r} to {channel!r}: the stream is the log of schema events; "
            "save or delete a MetaModel or MetaField, and its events are sent"
        )

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        using = conf.database()
        head = store.head(using).position
        if last_id > head:
            raise EventDoesNotExist(f"No such event {last_id}", head)
        stream_id = None if channel == EVERYTHING else stream_of(channel, last_id)
        if channel != EVERYTHING and stream_id is None:
            return []
        names = Names(using)
        found = store.read(using, after=last_id, stream_id=stream_id, limit=limit)
        return [
            Event(channel, frame_name(one.type), frames.data(one, *names.after(one)), id=one.position)
            for one in found
        ]

    def get_current_id(self, channel: str) -> int:
        return store.head(conf.database()).position
