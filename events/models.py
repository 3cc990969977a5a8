"""The log's tables. Only events.store, streams, timeline, journal and snapshots read and write them."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from django.db import models
from django.db.models import QuerySet

from events.exceptions import AppendOnly

REFUSAL = "schema events are never changed, removed or loaded from a fixture; make the change itself instead"


class AppendOnlyQuerySet(QuerySet["SchemaEvent"]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)

    update = delete = create = bulk_create = bulk_update = _refuse
    get_or_create = update_or_create = _refuse
    _raw_delete = _refuse


class SchemaEvent(models.Model):
    """One event with its envelope; see events.types for what `data` holds."""

    position = models.PositiveBigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    stream_id = models.UUIDField()
    stream_version = models.PositiveIntegerField()
    type = models.CharField(max_length=64)
    type_version = models.PositiveSmallIntegerField()
    data = models.BinaryField()
    batch_id = models.UUIDField(db_index=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    causation_id = models.CharField(max_length=64, blank=True)
    actor = models.CharField(max_length=191, blank=True)
    source = models.CharField(max_length=32)
    reason = models.CharField(max_length=500, blank=True)
    recorded_at = models.CharField(max_length=32)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ("position",)
        base_manager_name = "objects"
        verbose_name = "schema event"
        default_permissions = ("view",)
        constraints = (
            models.UniqueConstraint(fields=("stream_id", "stream_version"), name="dynamo_events_stream"),
        )

    def __str__(self) -> str:
        return f"{self.position} {self.type}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)


class Head(models.Model):
    """The one row whose lock orders all writers: the last position and its hash."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    registry_id = models.UUIDField(default=uuid.uuid4)
    position = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"head at {self.position}"


class Checkpoint(models.Model):
    """How far a projection of this database has come."""

    name = models.CharField(max_length=64, primary_key=True)
    position = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class Step(models.Model):
    """A statement of an accepted change, where schema statements commit by themselves.

    Steps are done in order. When one fails, those before it are taken back, the last one first.
    """

    PENDING, DONE, UNDO = "pending", "done", "undo"

    payload = models.BinaryField()
    state = models.CharField(max_length=8, default=PENDING)

    class Meta:
        ordering = ("id",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"step {self.pk}, {self.state}"


class Snapshot(models.Model):
    """A place in the log up to which schemas are kept as they were, so that reading need not begin at 1.

    A cache: it is made of events, and is not used where its hash is not that of the log at its position.
    """

    position = models.PositiveBigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    # events.names, as events.snapshots packs them; nothing in all but the last one.
    names = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"snapshot at {self.position}"


class SnapshotModel(models.Model):
    """A model as of the last snapshot, unchanged from `position` on; events.snapshots packs it.

    All of them are read when a process starts, and nothing else: however long the log is, and with text for
    ids, which needs no conversion. Two snapshots that are taken at once find each other by the key.
    """

    model_id = models.CharField(primary_key=True, max_length=36)
    position = models.PositiveBigIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.model_id} from {self.position}"


class SnapshotFormer(models.Model):
    """A model as it was from a snapshot on, until it was another at a later one."""

    model_id = models.CharField(max_length=36)
    position = models.PositiveBigIntegerField()
    until = models.PositiveBigIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("model_id", "position"), name="dynamo_events_snapshot_once"),
        )

    def __str__(self) -> str:
        return f"{self.model_id} from {self.position} until {self.until}"


def refuse_fixture(sender: Any, **kwargs: Any) -> NoReturn:
    """Fixtures write rows directly, past `save`."""
    raise AppendOnly(REFUSAL)


models.signals.pre_save.connect(refuse_fixture, sender=SchemaEvent)
