"""Snapshots: reading begins at the last one, and says the same as reading from the first event."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.models import MetaModel
from events import snapshots, store
from events.envelope import Mark
from events.models import Snapshot, SnapshotFormer, SnapshotModel
from events.schema import ModelSchema
from projections import pipeline
from projections.registry import registry
from projections.transition import Transition, joined
from tests.anew import begin
from tests.integration.agreement import settled
from tests.integration.making import add, alter, make
from tests.integration.passes import folded, several_passes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(transactional_db, monkeypatch) -> MetaModel:
    return several_passes(monkeypatch)


def test_every_moment_is_what_the_fold_says(log):
    head = dynamo.history()[-1].position
    passes = list(Snapshot.objects.order_by("position").values_list("position", flat=True))
    assert len(passes) >= head // 4 - 1
    for position in range(head + 1):
        found = dynamo.schema(position)
        assert (found.position, dict(found.models)) == (position, dict(folded(position).models)), position
    settled()


def test_reading_takes_few_events_however_long_the_log_is(log, monkeypatch):
    read: list[int] = []
    plain = store.read

    def counted(*args, **kwargs):
        for recorded in plain(*args, **kwargs):
            read.append(recorded.position)
            yield recorded

    monkeypatch.setattr(store, "read", counted)
    for at in (None, 9, 17):
        read.clear()
        dynamo.schema(at)
        assert len(read) < 2 * snapshots.INTERVAL
    read.clear()
    pipeline.reset()
    assert len(read) < 2 * snapshots.INTERVAL
    assert dict(registry.models) == dict(folded().models)


def test_a_pass_keeps_only_what_changed_since_the_one_before(log):
    last = Snapshot.objects.order_by("position").last().position
    assert SnapshotModel.objects.filter(position=last).count() == 1


def test_a_process_begins_with_bytes_and_decodes_what_is_asked_for(log):
    for n in range(8):
        make(f"Idle{n}", a="CharField")
    packed = snapshots.packed("default", snapshots.END)
    since = {e.stream_id for e in dynamo.history() if e.position > packed.position}
    begin()
    assert registry.built() == 0
    assert registry.models.decoded() == len(since) < len(packed.models)
    assert list(dynamo.get_model("Book").objects.all()) == []
    assert registry.models.decoded() <= len(since) + 1
    assert dict(registry.models) == dict(folded().models)


def test_a_process_that_begins_finds_all_by_name_and_relation(log):
    make("Shelf", books={"type": "ManyToManyField", "related_model": "Book"})
    alter(log.fields.get(name="name"), help="so that there is a pass")
    for n in range(8):
        add(log, f"more{n}", "IntegerField")
    known = registry.catalogue
    begin()
    assert registry.catalogue.names.text() == known.names.text()
    shelf = apps.get_model("dynamic", "Shelf_books")
    assert shelf._meta.auto_created is dynamo.get_model("Shelf")
    assert [r.name for r in dynamo.get_model("Book")._meta.related_objects] == ["shelf"]


@pytest.mark.needs("server")
def test_a_pass_that_another_process_takes_in_the_middle_of_one_stays_whole(log, monkeypatch):
    """The first one has looked for passes already, and finds the models of the second in its way."""
    monkeypatch.setattr(snapshots, "INTERVAL", 1_000)
    plain = snapshots._put_aside
    marks = [registry.mark]
    add(log, "further", "IntegerField")
    marks.append(registry.mark)

    def take(mark):
        snapshots.take("default", mark, pipeline.known_at)
        connection.close()

    def put_aside(*given):
        monkeypatch.setattr(snapshots, "_put_aside", plain)
        other = threading.Thread(target=take, args=(marks[1],))
        other.start()
        other.join(60)
        plain(*given)

    alter(log.fields.get(name="further"), help="so that the first pass has something to keep")
    snapshots.forget("default")
    monkeypatch.setattr(snapshots, "_put_aside", put_aside)
    snapshots.take("default", marks[0], pipeline.known_at)
    assert list(Snapshot.objects.values_list("position", flat=True)) == [marks[1].position]
    assert dynamo.verify().ok
    begin()
    assert dict(registry.models) == dict(folded().models)


def test_two_passes_at_once_leave_what_is_right(log, monkeypatch):
    """The second one does not see the first, which is not committed when it looks."""
    monkeypatch.setattr(snapshots, "INTERVAL", 1_000)
    for n in range(6):
        add(log, f"other{n}", "IntegerField")
    known = registry.catalogue
    snapshots.take("default", store.head("default"), lambda _: known)
    before = SnapshotModel.objects.count(), SnapshotFormer.objects.count(), Snapshot.objects.count()
    plain = snapshots._put_aside
    monkeypatch.setattr(snapshots, "_put_aside", lambda *args: None)
    add(log, "another", "IntegerField")
    snapshots.take("default", store.head("default"), lambda _: registry.catalogue)
    monkeypatch.setattr(snapshots, "_put_aside", plain)
    assert before == (SnapshotModel.objects.count(), SnapshotFormer.objects.count(), Snapshot.objects.count())
    assert dynamo.verify().ok


def test_a_class_that_is_held_through_another_log_is_right_again(log):
    """As when the database is emptied, and a backup restored that has gone on meanwhile."""
    Book = dynamo.get_model("Book")
    fields = registry.catalogue.models[Book.dynamo_id].fields
    show(dynamo.schema(6).models)
    assert len(Book._meta.local_fields) < len(fields)
    show({})
    pipeline.reset()
    assert [f.name for f in Book._meta.local_fields[1:]] == [f.name for f in fields]
    assert dynamo.get_model("Book") is Book


def show(models: Mapping[str, ModelSchema]) -> None:
    changes = joined(registry.models, models)
    registry.project(
        Transition(changes=changes, events=(), start=registry.mark, end=Mark(), others=registry.schema)
    )


WRITE = """
    from events import snapshots
    snapshots.INTERVAL = 4
    book = make("Book", title="CharField", pages="IntegerField")
    make("Shelf", books={"type": "ManyToManyField", "related_model": "Book"})
    for n in range(4):
        make(f"Idle{n}", a="CharField")
    Book = dynamo.get_model("Book")
    dynamo.get_model("Shelf").objects.create().books.add(Book.objects.create(title="Dune"))
