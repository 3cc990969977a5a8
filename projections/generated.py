"""The base of every generated class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models.base import ModelBase, ModelState
from django.db.models.signals import post_init, pre_init

# Where a class's options keep the names that `own_setters` found; new options begin without.
SETTERS: Final = "_dynamo_setters"


class GeneratedBase(ModelBase):
    """Metaclass of generated classes; by it projections.pickling knows them."""

    def __getattr__(self, name: str) -> Any:
        """The way back of a relation may be missing because the class that has it was not made yet."""
        complete(self, name)
        return type.__getattribute__(self, name)


def complete(cls: type, name: str) -> None:
    """Have the classes made whose relations put an attribute of that name on this one."""
    make = None if name.startswith("_") else getattr(vars(cls).get("_meta"), "make", None)
    if make is not None:
        make(name)


def own_setters(cls: Any) -> frozenset[str]:
    """The attributes whose field, from a third party, makes something of a value that is set."""
    found = ((f.attname, type(vars(cls).get(f.attname))) for f in cls._meta.concrete_fields)
    known = frozenset(name for name, kind in found if hasattr(kind, "__set__") and not _is_djangos(kind))
    cls._meta.__dict__[SETTERS] = known
    return known


def _is_djangos(kind: type) -> bool:
    return kind.__module__.startswith("django.")


class Reads:
    """Counts reads through generated classes, more or less; that it moved is all that anybody asks."""

    count = 0


class GeneratedModel(models.Model, metaclass=GeneratedBase):
    """Rows are filled by field name: a class that changes under a running query cannot shift values."""

    dynamo_id: ClassVar[str] = ""
    dynamo_display: ClassVar[str] = ""

    class Meta:
        abstract = True

    def __getattr__(self, name: str) -> Any:
        """As of the class. What is still missing raises what it raised before, such as DoesNotExist."""
        complete(type(self), name)
        return object.__getattribute__(self, name)

    def __str__(self) -> str:
        if self.dynamo_display:
            return str(getattr(self, self.dynamo_display))
        return f"{type(self).__name__} object ({self.pk})"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Sequence[Any]) -> Self:  # type: ignore[override]  # stubs of a later Django
        Reads.count += 1
        if cls.__init__ is not models.Model.__init__:
            return cls._through_init(db, dict(zip(field_names, values, strict=True)))
        # Asking a signal for the receivers of a sender takes as long as all the rest.
        if pre_init.receivers and pre_init.has_listeners(cls):
            pre_init.send(sender=cls, args=(), kwargs={})
        row = cls.__new__(cls)
        row._state = state = ModelState()
        state.adding = False
        state.db = db
        # Fields that the query did not ask for stay absent, which is how Django marks deferred ones.
        row.__dict__.update(zip(field_names, values, strict=True))
        setters = cls._meta.__dict__.get(SETTERS)
        if setters is None:
            setters = own_setters(cls)
        for name in setters and setters.intersection(field_names):
            setattr(row, name, row.__dict__.pop(name))
        if post_init.receivers and post_init.has_listeners(cls):
            post_init.send(sender=cls, instance=row)
        return row

    @classmethod
    def _through_init(cls, db: str | None, values: dict[str, Any]) -> Self:
        """A project's own base has an `__init__`: let it run, with deferred fields marked as Django does."""
        names = (f.attname for f in cls._meta.concrete_fields)
        row = cls(*(values.get(name, models.DEFERRED) for name in names))
        row._state.adding = False
        row._state.db = db
        return row
