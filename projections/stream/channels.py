"""The channels: one for everything, one per model. Which model a label means, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
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
        return {str(view_kwargs.get("label") or EVERYTHING)}

    def can_read_channel(self, user: Any, channel: str) -> bool:
        if channel == EVERYTHING:
            return may_read(user)
        stream_id = stream_of(channel)
        return stream_id is not None and may_read(user, stream_id)

    def is_channel_reliable(self, channel: str) -> bool:
        return True


def stream_of(label: str, after: int | None = None) -> str | None:
    """The id of the model that a label means to a reader who has seen the log up to `after`.

    A reader who comes back after a rename goes on with the model it followed, under the old label; else the
    label means the model that has it now.
    """
    pipeline.catch_up()
    app, _, name = label.rpartition(".")
    model = registry.schema_of(app, name)
    if after and not (model and _bore(model.id, label, after)):
        former = snapshots.schema(conf.database(), after).model(label)
        model = former or model
    return model.id if model else None


def may_read(user: Any, stream_id: str | None = None) -> bool:
    """Whether a user may follow everything, or one model, under the name that the model has now."""
    if user is None or not user.is_active:
        return False
    if user.has_perm(FOLLOW):
        return True
    model = registry.schema(stream_id) if stream_id else None
    return model is not None and user.has_perm(_view_permission(model))


def _bore(model_id: str, label: str, after: int) -> bool:
    """Whether the model had that label then; asked of its own events, which are few."""
    events = store.read(conf.database(), stream_id=model_id, upto=after)
    return fold.replay(events).model(label) is not None


def _view_permission(model: ModelSchema) -> str:
    app, name = model.key
    return f"{app}.view_{name}"
