"""Names and the layers they are made of: the same as one dictionary would say, and made without copies."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import layers
from events.layers import Layers
from events.names import Names
from events.schema import FieldSchema, ModelSchema
from tests.unit import schemas

KEYS = st.sampled_from("abcdefgh")
EDITS = st.lists(st.dictionaries(KEYS, st.one_of(st.none(), st.integers()), max_size=4), max_size=40)


@given(start=st.dictionaries(KEYS, st.integers()), edits=EDITS, most=st.integers(1, 9))
def test_layers_are_one_dictionary_after_any_changes(start, edits, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "MOST", most)
        plain, made = dict(start), Layers(dict(start))
        for edit in edits:
            before, said = made, dict(made)
            made = made.changed(edit)
            plain = {key: value for key, value in {**plain, **edit}.items() if value is not None}
            assert dict(before) == said
            assert (dict(made), len(made)) == (plain, len(plain))
            assert {key: made.get(key) for key in "abcdefgh"} == {key: plain.get(key) for key in "abcdefgh"}
            assert [key in made for key in "abcdefgh"] == [key in plain for key in "abcdefgh"]


def test_layers_raise_for_what_is_not_there():
    made = Layers({"a": 1}).changed({"a": None})
    with pytest.raises(KeyError):
        made["a"]
    assert made.get("a", 5) == 5


def test_a_change_among_thousands_of_entries_copies_few(monkeypatch):
    made = Layers({str(n): n for n in range(10_000)})
    flattened = []
    plain = Layers._flat

    def counted(self):
        flattened.append(self)
        return plain(self)

    monkeypatch.setattr(Layers, "_flat", counted)
    for n in range(1_000):
        made = made.changed({str(n): -n})
        assert len(made._over) <= layers.MOST
    assert len(flattened) <= 1_000 // layers.MOST


def test_a_value_put_in_the_place_of_its_like_is_seen_by_all_that_share_it():
    first = Layers({"a": b"1", "b": b"2"})
    second = first.changed({"b": b"3"})
    second.replace("a", b"one")
    second.replace("b", b"three")
    assert (dict(first), dict(second)) == ({"a": b"one", "b": b"2"}, {"a": b"one", "b": b"three"})


@st.composite
def registries(draw):
    """Models whose names differ, as those of a registry do."""
    made = draw(st.lists(schemas.models(), max_size=6))
    return [replace(model, id=f"id{n}", name=f"{model.name}{n}") for n, model in enumerate(made)]


@given(registries(), registries())
def test_names_do_not_depend_on_the_way_to_them(first, then):
    names = Names.of(first)
    assert names.changed(first, then).text() == Names.of(then).text()
    assert Names.read(names.text()).changed(first, then).text() == Names.of(then).text()
    assert names.text() == Names.of(reversed(first)).text()


def test_names_say_what_refers_to_what_and_how():
    city, shop = model("City"), model("Shop")
    shop = replace(
        shop,
        fields=(
            relation("city", "ForeignKey", city.id),
            relation("born", "OneToOneField", "auth.User"),
            relation("others", "ManyToManyField", city.id, related_name="shops"),
            relation("hidden", "ForeignKey", city.id, related_name="+"),
        ),
    )
    names = Names.of([city, shop])
    assert (names.model(("dynamic", "shop")), names.model(("dynamic", "Shop"))) == (shop.id, None)
    assert (names.owner(("dynamic", "shop_others")), names.linking("dynamic")) == (shop.id, {shop.id})
    assert names.referring(city.id) == names.referring("auth.user") == names.referring(shop.id) == [shop.id]
    assert dict(names.put_on(city.id)) == {"shop_set": shop.id, "shops": shop.id}
    assert (dict(names.put_on("auth.user")), dict(names.put_on(shop.id))) == ({"shop": shop.id}, {})
    inner = replace(model("Inner"), admin=False)
    assert dict(Names.of([shop, inner]).hidden["dynamic"]) == {"inner": inner.id}
    gone = names.changed([shop], [])
    assert gone[1:] == ({}, {}, {}, {})
    with pytest.raises(TypeError):
        Names.read(b'{"kinds": {}}')


def model(name: str) -> ModelSchema:
    return ModelSchema(id=name.lower() * 3, name=name, app="dynamic", db_table=name.lower())


def relation(name: str, kind: str, target: str, **options: object) -> FieldSchema:
    return FieldSchema(
        id=name,
        storage=name,
        name=name,
        column=f"{name}_id",
        type=kind,
        related_model=target,
        options=options,
    )
