"""Schema values: frozen, hashable, comparable by fingerprint."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given, settings

from events.schema import FieldSchema, Frozen, Schema, canonical, freeze, in_order, thaw
from tests.unit.schemas import a_field, a_model, attributes_of_fields, json_values, models

MUTATIONS = {
    "setitem": lambda value: value.__setitem__("a", 1),
    "delitem": lambda value: value.__delitem__("a"),
    "update": lambda value: value.update(a=1),
    "ior": lambda value: value.__ior__({"a": 1}),
    "pop": lambda value: value.pop("a"),
    "popitem": lambda value: value.popitem(),
    "clear": lambda value: value.clear(),
    "setdefault": lambda value: value.setdefault("b", 1),
}
OTHER_VALUE = {
    "name": "other",
    "type": "TextField",
    "storage": "elsewhere",
    "column": "other",
    "table": "link",
    "link_columns": ["book_id", "tag_id"],
    "related_model": "shop.Book",
    "order": 9,
    "verbose_name": "Other",
    "description": "for readers",
    "help": "for forms",
    "required": True,
    "unique": True,
    "unique_together": True,
    "choices": [["a", "A"]],
    "default": "a",
    "options": {"max_length": 9},
    "retired": True,
}


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
def test_a_frozen_object_refuses_every_mutation(mutate):
    value = Frozen({"a": 0})
    with pytest.raises(TypeError):
        mutate(value)
    assert value == {"a": 0}


@given(json_values)
def test_freezing_loses_nothing(value):
    assert canonical(thaw(freeze(value))) == canonical(value)


@given(json_values)
def test_frozen_json_is_hashable_and_equal_values_have_equal_hashes(value):
    assert hash(freeze(value)) == hash(freeze(copy.deepcopy(value)))


@given(json_values)
def test_freezing_twice_is_freezing_once(value):
    assert freeze(freeze(value)) == freeze(value)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda v: pickle.loads(pickle.dumps(v))])
@pytest.mark.parametrize(
    "value", [Frozen({"a": Frozen({"b": (1,)})}), a_field(options={"max_length": 3}), a_model()]
)
def test_schema_values_can_be_copied_and_pickled(again, value):
    assert again(value) == value


def test_a_schema_cannot_be_assigned_to():
    with pytest.raises(FrozenInstanceError):
        a_field().name = "other"


def test_a_field_does_not_keep_the_callers_lists_and_objects():
    options, choices = {"max_length": 3}, [["a", "A"]]
    field = a_field(options=options, choices=choices)
    options["max_length"] = 4
    choices.append(["b", "B"])
    assert (field.options, field.choices) == ({"max_length": 3}, (("a", "A"),))


def test_every_attribute_of_a_field_is_tried():
    assert set(OTHER_VALUE) | {"id"} == {f.name for f in fields(FieldSchema)}


@pytest.mark.parametrize("attribute", OTHER_VALUE)
def test_every_attribute_of_a_field_is_part_of_its_fingerprint(attribute):
    changed = replace(a_field(), **{attribute: OTHER_VALUE[attribute]})
    assert changed.fingerprint() != a_field().fingerprint()


@pytest.mark.parametrize("attribute", sorted(set(OTHER_VALUE) - {"description"}))
def test_every_attribute_but_the_description_changes_the_shape(attribute):
    changed = replace(a_field(), **{attribute: OTHER_VALUE[attribute]})
    assert a_model(changed).shape_fingerprint() != a_model(a_field()).shape_fingerprint()


def test_descriptions_are_no_part_of_the_shape():
    described = a_model(a_field(description="x"), description="y")
    plain = a_model(a_field())
    assert described.shape_fingerprint() == plain.shape_fingerprint()
    assert described.fingerprint() != plain.fingerprint()


def test_the_version_is_no_part_of_the_fingerprint():
    assert a_model(version=3).fingerprint() == a_model(version=4).fingerprint()


@given(attributes_of_fields(), attributes_of_fields())
def test_fingerprints_are_equal_exactly_when_the_values_are(first, second):
    one, other = a_field(**first), a_field(**second)
    assert (one.fingerprint() == other.fingerprint()) == (canonical(first) == canonical(second))


@settings(max_examples=30)
@given(models())
def test_the_order_in_which_options_were_given_does_not_matter(model):
    turned = replace(model, options=dict(reversed(model.options.items())))
    assert turned.fingerprint() == model.fingerprint()


def test_fields_come_in_their_order_then_by_name():
    fields = (a_field("b", order=1), a_field("a", order=1), a_field("z", order=0))
    assert [f.name for f in in_order(fields)] == ["z", "a", "b"]


def test_a_schema_finds_live_models_by_label_whatever_the_case():
    book, gone = a_model(), a_model(id="id-gone", name="Gone", retired=True)
    schema = Schema(models=Frozen({m.id: m for m in (book, gone)}))
    assert schema.model("shop.BOOK") is book
    assert schema.model("shop.Gone") is None
    assert schema.live() == (book,)
