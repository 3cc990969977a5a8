"""A log with several snapshots, and what they have to agree with."""

from __future__ import annotations

import pytest

import dynamo
from dynamo.models import MetaModel
from events import fold, snapshots, store
from events.models import SnapshotModel
from events.schema import ModelSchema, Schema
from tests.integration.making import add, alter, make, rename


def several_passes(monkeypatch: pytest.MonkeyPatch) -> MetaModel:
    """Several passes over models that come, change, go and are purged; each fourth event makes one."""
    monkeypatch.setattr(snapshots, "INTERVAL", 4)
    meta = make("Book", title="CharField", pages="IntegerField")
    make("Author", name="CharField")
    rename(meta.fields.get(name="title"), "name")
    alter(meta.fields.get(name="pages"), type="CharField", options={})
    gone = make("Gone", a="CharField")
    for n in range(6):
        add(meta, f"f{n}", "IntegerField")
    MetaModel.objects.get(pk=gone.pk).delete()
    dynamo.purge("Gone")
    for n in range(6):
        alter(meta.fields.get(name=f"f{n}"), help="text")
        alter(meta.fields.get(name=f"f{n}"), help="another")
    return meta


def kept(row: SnapshotModel) -> ModelSchema:
    found = snapshots.unpacked(row.model_id, bytes(row.data))
    assert found is not None
    return found


def find(name: str) -> str:
    return str(dynamo.get_model(name).dynamo_id)


def folded(upto: int | None = None) -> Schema:
    return fold.replay(store.read("default", upto=upto))
