"""Snapshots that are damaged, of another release or of another log: reported, and made anew."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import replace

import pytest

import dynamo
from dynamo.models import MetaModel
from events import snapshots
from events.models import Snapshot, SnapshotFormer, SnapshotModel
from projections.registry import registry
from tests.anew import begin
from tests.integration.agreement import settled
from tests.integration.databases import sql
from tests.integration.making import add
from tests.integration.passes import find, folded, kept, several_passes
from tests.integration.test_commands import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(transactional_db, monkeypatch) -> MetaModel:
    return several_passes(monkeypatch)


def test_a_pass_that_was_changed_is_reported_and_made_anew(log):
    last = Snapshot.objects.order_by("position").last().position
    row = SnapshotModel.objects.filter(position=last).get()
    row.data = snapshots.pack(replace(kept(row), name="Boot"))
    row.save()
    assert any(f"snapshot at {last}" in problem for problem in dynamo.verify().problems)
    assert "made the snapshots anew" in run("doctor", "--fix")
    assert dict(dynamo.schema().models) == dict(folded().models)
    settled()


@pytest.mark.parametrize("data", [b"", b"{", b"1234{}", b"1234" * 99])
def test_models_that_cannot_be_read_are_made_of_their_events(log, data, caplog):
    """And the log of the process says so once, however many there are."""
    snapshots._tell_damaged.cache_clear()
    SnapshotModel.objects.update(data=data)
    assert dict(dynamo.schema().models) == dict(folded().models)
    begin()
    assert dynamo.get_model("Author")._meta.get_field("name")
    assert dict(registry.models) == dict(folded().models)
    assert len([one for one in caplog.messages if "are damaged" in one]) == 1
    assert not dynamo.verify().ok
    run("doctor", "--fix")
    settled()


@pytest.mark.parametrize("names", [b"", b"{", b"1234{}", b"1234" * 99])
def test_a_pass_without_readable_names_is_passed_over(log, names):
    Snapshot.objects.update(names=names)
    assert snapshots.packed("default", 1_000).position == 0
    assert dict(dynamo.schema().models) == dict(folded().models)
    begin()
    assert dict(registry.models) == dict(folded().models)
    assert any("names" in problem for problem in dynamo.verify().problems)
    run("doctor", "--fix")
    settled()


def test_a_model_in_the_place_of_another_is_made_of_its_events(log):
    author, book = (SnapshotModel.objects.get(model_id=find(name)) for name in ("Author", "Book"))
    SnapshotModel.objects.filter(pk=author.pk).update(data=bytes(book.data))
    begin()
    assert dict(registry.models) == dict(folded().models)


def test_a_pass_of_another_release_is_passed_over(log, monkeypatch):
    monkeypatch.setattr(snapshots, "SEED", snapshots.SEED + 1)
    assert snapshots.packed("default", 1_000).position == 0
    begin()
    assert dict(registry.models) == dict(folded().models)


def test_a_pass_that_another_zlib_packed_is_as_good(log):
    row = SnapshotModel.objects.order_by("position").last()
    data = snapshots.checked(zlib.compress(zlib.decompress(bytes(row.data)[snapshots.CHECKED :]), 0))
    assert data != bytes(row.data)
    SnapshotModel.objects.filter(pk=row.pk).update(data=data)
    assert dynamo.verify().ok
    assert dict(dynamo.schema().models) == dict(folded().models)


def test_names_that_lead_elsewhere_are_reported(log):
    row = Snapshot.objects.order_by("position").last()
    text = bytes(row.names)[snapshots.CHECKED :]
    forged = text.replace(b'"book"', b'"cook"')
    assert forged != text
    Snapshot.objects.filter(pk=row.pk).update(names=snapshots.checked(forged))
    assert any("its names are not" in problem for problem in dynamo.verify().problems)
    run("doctor", "--fix")
    settled()


def test_a_former_model_that_ends_elsewhere_is_reported(log):
    first, second, *_ = SnapshotFormer.objects.filter(model_id=find("Book")).order_by("position")
    assert first.until == second.position
    SnapshotFormer.objects.filter(pk=first.pk).update(until=second.until)
    SnapshotFormer.objects.filter(pk=second.pk).update(until=first.until)
    assert any("not what the events make of it" in problem for problem in dynamo.verify().problems)
    run("doctor", "--fix")
    settled()


def test_passes_of_another_log_go_when_one_is_taken(log):
    """As when an old backup of the log was restored, and the caches were left."""
    passes = list(Snapshot.objects.order_by("position"))
    Snapshot.objects.filter(position__gt=passes[3].position).update(hash="0" * 64)
    assert dict(dynamo.schema().models) == dict(folded().models)
    for n in range(6):
        add(log, f"other{n}", "IntegerField")
    assert dynamo.verify().ok
    begin()
    assert dict(registry.models) == dict(folded().models)
    settled()


def test_a_pass_of_another_log_is_not_used(log):
    sql("UPDATE dynamo_events_snapshot SET hash = %s", "0" * 64)
    SnapshotModel.objects.update(data=b"{}")
    assert dict(dynamo.schema().models) == dict(folded().models)


def test_losing_all_of_them_loses_nothing(log):
    snapshots.forget("default")
    assert dict(dynamo.schema().models) == dict(folded().models)
    settled()


def test_a_pass_that_lacks_a_model_is_reported_and_made_anew(log):
    first = Snapshot.objects.order_by("position").first().position
    SnapshotFormer.objects.filter(position=first).first().delete()
    assert any("is missing" in problem for problem in dynamo.verify().problems)
    run("doctor", "--fix")
    settled()


def test_a_model_of_no_pass_is_reported_and_removed(log):
    row = SnapshotModel.objects.order_by("position").last()
    ghost = str(uuid.uuid4())
    data = snapshots.pack(replace(kept(row), id=ghost))
    SnapshotModel.objects.create(model_id=ghost, position=row.position - 1, data=data)
    assert any("where there is none" in problem for problem in dynamo.verify().problems)
    run("doctor", "--fix")
    assert dict(dynamo.schema().models) == dict(folded().models)
    settled()


@pytest.mark.needs("sqlite")
def test_text_where_bytes_should_be_is_reported(log):
    sql("UPDATE dynamo_events_snapshotmodel SET data = 'text'")
    assert not dynamo.verify().ok
    run("doctor", "--fix")
    settled()
