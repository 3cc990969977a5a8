"""Any history of changes, refused ones among them, keeps log, rows, tables and classes in agreement."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import dynamo
from dynamo.exceptions import DynamoError
from dynamo.models import MetaField, MetaModel
from tests.integration.making import everything, foreign_keys_enforced
from tests.integration.values import sample

REFUSALS = (ValidationError, DynamoError)
MODELS = st.sampled_from(["Alpha", "Beta", "Gamma", "beta_x"])
NAMES = st.sampled_from(["one", "two", "three", "Two", "alpha_set"])
OPTIONS: dict[str, Any] = {
    "CharField": st.sampled_from([{}, {"max_length": 3}, {"max_length": 300}]),
    "DecimalField": st.sampled_from(
        [{"max_digits": 8, "decimal_places": 2}, {"max_digits": 4, "decimal_places": 0}]
    ),
    "DateTimeField": st.sampled_from([{}, {"auto_now_add": True}, {"default_factory": "now"}]),
    "UUIDField": st.sampled_from([{}, {"default_factory": "uuid4"}]),
    "ForeignKey": st.sampled_from([{}, {"related_name": "+"}, {"on_delete": "CASCADE"}]),
    "OneToOneField": st.sampled_from([{}, {"related_name": "+"}]),
    "ManyToManyField": st.sampled_from([{}, {"related_name": "+"}]),
}
TYPES = st.sampled_from(
    [
        "CharField",
        "TextField",
        "IntegerField",
        "SmallIntegerField",
        "FloatField",
        "BooleanField",
        "DateField",
        "JSONField",
        "GenericIPAddressField",
        *OPTIONS,
    ]
)
TARGETS = st.sampled_from(["self", "Alpha", "Beta", "Gamma", "auth.User", "library.Publisher"])
DEFAULTS: Any = st.sampled_from([None, None, None, None, None, 0, "7", "x", True, "2024-01-01", {}])
# Where a schema change cannot be taken back, there is none inside a caller's transaction.
SURROUNDINGS = st.sampled_from(
    ["outermost", "nested", "rolled back"] if connection.features.can_rollback_ddl else ["outermost"]
)
RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")


@st.composite
def fields(draw: Any) -> dict[str, Any]:
    kind = draw(TYPES)
    related = {"related_model": draw(TARGETS)} if kind in RELATIONS else {"default": draw(DEFAULTS)}
    flags = {
        name: draw(st.sampled_from([False, False, True]))
        for name in ("required", "unique", "unique_together")
    }
    return {"type": kind, "options": draw(OPTIONS.get(kind, st.just({}))), **related, **flags}


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "order": st.integers(0, 3),
        "help": st.sampled_from(["", "help"]),
        "required": st.booleans(),
        "unique": st.booleans(),
        "unique_together": st.booleans(),
        "default": DEFAULTS,
        "related_model": TARGETS,
    },
)
SAID = st.fixed_dictionaries(
    {"backfill": DEFAULTS, "on_error": st.sampled_from(["fail", "fail", "null", "value", "keep"])}
)


class AnyHistory(RuleBasedStateMachine):
    """Every rule is one change, which is made in the way that `surroundings` says."""

    @initialize()
    def start(self) -> None:
        MetaModel.objects.create(name="Alpha")

    def make(self, change: Any, surroundings: str) -> None:
        """Make a change; a refusal, or a rollback, leaves no trace."""
        before = everything()
        try:
            with transaction.atomic() if surroundings != "outermost" else nullcontext():
                change()
                if surroundings == "rolled back":
                    transaction.set_rollback(True)
        except REFUSALS:
            assert everything() == before
        if surroundings == "rolled back":
            assert everything() == before

    @rule(
        name=MODELS,
        app=st.sampled_from(["dynamic", "dynamic", "library"]),
        how=SURROUNDINGS,
    )
    def create_model(self, name: str, app: str, how: str) -> None:
        self.make(lambda: MetaModel.objects.create(name=name, app=app), how)

    @precondition(lambda self: MetaModel.objects.exists())
    @rule(
        pick=st.integers(0, 9),
        name=NAMES,
        given=fields(),
        said=SAID,
        how=SURROUNDINGS,
    )
    def add_field(self, pick: int, name: str, given: dict[str, Any], said: dict[str, Any], how: str) -> None:
        field = MetaField(meta_model=self.model(pick), name=name, **given)
        self.make(lambda: field.save(**said), how)

    @precondition(lambda self: MetaField.objects.exists())
    @rule(
        pick=st.integers(0, 9),
        given=CHANGES,
        said=SAID,
        how=SURROUNDINGS,
    )
    def alter_field(self, pick: int, given: dict[str, Any], said: dict[str, Any], how: str) -> None:
        field = self.field(pick)
        if field.type not in RELATIONS:
            given.pop("related_model", None)
        for name, value in given.items():
            setattr(field, name, value)
        self.make(lambda: field.save(**said), how)

    @precondition(lambda self: MetaField.objects.exists())
    @rule(
        pick=st.integers(0, 9),
        given=fields(),
        said=SAID,
        how=SURROUNDINGS,
    )
    def retype_field(self, pick: int, given: dict[str, Any], said: dict[str, Any], how: str) -> None:
        field = self.field(pick)
        for name, value in {"related_model": "", "default": None, **given}.items():
            setattr(field, name, value)
        self.make(lambda: field.save(**said), how)

    @precondition(lambda self: MetaField.objects.exists())
    @rule(pick=st.integers(0, 9), how=SURROUNDINGS)
    def retire_field(self, pick: int, how: str) -> None:
        self.make(self.field(pick).delete, how)

    @precondition(lambda self: MetaModel.objects.exists())
    @rule(pick=st.integers(0, 9), name=MODELS, how=SURROUNDINGS)
    def rename_model(self, pick: int, name: str, how: str) -> None:
        meta = self.model(pick)
        meta.name = name
        self.make(meta.save, how)

    @precondition(lambda self: MetaModel.objects.exists())
    @rule(pick=st.integers(0, 9), how=SURROUNDINGS)
    def retire_model(self, pick: int, how: str) -> None:
        self.make(self.model(pick).delete, how)

    @precondition(lambda self: MetaField.objects.count() > 1)
    @rule(
        picks=st.lists(st.integers(0, 9), min_size=2, max_size=3, unique=True),
        name=NAMES,
        how=SURROUNDINGS,
    )
    def change_several(self, picks: list[int], name: str, how: str) -> None:
        """Rename, retire and re-add in one change set."""

        def change() -> None:
            with dynamo.batch():
                first, *rest = {field.pk: field for field in map(self.field, picks)}.values()
                meta, kind = first.meta_model, first.type
                first.delete()
                for field in rest:
                    field.name, field.required = name, False
                    field.save()
                if kind not in RELATIONS:
                    MetaField.objects.create(meta_model=meta, name="again", type="CharField")
                meta.name = "Delta"
                meta.save()

        self.make(change, how)

    @precondition(lambda self: MetaModel.objects.exists())
    @rule(pick=st.integers(0, 9), n=st.integers(0, 1))
    def write_row(self, pick: int, n: int) -> None:
        meta = self.model(pick)
        model = meta.get_model()
        values = {
            f.attname: sample(f, n)
            for f in model._meta.concrete_fields
            if not f.primary_key and not f.is_relation
        }
        for f in model._meta.concrete_fields:
            if f.is_relation:
                values[f.attname] = f.related_model._base_manager.values_list("pk", flat=True).last()
        try:
            with transaction.atomic():
                model.objects.create(**values)
        except IntegrityError:
            return

    def model(self, pick: int) -> MetaModel:
        found = list(MetaModel.objects.order_by("name"))
        return found[pick % len(found)]

    def field(self, pick: int) -> MetaField:
        found = list(MetaField.objects.order_by("meta_model__name", "name"))
        return found[pick % len(found)]

    @invariant()
    def everything_agrees(self) -> None:
        assert dynamo.verify().problems == []
        connection.check_constraints()
        assert (connection.in_atomic_block, foreign_keys_enforced()) == (False, True)
        for meta in MetaModel.objects.all():
            model = meta.get_model()
            for row in model.objects.all():
                row.save()
            for related in model._meta.related_objects:
                model.objects.filter(**{f"{related.name}__isnull": True}).count()

    def teardown(self) -> None:
        call_command("flush", verbosity=0, interactive=False)


@pytest.mark.django_db(transaction=True)
def test_any_history_of_changes_keeps_everything_in_agreement():
    run_state_machine_as_test(
        AnyHistory, settings=settings(max_examples=15, stateful_step_count=10, deadline=None)
    )
