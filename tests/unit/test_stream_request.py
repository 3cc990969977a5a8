"""What a reader may ask for: channels, kinds and a position, and nothing else."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django_eventstream.eventrequest import EventRequest

from projections.stream.request import PositionRequest

BAD = [
    "",
    " ",
    " 1",
    "+1",
    "-1",
    "1_0",
    "1.0",
    "1e3",
    "0x10",
    "1,2",
    "events:5",
    "error",
    "null",
    "١٢",  # Arabic-Indic digits, which int() takes
    "²",
    "9" * 19,
    "9" * 5000,
    "1\n",
]


def asked(query: dict[str, object] | None = None, *, label: str | None = None, last: str | None = None):
    headers = {} if last is None else {"Last-Event-ID": last}
    request = RequestFactory().get("/dynamo/events/", query or {}, headers=headers)
    return PositionRequest(request, view_kwargs={"label": label})


@pytest.mark.parametrize("text", ["0", "7", "007", "9" * 18])
def test_position_is_read_from_the_header_and_from_the_parameter(text):
    assert asked(last=text).position == int(text)
    assert asked({"from": text}).position == int(text)


def test_reader_without_position_has_none():
    assert asked().position is None


def test_header_wins_over_the_parameter_of_the_same_address():
    assert asked({"from": "0"}, last="12").position == 12


@pytest.mark.parametrize("text", BAD)
def test_position_that_is_not_at_most_18_ascii_digits_is_refused(text):
    with pytest.raises(EventRequest.Error, match="Last-Event-ID must be a position"):
        asked(last=text)
    with pytest.raises(EventRequest.Error, match="from must be a position"):
        asked({"from": text})


def test_bad_parameter_is_refused_although_the_header_is_good():
    with pytest.raises(EventRequest.Error, match="from must be a position"):
        asked({"from": "x"}, last="12")


def test_parameter_given_twice_is_refused():
    with pytest.raises(EventRequest.Error, match="more than once"):
        asked({"from": ["1", "2"]})


@pytest.mark.parametrize("name", ["es-meta", "recover", "link", "lastEventId", "channel", "From", "x"])
def test_any_other_parameter_is_refused_by_name(name):
    with pytest.raises(EventRequest.Error, match=f"unknown parameter '{name}'"):
        asked({name: "true"})


@pytest.mark.parametrize(("label", "channel"), [(None, "events"), ("shop.Book", "shop.Book")])
def test_channel_is_everything_or_the_model_of_the_address(label, channel):
    request = asked({"from": "3"}, label=label)
    assert request.channels == {channel}
    assert request.channel_last_ids == {channel: "3"}


def test_several_models_are_asked_for_by_one_parameter_each():
    request = asked({"model": ["shop.Book", "shop.Shelf", "shop.Book"], "from": "3"})
    assert request.channels == {"shop.Book", "shop.Shelf"}
    assert not request.everything
    assert asked().everything


def test_models_are_not_asked_for_twice_by_the_address_and_by_parameters():
    with pytest.raises(EventRequest.Error, match="unknown parameter 'model'; there are from, kind"):
        asked({"model": "shop.Shelf"}, label="shop.Book")


def test_there_is_a_limit_to_the_models_of_one_stream():
    labels = [f"shop.M{n}" for n in range(51)]
    assert len(asked({"model": labels[:50]}).channels) == 50
    with pytest.raises(EventRequest.Error, match="at most 50 models"):
        asked({"model": labels})


@pytest.mark.parametrize("kind", ["field.added", "post_field_creation", "registry.tagged", "registry_tagged"])
def test_kinds_are_types_and_names_of_frames(kind):
    assert asked({"kind": [kind, "model.created"]}).kinds == {kind, "model.created"}


@pytest.mark.parametrize(
    "kind", ["", "x", "stream-open", "pre_field_creation", "Field.Added", "field.added "]
)
def test_any_other_kind_is_refused_by_name(kind):
    with pytest.raises(EventRequest.Error, match=f"unknown kind '{kind}'"):
        asked({"kind": kind})


def test_no_kind_means_all_of_them():
    assert asked().kinds == frozenset()
