"""Names in frames: those that hold right after the event."""

from __future__ import annotations

from events.diff import diff
from events.schema import Frozen
from events.types import FieldAltered, FieldPurged, ModelCreated, RegistryTagged
from projections.stream.naming import Names, StreamNames
from tests.unit.events_at import recorded
from tests.unit.schemas import a_field, a_model


def names_after(*steps):
    """Every (label, field) along a chain of schemas of one model."""
    names, found, version = Names("default"), [], 0
    for before, after in zip((None, *steps), steps, strict=False):
        for event in diff(before, after):
            version += 1
            found.append(names.after(recorded(event, version, stream_version=version)))
    return found


def test_event_carries_the_names_that_it_gives():
    first = a_model(a_field("title"))
    renamed = a_model(a_field("title"), name="Volume", db_table="shop_volume")
    heading = a_field("heading", id="id-title", storage="id-title", column="title")
    retitled = a_model(heading, name="Volume", db_table="shop_volume")
    assert names_after(first, renamed, retitled) == [
        ("shop.Book", None),
        ("shop.Book", "title"),
        ("shop.Volume", None),
        ("shop.Volume", "heading"),
    ]


def test_event_that_changes_no_name_carries_the_present_ones():
    first = a_model(a_field("title"))
    helped = a_model(a_field("title", help="words"))
    moved = a_model(a_field("title", help="words", order=4))
    retired = a_model().with_retired(a_field("title", help="words", order=4, retired=True))
    assert names_after(first, helped, moved, retired)[2:] == [("shop.Book", "title")] * 3


def test_event_of_the_registry_has_no_names():
    assert Names("default").after(recorded(RegistryTagged(stream_id="registry"))) == (None, None)


def test_column_kept_by_a_conversion_keeps_its_name():
    names = StreamNames()
    kept = Frozen({"id": "old", "name": "pages"})
    names.take(FieldAltered(stream_id="book", field_id="new", kept=kept))
    assert names.fields == {"old": "pages"}


def test_purged_field_is_named_as_it_was():
    names = StreamNames()
    names.take(FieldPurged(stream_id="book", field_id="old", before=Frozen({"name": "pages"})))
    assert names.fields == {"old": "pages"}


def test_only_so_many_streams_are_remembered():
    names = Names("default", capacity=2)
    for number in range(5):
        attributes = Frozen({"app": "shop", "name": f"M{number}"})
        names.after(recorded(ModelCreated(stream_id=str(number), after=attributes), number + 1))
    assert list(names._streams) == ["3", "4"]
