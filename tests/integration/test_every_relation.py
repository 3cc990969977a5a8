"""Every relation under every change, to targets with every kind of key: references and links are kept."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

import dynamo
from dynamo.exceptions import DataRefused
from tests.integration.agreement import naming, planned, refused
from tests.integration.field_changes import unmoved
from tests.integration.held import Held
from tests.integration.making import NEEDED, alter, columns, everything, rename
from tests.integration.targets import ROWS, TARGETS, hold_relations, keys_of, refer

pytestmark = pytest.mark.django_db(transaction=True)

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
ALL = {"ref": "ForeignKey", "one": "OneToOneField", "many": "ManyToManyField"}


def change(held: Held, name: str, **attributes: Any) -> dict[str, int]:
    return planned(lambda: alter(held.field(name), **attributes))


@each_target
def test_a_relation_is_renamed_retired_restored_and_purged(target):
    held = hold_relations(target, **ALL)
    held.check()
    for name in ALL:
        with naming(name):
            planned(lambda name=name: rename(held.field(name), f"{name}_new"))
            held.values[f"{name}_new"] = held.values.pop(name)
            held.check()
            planned(lambda name=name: held.field(f"{name}_new").delete())
            kept = held.values.pop(f"{name}_new")
            held.check()
            planned(lambda name=name: dynamo.restore(f"Thing.{name}_new", name=name))
            held.values[name] = kept
            held.check()
            held.field(name).delete()
            planned(lambda name=name: dynamo.purge(f"Thing.{name}"))
            del held.values[name]
            held.check()


@each_target
def test_a_reference_becomes_required_with_a_backfill_and_optional_again(target):
    held = hold_relations(target, ref="ForeignKey")
    with refused(DataRefused, "backfill") as caught:
        change(held, "ref", required=True)
    assert caught.value.count == 1
    key = held.values["ref"][0]
    assert change(held, "ref", required=True, backfill=as_json(key)) == {"filled": 1}
    held.values["ref"][-1] = key
    held.check()
    change(held, "ref", required=False)
    held.check()


@each_target
def test_on_delete_and_the_way_back_change_no_table(target):
    held = hold_relations(target, ref="ForeignKey")
    with unmoved():
        change(held, "ref", options={"related_name": "others", "on_delete": "PROTECT"})
    held.check()
    first = held.model.objects.select_related("ref").first().ref
    assert not hasattr(first, "ref_of")
    assert first.others.count() == 1
    with pytest.raises(ProtectedError):
        first.delete()
    with unmoved():
        change(held, "ref", options={"related_name": "others", "on_delete": "CASCADE"})
    first.delete()
    assert held.model.objects.count() == ROWS


@each_target
def test_an_index_of_a_reference_comes_and_goes(target):
    held = hold_relations(target, ref="ForeignKey")
    for indexed in (False, True):
        change(held, "ref", options={"related_name": "ref_of", "db_index": indexed})
        held.check()


@each_target
def test_a_reference_becomes_one_to_one_without_duplicates_and_back(target):
    held = hold_relations(target, ref="ForeignKey")
    last, key = held.model.objects.last(), held.values["ref"][0]
    refer(last, "ref", key)
    with refused(DataRefused, "unique") as caught:
        change(held, "ref", type="OneToOneField")
    assert caught.value.count == 1
    refer(last, "ref", None)
    for type_name in ("OneToOneField", "ForeignKey"):
        change(held, "ref", type=type_name)
        held.check()
    assert not [name for name in columns("dynamic_thing") if name.startswith("zz_")]


@each_target
@pytest.mark.parametrize("type_name", ["ForeignKey", "OneToOneField"])
def test_a_reference_becomes_links_and_back(target, type_name):
    held = hold_relations(target, ref=type_name)
    refs = held.values["ref"]
    change(held, "ref", type="ManyToManyField")
    held.values["ref"] = [[] if key is None else [key] for key in refs]
    held.check()
    change(held, "ref", type=type_name)
    held.values["ref"] = refs
    held.check()


@each_target
@pytest.mark.parametrize("how", ["null", "value", "keep"])
def test_rows_with_several_links_have_no_one_reference(target, how):
    held = hold_relations(target, ref="ManyToManyField")
    keys = [found[0] for found in held.values["ref"][:ROWS]]
    refer(held.model.objects.first(), "ref", keys[1])
    held.values["ref"] = links = held.column("ref")
    several = sum(len(found) > 1 for found in links)
    with refused(DataRefused, "on_error") as caught:
        change(held, "ref", type="ForeignKey")
    assert caught.value.count == several > 0
    field = held.field("ref")
    field.type, field.options = "ForeignKey", {"related_name": "again"}
    field.save(on_error=how, error_value=as_json(keys[3]) if how == "value" else None)
    instead = keys[3] if how == "value" else None
    single = [(found or [None])[0] if len(found) < 2 else instead for found in links]
    held.values["ref"] = [None] * (ROWS + 1) if how == "keep" else single
    held.check()
    dynamo.restore("Thing.ref", name="ref_was")
    held.values["ref_was"] = links
    held.check()


@each_target
@pytest.mark.parametrize("relation", ["ForeignKey", "OneToOneField"])
@pytest.mark.parametrize("plain", ["CharField", "TextField", "JSONField", "BigIntegerField", "UUIDField"])
def test_a_reference_becomes_a_plain_value_and_back(target, relation, plain):
    held = hold_relations(target, ref=relation)
    keys = held.values["ref"]
    if not takes(plain, keys[0]):
        with refused(DataRefused, "on_error") as caught:
            change(held, "ref", type=plain, related_model="", options={})
        assert caught.value.count == ROWS
        return
    change(held, "ref", type=plain, related_model="", options={})
    held.values["ref"] = [plainly(plain, key) for key in keys]
    held.check()
    # A value that is no key, and one that is the key of no row.
    lost = held.model.objects.last()
    type(lost).objects.filter(pk=lost.pk).update(ref=plainly(plain, nobody(keys[0])))
    back: dict[str, Any] = {"type": relation, "related_model": target, "options": {"related_name": "again"}}
    with refused(DataRefused, "on_error") as caught:
        change(held, "ref", **back)
    assert (caught.value.count, caught.value.samples) == (1, [plainly(plain, nobody(keys[0]))])
    alter(held.field("ref"), on_error="null", **back)
    held.values["ref"] = keys
    held.check()


@pytest.mark.parametrize(
    ("target", "new"),
    [pytest.param(a, b, id=f"{i} to {j}") for i, a in TARGETS.items() for j, b in TARGETS.items() if a != b],
)
def test_a_reference_to_another_target_keeps_the_keys_that_are_there(target, new):
    held = hold_relations(target, ref="ForeignKey")
    keys = held.values["ref"]
    present = set(held.model.objects.values_list("pk", flat=True)) if new == "self" else set(keys_of(new))
    kept = [key if key in present else None for key in keys]
    lost = sum(key is not None for key in keys) - sum(key is not None for key in kept)
    if lost:
        with refused(DataRefused, "on_error") as caught:
            change(held, "ref", related_model=new)
        assert caught.value.count == lost
    alter(held.field("ref"), related_model=new, on_error="null" if lost else "fail")
    held.values["ref"] = kept
    held.check()
    if lost:
        dynamo.restore("Thing.ref", name="ref_was")
        held.values["ref_was"] = keys
        held.check()


@each_target
def test_links_to_another_target_start_empty_and_the_old_ones_come_back(target):
    held = hold_relations(target, many="ManyToManyField")
    links = held.values["many"]
    new = "library.Publisher" if target == "auth.User" else "auth.User"
    change(held, "many", related_model=new, options={"related_name": "again"})
    held.values["many"] = [[]] * (ROWS + 1)
    held.check()
    dynamo.restore("Thing.many", name="many_was")
    held.values["many_was"] = links
    held.check()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("new", ["FloatField", "BooleanField", "DateField", "BinaryField", "DecimalField"])
def test_a_relation_becomes_nothing_that_has_no_keys(name, new):
    held = hold_relations("library.Publisher", **ALL)
    before = everything()
    with pytest.raises(ValidationError):
        alter(held.field(name), type=new, related_model="", options=NEEDED.get(new, {}), on_error="keep")
    assert everything() == before
    held.check()


def as_json(key: Any) -> Any:
    return str(key) if isinstance(key, uuid.UUID) else key


def plainly(type_name: str, key: Any) -> Any:
    """A key as a value of a plain type."""
    if key is None:
        return "" if type_name in ("CharField", "TextField") else None
    return (
        as_json(key)
        if type_name == "JSONField"
        else str(key)
        if type_name in ("CharField", "TextField")
        else key
    )


def takes(type_name: str, key: Any) -> bool:
    kinds = {"BigIntegerField": int, "UUIDField": uuid.UUID}
    return isinstance(key, kinds.get(type_name, object))


def nobody(key: Any) -> Any:
    """A key of that kind that no row has."""
    return {int: 10**6, str: "nobody", uuid.UUID: uuid.UUID(int=1)}[type(key)]
