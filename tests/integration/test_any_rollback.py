"""After any history, a rollback gives back the schema of any earlier position, and the values of its rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

import dynamo
from dynamo.models import MetaField, MetaModel
from events.models import SchemaEvent
from projections.registry import registry
from tests.integration.held import exact
from tests.integration.making import make
from tests.integration.returns import live
from tests.integration.test_any_history import SURROUNDINGS, AnyHistory
from tests.integration.values import sample

TEXTS = ("7", "x")
OPTIONS_OF = {"DecimalField": {"max_digits": 8, "decimal_places": 2}}
CONVERTIBLE = st.sampled_from(
    ["CharField", "TextField", "IntegerField", "FloatField", "BooleanField", "JSONField", *OPTIONS_OF]
)
REFERRING = ("ForeignKey", "ManyToManyField")
WHAT_ROWS_LACK = st.sampled_from(["fail", "fail", "null"])


def events() -> list[tuple[int, str]]:
    return list(SchemaEvent.objects.values_list("position", "hash"))


def held() -> dict[tuple[str, int], dict[str, Any]]:
    """By model and row: the values by field id, without those that say that there is none."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for schema in registry.live():
        for row in registry.model_class(schema.id).objects.all():
            values = {f.id: value(row, f) for f in schema.fields}
            found[schema.id, row.pk] = {
                key: exact(v) for key, v in values.items() if v not in (None, "", b"", [])
            }
    return found


def value(row: Any, field: Any) -> Any:
    if field.is_many_to_many:
        return sorted(getattr(row, field.name).values_list("pk", flat=True))
    return getattr(row, f"{field.name}_id" if field.is_relation else field.name)


class AnyRollback(AnyHistory):
    """What a position had has to be there again, but for what somebody edited since."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, dict[tuple[str, int], dict[str, Any]]] = {}

    @initialize()
    def start(self) -> None:
        """Models with rows whose values convert, and some that do not."""
        beta = make("Beta", one="CharField", two={"type": "IntegerField", "unique": True})
        alpha = make(
            "Alpha",
            one="CharField",
            two={"type": "IntegerField", "required": True, "default": 3},
            three={"type": "ForeignKey", "related_model": "Beta"},
        )
        targets = [beta.get_model().objects.create(one=text, two=n) for n, text in enumerate(TEXTS)]
        for n, target in enumerate([*targets, None]):
            alpha.get_model().objects.create(one=TEXTS[n % 2], two=n, three=target)

    @invariant()
    def remember(self) -> None:
        head = dynamo.history()[-1].position if SchemaEvent.objects.exists() else 0
        self.kept[head] = held()

    @precondition(lambda self: MetaField.objects.exists())
    @rule(pick=st.integers(0, 9), kind=CONVERTIBLE, on_error=st.sampled_from(["null", "keep", "fail"]))
    def convert_field(self, pick: int, kind: str, on_error: str) -> None:
        field = self.field(pick)
        field.type, field.options, field.related_model, field.default = (
            kind,
            OPTIONS_OF.get(kind, {}),
            "",
            None,
        )
        field.required = False
        self.make(lambda: field.save(on_error=on_error), "outermost")

    @precondition(lambda self: MetaField.objects.filter(type__in=REFERRING).exists())
    @rule(pick=st.integers(0, 9), kind=st.sampled_from(REFERRING), on_error=st.sampled_from(["null", "keep"]))
    def convert_relation(self, pick: int, kind: str, on_error: str) -> None:
        found = list(MetaField.objects.filter(type__in=REFERRING).order_by("meta_model__name", "name"))
        field = found[pick % len(found)]
        field.type, field.options, field.required = kind, {}, False
        self.make(lambda: field.save(on_error=on_error), "outermost")

    @precondition(lambda self: any(values for values in held().values()))
    @rule(pick=st.integers(0, 99), n=st.integers(0, 1))
    def edit_row(self, pick: int, n: int) -> None:
        """A row gets another value; no position has that one any more."""
        found = [(row, key) for row, values in sorted(held().items()) for key in sorted(values)]
        (model_id, pk), field_id = found[pick % len(found)]
        schema = registry.schema(model_id)
        field = schema.field(field_id)
        if field.is_relation:
            return
        model = registry.model_class(model_id)
        try:
            with transaction.atomic():
                model.objects.filter(pk=pk).update(
                    **{field.name: sample(model._meta.get_field(field.name), n)}
                )
        except IntegrityError:
            return
        for kept in self.kept.values():
            kept.get((model_id, pk), {}).pop(field_id, None)

    @precondition(lambda self: self.kept)
    @rule(pick=st.integers(0, 99), on_error=WHAT_ROWS_LACK, how=SURROUNDINGS)
    def roll_back(self, pick: int, on_error: str, how: str) -> None:
        to = sorted(self.kept)[pick % len(self.kept)]
        before, done = events(), []
        self.make(lambda: done.append(dynamo.rollback(to, on_error=on_error)), how)
        assert events()[: len(before)] == before
        if done and how != "rolled back":
            assert live(dynamo.schema()) == live(dynamo.schema(to)) or on_error == "null"
            self.check(self.kept[to])

    @precondition(lambda self: MetaModel.objects.exists())
    @rule(pick=st.integers(0, 9), version=st.integers(1, 9), on_error=WHAT_ROWS_LACK, how=SURROUNDINGS)
    def roll_back_one(self, pick: int, version: int, on_error: str, how: str) -> None:
        meta = self.model(pick)
        self.make(lambda: meta.rollback(to=1 + version % meta.version, on_error=on_error), how)

    @rule()
    def carry_over(self) -> None:
        """What a registry exports changes nothing in it."""
        document = dynamo.export()
        for mode in ("merge", "mirror"):
            assert not dynamo.plan(partial(dynamo.apply, document, mode))

    def teardown(self) -> None:
        """On an empty database, the document builds the same."""
        document = dynamo.export()
        super().teardown()
        dynamo.apply(document)
        assert dynamo.export() == document
        assert dynamo.verify().problems == []
        super().teardown()

    def check(self, kept: dict[tuple[str, int], dict[str, Any]]) -> None:
        now = held()
        for row, values in kept.items():
            for field_id, value in values.items():
                assert now[row].get(field_id) == value, (row, field_id, value)


# Making a failure smaller would take minutes; what it takes is printed as it was found.
QUICKLY = settings(phases=(Phase.generate,), max_examples=12, stateful_step_count=12, deadline=None)


@pytest.mark.django_db(transaction=True)
def test_any_rollback_gives_back_schema_and_values():
    run_state_machine_as_test(AnyRollback, settings=QUICKLY)
