"""Every kind of change of a field that keeps its type, and what it makes of the values that are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile

import dynamo
from dynamo.exceptions import DataRefused, ModelNotFound
from dynamo.models import MetaField
from projections.field_types import LITERAL
from tests.integration.agreement import planned, refused
from tests.integration.faults import failing
from tests.integration.held import Held, empty, name_of
from tests.integration.making import add, alter, columns, rename
from tests.integration.option_changes import OPTION_CHANGES
from tests.integration.samples import SAMPLES

Change = Callable[[Held, str], None]
STATEMENTS: Final = re.compile(r"\s*(ALTER|CREATE|DROP)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A type's row, its samples and its column in a model."""

    held: Held
    type_name: str

    @property
    def name(self) -> str:
        return name_of(self.type_name)

    @property
    def fresh(self) -> str:
        return f"{self.name}_fresh"

    @property
    def takes_nothing(self) -> int:
        """How many rows have no value; an empty text counts as one."""
        return sum(value is None for value in self.held.values[self.name])

    def given(self, n: int = 0) -> tuple[Any, Any]:
        return SAMPLES[self.type_name].given[n]

    def add(self, **attributes: Any) -> MetaField:
        options = {**SAMPLES[self.type_name].options, **attributes.pop("options", {})}
        return add(self.held.meta, self.fresh, self.type_name, options=options, **attributes)

    def alter(self, **attributes: Any) -> dict[str, int]:
        return planned(lambda: alter(self.held.field(self.name), **attributes))

    def expect_fresh(self, value: Any) -> None:
        self.held.values[self.fresh] = [value] * self.held.size


