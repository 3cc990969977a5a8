"""Hostile and odd input: `save()` itself gives the verdict, and a refusal leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import connection, transaction

import dynamo
from dynamo.exceptions import DynamoError
from dynamo.models import MetaField, MetaModel
from tests.integration.making import RELATIONS, add, everything, make
from tests.integration.values import sample

ENTRIES = json.loads((Path(__file__).parent.parent / "data" / "bad_inputs.json").read_text())
REFUSALS = (ValidationError, DynamoError)


def decoded(value: Any) -> Any:
    """Resolve {"$repeat": [s, n]} and {"$float": "inf"}."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, times = value["$repeat"]
        return text * times
    if "$float" in value:
        return float(value["$float"])
    return {key: decoded(item) for key, item in value.items()}


def described(given: dict[str, Any]) -> dict[str, Any]:
    """A field of a context: max_length stands beside the other attributes."""
    attributes = dict(given)
    options = {"max_length": attributes.pop("max_length")} if "max_length" in attributes else {}
    return {"options": options, **attributes}


class Case:
    """The state before an entry's change, and the change: `run` makes it through `save` or `delete`."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.attrs = decoded(entry["attrs"])
        self.context = entry.get("context") or {}
        self.operation = self.attrs.pop("$op", "save")
        self.former = self.attrs.pop("from", None)
        with dynamo.batch():
            make("Other", name="CharField")
            self.probe = make("Probe", existing="CharField")
        self.row = getattr(self, f"_{entry['target']}")()

    def run(self) -> Any:
        if self.operation == "delete":
            self.row.delete()
        else:
            for name, value in self.attrs.items():
                setattr(self.row, name, value)
            self.row.save()
        return self.row

    def _model(self) -> MetaModel:
        for name in self.context.get("existing_models", ()):
            model, _, link = name.partition(" with M2M ")
            make(
                model,
                **({link: {"type": "ManyToManyField", "related_model": "dynamic.Other"}} if link else {}),
            )
        if self.operation == "save":
            return MetaModel()
        target = make(self.former or self.attrs["name"], label="CharField")
        target.get_model().objects.create(label="kept")
        if "incoming_fk_from" in self.context:
            relation = {"type": "ForeignKey", "related_model": f"dynamic.{target.name}"}
            make(self.context["incoming_fk_from"], target=relation)
        return target

    def _field(self) -> MetaField:
        for given in self.context.get("existing_fields", ()):
            add(self.probe, **described(given))
        for names in self.context.get("unique_together", ()):
            for name in names:
                add(self.probe, name, "IntegerField", unique_together=True)
        if "incoming_fk_from" in self.context:
            other = MetaModel.objects.get(name=self.context["incoming_fk_from"].partition(".")[2])
            add(other, "probe", "ForeignKey", related_model="Probe")
        for n in range(self.context.get("existing_rows", 0)):
            self.probe.get_model().objects.create(existing=f"row {n}")
        if "alter_from" in self.context:
            return self._altered_field()
        if self.operation == "rename":
            return add(self.probe, self.former, self.attrs["type"])
        if self.operation == "delete":
            return self.probe.fields.get(name=self.attrs["name"])
        return MetaField(meta_model=self.probe)

    def _altered_field(self) -> MetaField:
        given, name = described(self.context["alter_from"]), self.attrs["name"]
        for label in ("P", "Q") if given["type"] == "ForeignKey" else ():
            make(label, name="CharField")
        row = add(self.probe, name, **given)
        if given["type"] == "ForeignKey":
            dynamo.get_model("dynamic.P").objects.create(pk=1)
        attribute = f"{name}_id" if given["type"] in RELATIONS else name
        for value in self.context["rows"]:
            self.probe.get_model().objects.create(**{attribute: value})
        return row


def use(row: Any) -> None:
    """Create, read and delete a row of the model that the change was about."""
    meta = row if isinstance(row, MetaModel) else row.meta_model
    model = meta.get_model()
    values = {
        f.attname: sample(f) for f in model._meta.concrete_fields if not f.primary_key and not f.is_relation
    }
    made = model.objects.create(**values)
    read = model.objects.get(pk=made.pk)
    assert {name: getattr(read, name) for name in values} == values
    for many in model._meta.many_to_many:
        target = many.related_model.objects.create()
        getattr(read, many.name).add(target)
        assert list(getattr(read, many.name).all()) == [target]
    read.delete()
    assert not model.objects.filter(pk=made.pk).exists()


def name_of(entry: dict[str, Any]) -> str:
    return entry["id"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("entry", [e for e in ENTRIES if e["expect"] == "reject"], ids=name_of)
def test_what_is_rejected_leaves_no_trace(entry):
    case = Case(entry)
    before = everything()
    with pytest.raises(REFUSALS) as caught:
        case.run()
    assert everything() == before, entry["why"]
    assert str(caught.value)
    use(add(case.probe, "usable", "IntegerField"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("entry", [e for e in ENTRIES if e["expect"] == "accept"], ids=name_of)
def test_what_is_accepted_works(entry):
    case = Case(entry)
    row = case.run()
    use(row)
    assert dynamo.verify().problems == [], entry["why"]
    row.delete()
    assert dynamo.verify().problems == []
    assert not connection.in_atomic_block


@pytest.mark.needs("ddl in atomic")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e["expect"] == "accept" or e.get("context")], ids=name_of
)
def test_the_verdict_is_the_same_inside_a_transaction(entry):
    case = Case(entry)
    before = everything() if entry["expect"] == "reject" else None
    try:
        with transaction.atomic():
            row = case.run()
    except REFUSALS:
        verdict = "reject"
        assert everything() == before
    else:
        verdict = "accept"
        use(row)
    assert verdict == entry["expect"], entry["why"]


class ModelForm(forms.ModelForm):
    class Meta:
        model = MetaModel
        fields = ("name", "options")


def told(check: Callable[[], Any]) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        check()
    return caught.value.message_dict


@pytest.mark.django_db(transaction=True)
def test_what_is_no_name_is_told_once_and_for_its_true_reason():
    too_long = "Ensure this value has at most 50 characters (it has 64)."
    assert ModelForm({"name": "x" * 64}).errors == {"name": [too_long]}
    assert ModelForm({"name": ""}).errors == {"name": ["This field is required."]}
    assert told(MetaModel(name="x" * 64).full_clean) == {"name": [too_long]}
    assert told(lambda: MetaModel.objects.create(name=5)) == {"name": ["a name is text, and 5 is none"]}
    assert told(MetaModel.objects.create) == {"name": ["a name is required"]}


@pytest.mark.django_db(transaction=True)
def test_a_form_tells_of_each_attribute_what_is_wrong_with_it():
    found = ModelForm({"name": "a b", "options": '{"colour": 1}'}).errors
    assert {name: len(messages) for name, messages in found.items()} == {"name": 1, "options": 1}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("type_name", "default", "message"),
    [
        ("IntegerField", "abc", "'abc' is not a whole number"),
        ("IntegerField", "10000000000", "'10000000000' is outside -2147483648 to 2147483647"),
        ("CharField", 5, "5 must be text"),
        ("UUIDField", "abc", "“abc” is not a valid UUID."),
        ("EmailField", "abc", "'abc': Enter a valid email address."),
    ],
)
def test_a_value_that_does_not_fit_is_named_once(type_name, default, message):
    book = make("Book")
    assert told(lambda: add(book, "a", type_name, default=default)) == {"default": [message]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["verbose_name", "verbose_name_plural", "display"])
def test_an_option_of_a_model_that_makes_no_sense_is_named(name):
    found = told(lambda: MetaModel.objects.create(name="Book", options={name: 5}))
    assert found == {"options": [f"option {name!r}: 5 must be text"]}
