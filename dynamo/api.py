"""The public functions. Each opens what it needs and says what it raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connections, models
from django.db.transaction import atomic

from dynamo import record, rows, signing
from dynamo.applying import apply
from dynamo.changeset import current
from dynamo.differences import diff
from dynamo.documents import export
from dynamo.moments import schema, tag, tags
from dynamo.plans import Plan, plan
from dynamo.retired import purge, restore
from dynamo.rollbacks import rollback
from events import audit, passes, store
from events.audit import Report
from events.exceptions import DynamoError, ModelNotFound
from events.schema import ModelSchema, Schema
from events.types import Recorded
from projections import conf, pipeline
from projections.admin_site import register_admin
from projections.ddl import engine, inspect
from projections.registry import registry


def get_model(label: str) -> type[models.Model]:
    """The generated class of "app.Name"; in `batch()`, with what is pending. Raises ModelNotFound."""
    app, _, name = label.rpartition(".")
    record.show(conf.database())
    schema = registry.schema_of(app or conf.default_app(), name)
    if schema is None and current(conf.database()) is None and catch_up():
        schema = registry.schema_of(app or conf.default_app(), name)
    found = None if schema is None else registry.model_class(schema.id)
    if found is None:
        raise ModelNotFound(f"there is no generated model {label!r}", label=label)
    return found


@contextmanager
def batch(reason: str = "", actor: str | None = None) -> Iterator[None]:
    """Make many saves one change set: one transaction, one pass over the tables, or nothing of it at all.

    Inside another batch it is part of that one, whose actor and reason count. Where that one gave no reason,
    what is recorded in here has the one that is given here.
    """
    with record.change_set(reason=reason or None, actor=actor):
        yield


def history(model: Any = None) -> list[Recorded]:
    """Recorded events, oldest first: all of them, or those of a MetaModel, a generated class or a label."""
    using = conf.database()
    record.write_open()
    return list(store.read(using, stream_id=None if model is None else _stream(model)))


def catch_up(sender: Any = None, **signal: Any) -> bool:
    """Bring this process up to the log; for workers and loops that no request refreshes.

    It can be connected as the receiver of a signal that a worker sends before each task.
    """
    return pipeline.catch_up()


def verify(against: Any = None, public_key: bytes = b"") -> Report:
    """Check the chain, then that tables and meta rows are what the log says.

    `against` is a head that `dynamo.signing.sign` signed, and `public_key` the key to check it with, as PEM.

    These are looked at one after the other. Where not all agrees it is looked at again while nobody can
    change the schema, so that a report never speaks of a change that was in the middle of it.
    """
    using = conf.database()
    record.write_open()
    report = _verified(using)
    if against is not None:
        found = signing.contradiction(against, public_key)
        if found is not None:
            report.add(*found)
            return report
    if report.ok or connections[using].in_atomic_block:
        return report
    try:
        with engine.exclusive(using), atomic(using=using):
            store.hold(using, wait=engine.lock_seconds())
            return _verified(using)
    except (DatabaseError, DynamoError):
        # Writers were too busy, or the database is only read here: what was seen is all there is.
        return report


def _verified(using: str) -> Report:
    report = audit.verify(using)
    if report.first_bad_position is not None:
        return report
    try:
        folded, odd = passes.verified(using)
    except DynamoError as error:
        report.add(str(error), error.data.get("position"))
        return report
    for problem in odd:
        report.add(f"{problem}; `manage.py dynamo doctor --fix` makes it anew")
    live = list(folded.live())
    try:
        for problem in rows.differences(Snapshot(folded, using), live):
            report.add(problem)
    except store.UNREADABLE as error:
        report.add(f"the meta rows cannot be read: {error}; `manage.py dynamo rebuild` writes them anew")
    try:
        for problem in inspect.differences(folded, using):
            report.add(problem)
    except (DatabaseError, LookupError) as error:
        # A table or column that is renamed or dropped between being listed and being described, which
        # Django's introspection does in several queries.
        report.add(f"the tables changed while they were looked at: {error!r}")
    return report


class Snapshot:
    """A folded schema as a catalogue."""

    def __init__(self, folded: Schema, using: str) -> None:
        self.folded = folded
        self.using = using

    def model(self, model_id: str) -> ModelSchema | None:
        found: ModelSchema | None = self.folded.models.get(model_id)
        return found

    def named(self, app: str, name: str) -> ModelSchema | None:
        return self.folded.model(f"{app}.{name}")

    def referrers(self, reference: str) -> list[ModelSchema]:
        return [m for m in self.folded.live() if any(f.related_model == reference for f in m.fields)]


def _stream(model: Any) -> str:
    if isinstance(model, str):
        model = get_model(model)
    return str(getattr(model, "dynamo_id", None) or model.pk)


__all__ = [
    "Plan",
    "apply",
    "batch",
    "catch_up",
    "diff",
    "export",
    "get_model",
    "history",
    "plan",
    "purge",
    "register_admin",
    "restore",
    "rollback",
    "schema",
    "tag",
    "tags",
    "verify",
]
