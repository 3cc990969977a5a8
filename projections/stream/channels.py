"""The channels: one for everything, one per model. Which model a label means, and who may read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.http import HttpRequest
from django_eventstream.channelmanager import ChannelManagerBase

from events import fold, snapshots, store
from events.schema import ModelSchema
from projections import conf, pipeline
from projections.registry import registry

EVERYTHING: Final = "events"
FOLLOW: Final = "dynamo.follow_stream"


class Channels(ChannelManagerBase):  # type: ignore[misc]  # django-eventstream has no types
    """Channel names are "events" and "<app>.<Model>"; the dot keeps them apart."""

    def get_channels_for_request(self, request: HttpRequest, view_kwargs: Mapping[str, Any]) -> set[str]:
        label = view_kwargs.get("label")
        return {str(label)} if label else set(request.GET.getlist("model")) or {EVERYTHING}

    def can_read_channel(self, user: Any, channel: str) -> bool:
        if channel == EVERYTHING:
            return may_read(user)
        stream_id = stream_of(channel)
        return stream_id is not None and may_read(user, {stream_id})

    def is_channel_reliable(self, channel: str) -> bool:
        return True


def stream_of(label: str, after: int | None = None) -> str | None:
    """The id of the model that a label means to a reader who has seen the log up to `after`."""
    (found,) = streams_of((label,), after) or (None,)
    return found


def streams_of(labels: Collection[str], after: int | None = None) -> frozenset[str] | None:
    """The ids of the models that labels mean; None if one of them means none.

    A reader who comes back after a rename goes on with the model it followed, under the old label; else a
    label means the model that has it now.
    """
    pipeline.catch_up()
    found = [_meant(label, after) for label in labels]
    return frozenset(filter(None, found)) if all(found) else None


def may_read(user: Any, stream_ids: Collection[str] | None = None) -> bool:
    """Whether a user may follow everything, or all of some models, under the names that they have now."""
    if user is None or not user.is_active:
        return False
    if user.has_perm(FOLLOW):
        return True
    return stream_ids is not None and all(_may_see(user, stream_id) for stream_id in stream_ids)


def _may_see(user: Any, stream_id: str) -> bool:
    model = registry.schema(stream_id)
    return model is not None and bool(user.has_perm(_view_permission(model)))


def _meant(label: str, after: int | None) -> str | None:
    app, _, name = label.rpartition(".")
    model = registry.schema_of(app, name)
    if after and not (model and _bore(model.id, label, after)):
        former = snapshots.schema(conf.database(), after).model(label)
        model = former or model
    return model.id if model else None


def _bore(model_id: str, label: str, after: int) -> bool:
    """Whether the model had that label then; asked of its own events, which are few."""
    events = store.read(conf.database(), stream_id=model_id, upto=after)
    return fold.replay(events).model(label) is not None


def _view_permission(model: ModelSchema) -> str:
    app, name = model.key
    return f"{app}.view_{name}"
