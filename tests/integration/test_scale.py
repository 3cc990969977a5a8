"""What a change takes does not grow with the number of models: statements, classes, schemas and the rest."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.models import MetaField, MetaModel
from events import fold, snapshots, store
from events.envelope import linked, uuid7
from events.schema import FieldSchema, Frozen, ModelSchema
from events.types import Context, FieldAdded, ModelCreated
from projections import classes, pipeline, relations
from projections.catalogue import Catalogue
from projections.registry import registry
from tests.anew import begin
from tests.integration.making import add, alter, make, rename

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MANY = 5, 1_500

CHANGES: dict[str, Callable[[], Any]] = {
    "a field": lambda: add(book(), "pages", "IntegerField"),
    "a reference to what all refer to": lambda: add(book(), "hub", "ForeignKey", related_model="Hub"),
    "a reference to a hand-written model": lambda: add(book(), "u", "ForeignKey", related_model="auth.User"),
    "links to what all refer to": lambda: add(book(), "hubs", "ManyToManyField", related_model="Hub"),
    "a renamed field": lambda: rename(MetaField.objects.get(name="title"), "label"),
    "a converted field": lambda: alter(MetaField.objects.get(name="title"), type="TextField", options={}),
    "a retired field": lambda: MetaField.objects.get(name="title").delete(),
    "a field of what all refer to": lambda: add(MetaModel.objects.get(name="Hub"), "n", "IntegerField"),
    "a new model": lambda: make("Newcomer", title="CharField"),
    "a renamed model": lambda: rename(book(), "Volume"),
    "a retired model": lambda: book().delete(),
}
# Instead of a change, what a process asks.
QUESTIONS: dict[str, Callable[[], Any]] = {
    "nothing new": dynamo.catch_up,
    "a class": lambda: dynamo.get_model("Other0"),
    "a row": lambda: list(dynamo.get_model("Book").objects.filter(title="Emma")),
    "a row of what all refer to": lambda: dynamo.get_model("Hub").objects.create(name="x"),
    "a look-up by a name that no field has": lambda: list(
        dynamo.get_model("Book").objects.filter(pk__in=[1])
    ),
}


def book() -> MetaModel:
    return MetaModel.objects.get(name="Book")


@pytest.mark.parametrize("case", [*CHANGES, *QUESTIONS])
def test_it_takes_the_same_with_many_models(case, monkeypatch):
    do = CHANGES.get(case) or QUESTIONS[case]
    make("Book", title="CharField")
    make("Hub", name="CharField")
    counted: list[Counter[str]] = []
    for count in (FEW, MANY):
        write(count, start=FEW if counted else 0)
        begin()
        # The second time, the change is made of what it was before.
        before = store.head("default").position
        dynamo.get_model("Book")
        counted.append(counts(do, monkeypatch))
        if store.head("default").position > before:
            dynamo.rollback(to=before)
    assert counted[0] == counted[1]


def counts(do: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often what is dear was done, and how many schemas and classes came to be."""
    found: Counter[str] = Counter()
    ContentType.objects.clear_cache()
    dynamo.catch_up()
    decoded, built = registry.models.decoded(), registry.built()
    with monkeypatch.context() as patched, CaptureQueriesContext(connection) as queries:
        for place, name in (
            (relations, "renew"),
            (relations, "_forget_derived"),
            (classes, "update"),
            (fold, "evolve"),
        ):
            patched.setattr(place, name, counting(found, name, getattr(place, name)))
        do()
    found["statements"] = len(queries)
    found["decoded"] = registry.models.decoded() - decoded
    found["built"] = registry.built() - built
    return found


def counting(found: Counter[str], name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        found[name] += 1
        return plain(*args, **kwargs)

    return call


def write(count: int, start: int, fields: int = 1) -> None:
    """So many models without tables, which no change here concerns; they refer to Hub, if there is one."""
    hub = registry.schema_of("dynamic", "Hub")
    made: list[Any] = []
    for n in range(start, count):
        model = ModelSchema(id=uuid7(), name=f"Other{n}", app="dynamic", db_table=f"dynamic_other{n}")
        made.append(ModelCreated(stream_id=model.id, after=Frozen(model.attributes())))
        text = {"type": "CharField", "options": {"max_length": 9}}
        made += [field_of(model, f"name{number}", **text) for number in range(fields)]
        if hub is not None:
            to_hub = {"on_delete": "PROTECT", "related_name": f"others{n}"}
            made.append(field_of(model, "hub", type="ForeignKey", related_model=hub.id, options=to_hub))
    with atomic():
        mark, now = store.lock("default")
        context = Context(batch_id=uuid7(), actor="", source="code")
        events = linked(mark, now, made, context, {event.stream_id: 0 for event in made})
        store.write("default", events)
        end = type(mark)(registry_id=mark.registry_id, position=events[-1].position, hash=events[-1].hash)
        if not connection.features.can_rollback_ddl:
            store.checkpoint("default", store.DATABASE, end)
    snapshots.take(
        "default", end, lambda mark: Catalogue.of(snapshots.schema("default", mark.position).models)
    )
    pipeline.catch_up()


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("migrate", "--verbosity=0"),
        ("makemigrations", "--check", "--dry-run", "--verbosity=0"),
        ("dumpdata", "auth", "--verbosity=0"),
    ],
    ids=lambda command: command[0],
)
def test_commands_of_django_make_no_class(command, capsys):
    make("Hub", name="CharField")
    write(MANY, start=0)
    begin()
    call_command(*command)
    assert (registry.built(), registry.models.decoded()) == (0, 0)


def field_of(model: ModelSchema, name: str, *, options: dict[str, Any], **given: Any) -> FieldAdded:
    key = uuid7()
    field = FieldSchema(id=key, storage=key, name=name, column=name, options=Frozen(options), **given)
    return FieldAdded(stream_id=model.id, field_id=key, after=Frozen(field.attributes()))


def test_a_model_of_ten_fields_that_nobody_used_takes_less_than_a_kibibyte():
    write(MANY, start=0, fields=10)
    begin()
    tracemalloc.start()
    try:
        begin()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert (len(registry.models), registry.models.decoded()) == (MANY, 0)
    assert taken / MANY < 1024