"""
BEGIN = """
    from django.apps import apps
    from projections.registry import registry
    connection.ensure_connection()
    first = registry.built(), registry.models.decoded() <= 2, len(registry.models)
    Book = apps.get_model("dynamic", "book")
    (book,) = Book.objects.all()
    print(*first, book.title, book.shelf_set.count(), dynamo.verify().ok)
"""


def test_a_new_process_builds_and_decodes_nothing_it_was_not_asked_for(project):
    project.run(WRITE)
    assert project.run(BEGIN) == "0 True 6 Dune 1 True"


@pytest.mark.parametrize("meanwhile", ["taken", "gone"])
def test_a_pass_that_is_taken_or_goes_while_another_is_read_is_not_mixed_with_it(log, monkeypatch, meanwhile):
    plain = snapshots.Names.read

    def act():
        monkeypatch.setattr(snapshots.Names, "read", plain)
        if meanwhile == "taken":
            for n in range(5):
                add(log, f"meanwhile{n}", "IntegerField")
        else:
            snapshots.forget("default")

    def read(text):
        act()
        return plain(text)

    monkeypatch.setattr(snapshots.Names, "read", read)
    assert snapshots.packed("default", snapshots.END).position == 0
    begin()
    assert dict(registry.models) == dict(folded().models)
    settled()


def test_a_change_set_that_is_rolled_back_leaves_none(log):
    before = Snapshot.objects.count()

    def fail():
        with dynamo.batch():
            for n in range(9):
                add(log, f"g{n}", "IntegerField")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert Snapshot.objects.count() == before


def test_most_changes_ask_nothing_more_for_them(log, monkeypatch):
    monkeypatch.setattr(snapshots, "INTERVAL", 1_000)
    with CaptureQueriesContext(connection) as queries:
        add(log, "extra", "IntegerField")
    assert not [q for q in queries if "snapshot" in q["sql"]]


def test_a_change_is_made_though_no_snapshot_can_be_taken(log, monkeypatch):
    def fail(mark):
        raise OperationalError("database is locked")

    monkeypatch.setattr(pipeline, "known_at", fail)
    for n in range(6):
        add(log, f"h{n}", "IntegerField")
    settled()


def test_a_change_decodes_no_model_that_it_does_not_concern(log):
    make("Other", a="CharField")
    for n in range(8):
        make(f"Idle{n}", a="CharField")
    begin()
    before = registry.models.decoded()
    add(log, "extra", "IntegerField")
    make("Newcomer", a="CharField")
    assert registry.models.decoded() <= before + 2
    settled()
