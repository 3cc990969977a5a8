"""The fold and the diff are each other's inverse."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings

from events.codec import decode, encode
from events.diff import Handling, diff
from events.exceptions import LogCorrupt
from events.fold import evolve, replay
from events.replay import replay as fast
from events.schema import ModelSchema, canonical
from events.types import (
    Context,
    FieldAltered,
    FieldRenamed,
    FieldRetired,
    ModelCreated,
    ModelRenamed,
    ModelRetired,
    Recorded,
    RegistryTagged,
)
from tests.unit.schemas import a_field, a_model, models, transitions


def folded(before: ModelSchema | None, events) -> ModelSchema | None:
    return reduce(evolve, events, before)


def fingerprint(model: ModelSchema | None) -> str | None:
    return None if model is None else model.fingerprint()


def recorded(events) -> list[Recorded]:
    """Events as a log in memory holds them: replaying needs no database."""
    envelope = {
        "event_id": "",
        "type_version": 1,
        "data": b"",
        "recorded_at": "",
        "prev_hash": "",
        "hash": "",
    }
    return [
        Recorded(
            position=n,
            stream_id=event.stream_id,
            stream_version=n,
            type=event.type,
            context=Context(batch_id=""),
            event=event,
            **envelope,
        )
        for n, event in enumerate(events, start=1)
    ]


@given(transitions())
def test_folding_the_diff_of_two_schemas_leads_from_one_to_the_other(pair):
    before, after = pair
    assert fingerprint(folded(before, diff(before, after))) == fingerprint(after)


@settings(max_examples=30)
@given(transitions())
def test_the_diff_still_leads_there_after_a_trip_through_the_codec(pair):
    before, after = pair
    events = [decode(*encode(event), event.stream_id) for event in diff(before, after)]
    assert fingerprint(folded(before, events)) == fingerprint(after)


@settings(max_examples=30)
@given(models())
def test_the_diff_of_equals_is_empty(model):
    assert list(diff(model, replace(model))) == []


@settings(max_examples=30)
@given(models())
def test_a_model_can_be_made_from_nothing(model):
    fresh = replace(model, retired_fields=())
    assert fingerprint(folded(None, diff(None, fresh))) == fingerprint(fresh)


@settings(max_examples=30)
@given(models())
def test_a_model_can_be_taken_back_to_nothing(model):
    gone = replace(model, retired=True, db_table="zz_gone")
    assert folded(model, [*diff(model, gone), *diff(gone, None)]) is None


@settings(max_examples=30)
@given(transitions())
def test_every_event_is_one_version_and_says_what_was_before_and_what_is_after(pair):
    before, after = pair
    events = list(diff(before, after))
    assert folded(before, events).version == before.version + len(events)
    for event in events:
        if event.before and event.after:
            assert set(event.before) == set(event.after)
            assert canonical(event.before) != canonical(event.after)


@settings(max_examples=30)
@given(models())
def test_retiring_and_restoring_a_model_with_its_link_tables_is_lossless(model):
    links = tuple(replace(f, table=f"zz_{f.id}" if f.table else "") for f in model.fields)
    gone = replace(model, retired=True, db_table="zz_gone", fields=links)
    back = folded(model, [*diff(model, gone), *diff(gone, model)])
    assert fingerprint(back) == fingerprint(model)


@pytest.mark.parametrize(
    ("old", "new"), [(1, True), (0, False), (1, 1.0), (0.0, -0.0), ({"a": 1}, {"a": True})]
)
def test_values_that_python_calls_equal_but_json_does_not_are_a_change(old, new):
    before, after = a_model(a_field(default=old)), a_model(a_field(default=new))
    assert fingerprint(folded(before, diff(before, after))) == fingerprint(after)


def test_nothing_and_nothing_differ_by_nothing():
    assert list(diff(None, None)) == []


def test_a_rename_is_one_fact_and_never_a_guess():
    before = a_model(a_field("title"))
    after = a_model(replace(a_field("title"), name="name", column="name"))
    (event,) = diff(before, after)
    assert isinstance(event, FieldRenamed)
    assert (event.before, event.after) == (
        {"name": "title", "column": "title"},
        {"name": "name", "column": "name"},
    )


def test_renaming_a_model_takes_its_link_tables_along():
    link = {"table": "shop_book_tags", "link_columns": ("book_id", "tag_id")}
    tags = a_field("tags", type="ManyToManyField", column="", **link)
    moved = {"table": "shop_volume_tags", "link_columns": ("volume_id", "tag_id")}
    after = a_model(replace(tags, **moved), name="Volume", db_table="shop_volume")
    (event,) = diff(a_model(tags), after)
    assert isinstance(event, ModelRenamed)
    assert (event.before["tables"], event.after["tables"]) == ({"id-tags": link}, {"id-tags": moved})
    assert fingerprint(folded(a_model(tags), [event])) == fingerprint(after)


def test_a_change_of_type_says_that_it_is_one():
    before, after = a_model(a_field()), a_model(a_field(type="TextField"))
    (event,) = diff(before, after, {"id-title": Handling(on_error="null")})
    assert isinstance(event, FieldAltered)
    assert (event.kind, event.destructive, event.on_error) == ("type", True, "null")


@pytest.mark.parametrize(
    ("attribute", "kind"), [("help", "presentation"), ("unique", "constraint"), ("related_model", "type")]
)
def test_an_alteration_names_its_kind(attribute, kind):
    value = True if attribute == "unique" else "x"
    (event,) = diff(a_model(a_field()), a_model(a_field(**{attribute: value})))
    assert event.kind == kind


def test_retirements_come_before_additions():
    before = a_model(a_field("old"))
    gone = replace(a_field("old"), retired=True, column="zz_1")
    after = replace(a_model(a_field("new")), retired_fields=(gone,))
    assert isinstance(next(diff(before, after)), FieldRetired)


def test_an_alteration_that_keeps_the_old_column_folds_to_a_retired_field():
    kept = replace(a_field(), id="kept", retired=True, column="zz_1")
    before = a_model(a_field())
    after = a_model(a_field(type="IntegerField", storage="fresh")).with_retired(kept)
    events = list(diff(before, after, {"id-title": Handling(kept=kept)}))
    assert fingerprint(folded(before, events)) == fingerprint(after)


def test_a_model_that_exists_cannot_be_created():
    (created,) = diff(None, a_model())
    with pytest.raises(LogCorrupt, match="twice"):
        folded(None, [created, created])


@pytest.mark.parametrize("event", [FieldRenamed(stream_id="m", field_id="f"), ModelRetired(stream_id="m")])
def test_an_event_for_a_model_that_does_not_exist_is_corruption(event):
    with pytest.raises(LogCorrupt):
        evolve(None, event)


def test_an_event_for_a_field_that_the_model_does_not_have_is_corruption():
    with pytest.raises(LogCorrupt):
        evolve(a_model(), FieldRenamed(stream_id="id-book", field_id="nope", after={"name": "x"}))


def test_replaying_needs_no_database_and_keeps_other_models():
    book, author = a_model(a_field()), a_model(id="id-author", name="Author")
    events = [*diff(None, book), RegistryTagged(stream_id="registry"), *diff(None, author)]
    schema = replay(recorded(events))
    assert (schema.position, set(schema.models)) == (4, {"id-book", "id-author"})


def test_replaying_the_rest_from_a_known_schema_is_replaying_it_all():
    events = recorded(
        [*diff(None, a_model(a_field())), ModelCreated(stream_id="x", after=a_model(id="x").attributes())]
    )
    assert replay(events[1:], start=replay(events[:1])).fingerprint() == replay(events).fingerprint()


def rows(events) -> list[tuple[object, ...]]:
    """The same events as the log's rows."""
    return [(n, event.stream_id, n, *encode(event)) for n, event in enumerate(events, start=1)]


