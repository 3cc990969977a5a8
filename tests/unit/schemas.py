"""Hypothesis strategies for schemas, and short ways to make one by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from events.schema import FieldSchema, ModelSchema, in_order

TYPES = ("CharField", "TextField", "IntegerField", "BooleanField", "ForeignKey", "ManyToManyField")

names = st.from_regex(r"[a-z]{1,6}(_[a-z0-9]{1,3})?", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, json_values, max_size=3)
choices = st.lists(st.tuples(scalars, texts), max_size=3)


def a_field(name: str = "title", **attributes: Any) -> FieldSchema:
    given = {"id": f"id-{name}", "type": "CharField", "storage": f"id-{name}", "column": name, **attributes}
    return FieldSchema(name=name, **given)


def a_model(*fields: FieldSchema, **attributes: Any) -> ModelSchema:
    given = {"id": "id-book", "name": "Book", "app": "shop", "db_table": "shop_book", **attributes}
    return ModelSchema(fields=in_order(fields), **given)


@st.composite
def attributes_of_fields(draw: Any) -> dict[str, Any]:
    """Every attribute of a field but its id."""
    return {
        "name": draw(names),
        "type": draw(st.sampled_from(TYPES)),
        "storage": draw(names),
        "column": draw(names),
        "table": draw(st.just("") | names),
        "link_columns": draw(st.just(()) | st.tuples(names, names)),
        "related_model": draw(st.just("") | names),
        "order": draw(st.integers(0, 5)),
        "verbose_name": draw(texts),
        "description": draw(texts),
        "help": draw(texts),
        "required": draw(st.booleans()),
        "unique": draw(st.booleans()),
        "unique_together": draw(st.booleans()),
        "choices": draw(choices),
        "default": draw(json_values),
        "options": draw(objects),
    }


@st.composite
def attributes_of_models(draw: Any) -> dict[str, Any]:
    """Every attribute of a model that a person or a rename changes."""
    return {
        "name": draw(names),
        "app": draw(names),
        "db_table": draw(names),
        "description": draw(texts),
        "admin": draw(st.booleans()),
        "options": draw(objects),
    }


@st.composite
def models(draw: Any) -> ModelSchema:
    """A live model with some fields in use and some retired."""
    live = [FieldSchema(id=f"f{n}", **draw(attributes_of_fields())) for n in range(draw(st.integers(0, 4)))]
    gone = [
        FieldSchema(id=f"r{n}", retired=True, **draw(attributes_of_fields()))
        for n in range(draw(st.integers(0, 2)))
    ]
    return ModelSchema(
        id="m", fields=in_order(tuple(live)), retired_fields=tuple(gone), **draw(attributes_of_models())
    )


@st.composite
def transitions(draw: Any) -> tuple[ModelSchema, ModelSchema]:
    """A model, and what it may become: its fields altered, added, retired, restored and purged."""
    before = draw(models())
    live, gone = [], []
    for field in before.fields:
        fate = draw(st.sampled_from(("keep", "alter", "alter_one", "retire")))
        if fate == "retire":
            gone.append(replace(field, column=draw(names), table=draw(names), retired=True))
        else:
            live.append(draw(_altered(field, fate)))
    for field in before.retired_fields:
        fate = draw(st.sampled_from(("keep", "restore", "purge")))
        if fate == "keep":
            gone.append(field)
        elif fate == "restore":
            live.append(replace(field, column=draw(names), retired=False))
    added = [FieldSchema(id=f"n{n}", **draw(attributes_of_fields())) for n in range(draw(st.integers(0, 2)))]
    after = replace(
        before,
        fields=in_order((*live, *added)),
        retired_fields=tuple(sorted(gone, key=lambda f: f.id)),
        **draw(st.just({}) | attributes_of_models()),
    )
    return before, after


def _altered(field: FieldSchema, fate: str) -> st.SearchStrategy[FieldSchema]:
    if fate == "keep":
        return st.just(field)
    if fate == "alter":
        return attributes_of_fields().map(lambda given: replace(field, **given))
    return st.tuples(attributes_of_fields(), st.integers(0, 16)).map(
        lambda pair: replace(field, **dict([sorted(pair[0].items())[pair[1]]]))
    )