def added(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    assert planned(it.add) == {}
    it.expect_fresh(empty(type_name))


def added_as_unique(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    planned(lambda: it.add(unique=True))
    it.expect_fresh(None)


def added_as_required(held: Held, type_name: str) -> None:
    it, (raw, value) = Named(held=held, type_name=type_name), SAMPLES[type_name].given[0]
    with refused(DataRefused, "backfill") as caught:
        planned(lambda: it.add(required=True))
    assert caught.value.count == held.size
    assert planned(lambda: it.add(required=True, backfill=raw)) == {"filled": held.size}
    it.expect_fresh(value)
    assert columns("dynamic_thing")[it.fresh]


def added_with_a_default(held: Held, type_name: str) -> None:
    it, (raw, value) = Named(held=held, type_name=type_name), SAMPLES[type_name].given[0]
    assert planned(lambda: it.add(default=raw)) == {"filled": held.size}
    it.expect_fresh(value)


def added_as_required_with_a_default(held: Held, type_name: str) -> None:
    it, (raw, value) = Named(held=held, type_name=type_name), SAMPLES[type_name].given[1]
    assert planned(lambda: it.add(default=raw, required=True)) == {"filled": held.size}
    it.expect_fresh(value)


def renamed(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    planned(lambda: rename(held.field(it.name), it.fresh))
    held.values[it.fresh] = held.values.pop(it.name)


def retired_and_restored(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    planned(lambda: held.field(it.name).delete())
    kept = held.values.pop(it.name)
    held.check()
    planned(lambda: dynamo.restore(f"Thing.{it.name}"))
    held.values[it.name] = kept


def retired_and_added_anew(held: Held, type_name: str) -> None:
    """A new column of the old name never has the old values, and they come back under another name."""
    it = Named(held=held, type_name=type_name)
    held.field(it.name).delete()
    planned(lambda: add(held.meta, it.name, type_name, options=SAMPLES[type_name].options))
    held.values[it.fresh] = held.values[it.name]
    held.values[it.name] = [empty(type_name)] * held.size
    dynamo.restore(f"Thing.{it.name}", name=it.fresh)


def purged(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    held.field(it.name).delete()
    planned(lambda: dynamo.purge(f"Thing.{it.name}"))
    del held.values[it.name]
    assert not [name for name in columns("dynamic_thing") if name.startswith("zz_")]
    with refused(ModelNotFound):
        dynamo.restore(f"Thing.{it.name}")


def reordered(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    last = max(field.order for field in held.meta.fields.all())
    with unmoved():
        it.alter(order=last + 1)
    assert [f.name for f in held.model._meta.fields][-1] == it.name


def required_and_optional_again(held: Held, type_name: str) -> None:
    it, (raw, value) = Named(held=held, type_name=type_name), SAMPLES[type_name].given[0]
    nothing = it.takes_nothing
    if nothing:
        with refused(DataRefused, "backfill") as caught:
            it.alter(required=True)
        assert caught.value.count == nothing
    filled = it.alter(required=True, backfill=raw)
    assert filled == ({"filled": nothing} if nothing else {})
    held.values[it.name] = [value if v is None else v for v in held.values[it.name]]
    held.check()
    assert columns("dynamic_thing")[it.name]
    it.alter(required=False)


def unique_and_not(held: Held, type_name: str) -> None:
    """Each value once, and nothing often. Texts that only a collation takes for equal are not."""
    it = Named(held=held, type_name=type_name)
    before = held.values[it.name]
    write(held, it.name, 1, before[0])
    with refused(DataRefused, "unique") as caught:
        it.alter(unique=True)
    assert (caught.value.count, len(caught.value.samples)) == (1, 1)
    write(held, it.name, 1, before[1])
    it.alter(unique=True)
    held.values[it.name] = [None if value in ("", b"") else value for value in before]
    held.check()
    with pytest.raises(IntegrityError), transaction.atomic():
        write(held, it.name, 1, before[0])
    it.alter(unique=False)
    held.values[it.name] = before


def unique_together_and_not(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    it.alter(unique_together=True)
    held.check()
    with pytest.raises(IntegrityError), transaction.atomic():
        write(held, it.name, 1, held.values[it.name][0])
    it.alter(unique_together=False)


def refused_as_unique(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    for flag in ("unique", "unique_together"):
        with refused(ValidationError):
            it.alter(**{flag: True})


def indexed_and_not(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    options = SAMPLES[type_name].options
    it.alter(options={**options, "db_index": True})
    held.check()
    it.alter(options={**options, "db_index": False})


def given_another_default(held: Held, type_name: str) -> None:
    """A default is for later rows, whether the field is optional or not."""
    it = Named(held=held, type_name=type_name)
    it.alter(default=it.given(0)[0])
    assert default_of(held, it.name) == it.given(0)[1]
    it.alter(required=True)
    held.values[it.name] = [it.given(0)[1] if v is None else v for v in held.values[it.name]]
    it.alter(default=it.given(1)[0])
    assert default_of(held, it.name) == it.given(1)[1]
    held.check()
    it.alter(default=None)
    held.check()
    it.alter(required=False)


def given_other_options(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    for options, fits in OPTION_CHANGES[type_name]:
        failing = [v for v in held.values[it.name] if v is not None and fits(v) is None]
        if failing:
            with refused(DataRefused, "on_error") as caught:
                it.alter(options=options)
            assert (caught.value.count, caught.value.samples) == (len(failing), failing[:5])
        else:
            it.alter(options=options)
            held.values[it.name] = [None if v is None else fits(v) for v in held.values[it.name]]
        held.check()


def shown_in_another_way(held: Held, type_name: str) -> None:
    it = Named(held=held, type_name=type_name)
    row = LITERAL[type_name]
    with unmoved():
        it.alter(help="<b>help</b> 100%", verbose_name="Überschrift", description="for readers")
        if not row.backend and type_name not in ("JSONField", "BinaryField"):
            it.alter(choices=[[it.given(0)[0], "One"], [it.given(1)[0], "Other"]])
            assert len(held.model._meta.get_field(it.name).flatchoices) == 2
            it.alter(choices=[])
    field = held.model._meta.get_field(it.name)
    assert (field.help_text, field.verbose_name) == ("&lt;b&gt;help&lt;/b&gt; 100%", "Überschrift")


@contextmanager
def unmoved() -> Iterator[None]:
    """The block changes no table."""
    with failing(0) as counted:
        yield
    assert [statement for statement in counted.seen if STATEMENTS.match(statement)] == []


def write(held: Held, name: str, n: int, value: Any) -> None:
    """Put a value into the n-th row, past the record of what is held."""
    held.model.objects.filter(pk=n + 1).update(**{name: value})


def default_of(held: Held, name: str) -> Any:
    found = getattr(held.model(), name)
    return found.name if isinstance(found, FieldFile) else found


CHANGES: Final[dict[str, Change]] = {
    "add it": added,
    "add it as unique": added_as_unique,
    "add it as required with a backfill": added_as_required,
    "add it with a default": added_with_a_default,
    "add it as required with a default": added_as_required_with_a_default,
    "rename it": renamed,
    "retire and restore it": retired_and_restored,
    "retire it and add it anew": retired_and_added_anew,
    "purge it": purged,
    "move it to the end": reordered,
    "make it required and optional again": required_and_optional_again,
    "make it unique and not": unique_and_not,
    "make it unique together and not": unique_together_and_not,
    "make it unique where nothing can be": refused_as_unique,
    "index it and not": indexed_and_not,
    "give it another default": given_another_default,
    "give it other options": given_other_options,
    "show it in another way": shown_in_another_way,
}


def applies(change: str, type_name: str) -> bool:
    """Whether the type takes a change of that kind at all."""
    row = LITERAL[type_name]
    if CHANGES[change] in (added_as_unique, unique_and_not, unique_together_and_not):
        return row.indexable
    return {
        "make it unique where nothing can be": not row.indexable,
        "index it and not": "db_index" in row.options,
        "give it other options": type_name in OPTION_CHANGES,
    }.get(change, True)