@settings(max_examples=60)
@given(transitions(), transitions())
def test_replaying_over_dictionaries_gives_what_the_fold_gives(first, second):
    """The second pair's models take part under another id, with a conversion that is taken back."""
    other = [replace(model, id="other") for model in second]
    kept = {f.id: Handling(kept=replace(f, id=f"kept-{f.id}", retired=True)) for f in other[0].fields}
    events = [
        *diff(None, first[0]),
        RegistryTagged(stream_id="registry", after={"name": "x", "position": 1}),
        *diff(None, other[0]),
        *diff(*first),
        *diff(other[0], other[1], kept),
    ]
    plain = fast(rows(events))
    assert plain.fingerprint() == replay(recorded(events)).fingerprint()
    assert plain.models.keys() == {"m", "other"}


def test_replaying_over_dictionaries_takes_back_a_conversion_and_a_purge():
    field, model = a_field(), a_model(a_field())
    kept = replace(field, id="kept", column="zz_1", retired=True)
    converted = replace(field, type="IntegerField", storage="other")
    second = replace(model, fields=(converted,), retired_fields=(kept,))
    third = replace(model, fields=(field,), retired_fields=(replace(kept, id="again", storage="other"),))
    gone = replace(third, retired=True, db_table="zz_book")
    events = [
        *diff(None, model),
        *diff(model, second, {field.id: Handling(kept=kept)}),
        *diff(second, third, {field.id: Handling(kept=third.retired_fields[0])}),
        *diff(third, gone),
    ]
    assert fast(rows(events)).fingerprint() == replay(recorded(events)).fingerprint()
    events += [*diff(gone, None), *diff(None, model)]
    log = recorded(events)
    assert fast(rows(events)).fingerprint() == replay(log).fingerprint()
    assert fast(rows(events)).models[model.id].version == replay(log).models[model.id].version


@pytest.mark.parametrize(
    "row",
    [
        (1, "m", 1, "model.created", 1, b"{"),
        (1, "m", 1, "model.created", 1, b"{}"),
        (1, "m", 1, "model.created", 1, b'{"after": {"nope": 1}}'),
        (1, "m", 1, "model.created", 9, b'{"after": {}}'),
        (1, "m", 1, "no.such", 1, b"{}"),
        (1, "m", 1, "field.added", 1, b'{"after": {"id": "f"}}'),
        (1, "m", 1, None, None, b""),
    ],
    ids=["cut", "empty", "unknown", "version", "type", "no model", "nonsense"],
)
def test_replaying_nonsense_over_dictionaries_is_corruption(row):
    with pytest.raises(LogCorrupt):
        fast([row])
