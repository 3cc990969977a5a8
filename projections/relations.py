"""Reverse relations of generated classes, without listing those classes in Django's registry.

Django finds reverse relations by walking every registered model, which neither sees generated classes nor
stays cheap with thousands of them. The `_meta` of generated classes and of the hand-written classes that
they refer to gets the class below, which adds the incoming relations that the registry knows of.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, filterfalse
from operator import methodcaller
from typing import Any, ClassVar, Protocol

from django.apps import apps
from django.db.models import Model
from django.db.models.options import Options
from django.utils.functional import cached_property

from projections.generated import SETTERS, Reads

CACHED = tuple(name for name in dir(Options) if isinstance(getattr(Options, name, None), cached_property))
# Where options keep what generated classes have to do with them.
INCOMING = "_dynamo_incoming"
REFUSED = "_dynamo_refused"
NOW = "_dynamo_now"
# Relations of hand-written classes stay as they are when generated ones change.
HAND_WRITTEN = "_relation_tree"
LISTED = "_dynamo_listed"
DERIVED = frozenset((*CACHED, INCOMING, REFUSED, NOW, SETTERS)) - {HAND_WRITTEN}

# Classes of relations and of their far sides, with those that keep nothing.
FRESH: dict[type, type] = {}


class Source(Protocol):
    def incoming(self, model: Any) -> Iterator[Any]: ...

    loaded: bool

    def ensure_loaded(self) -> None: ...
    def put_on(self, model: Any) -> list[Mapping[str, str]]: ...
    def make(self, model_ids: Iterable[str]) -> Iterator[type[Model]]: ...


class RelationOptions(Options):  # type: ignore[type-arg]  # generic only in the stubs
    """Options whose relation tree is Django's own plus the relations of generated classes."""

    source: ClassVar[Source]
    staging: list[Any] | None = None

    def make(self, name: str) -> None:
        """Have the classes made whose relations put an attribute of that name on this one."""
        list(self.source.make(self._putting(name)))

    def _putting(self, *names: str) -> list[str]:
        put_on = self.source.put_on(self.concrete_model)
        return [known[name] for known in put_on for name in names if name in known]

    @property
    def now(self) -> RelationOptions:
        """The options that keep what is derived from relations to this class, until one of these changes.

        A thread may still be deriving something while it changes. It keeps that in the former ones, where
        nobody looks any more. A generated class gets new options anyway; a hand-written one has its own for
        good, and beside them a copy for this.
        """
        if "dynamo_id" in vars(self.model):
            self._heed()
            return self
        found: RelationOptions | None = self.__dict__.get(NOW)
        if found is None:
            found = copy.copy(self)
            found.__dict__.update({"_get_fields_cache": {}, NOW: found})
            found = self.__dict__.setdefault(NOW, found)
        return found

    def _heed(self) -> None:
        """Begin anew when a hand-written class came: Django tells those only that stand in its registry."""
        known = sum(map(len, apps.all_models.values()))
        if self.__dict__.get(LISTED) != known:
            self._expire_cache()
            self.__dict__[LISTED] = known

    def incoming(self) -> list[Any]:
        """The relations that generated classes have to this one; the classes are made for it, once."""
        kept = self.now.__dict__
        known: list[Any] | None = kept.get(INCOMING)
        if known is None:
            known = kept[INCOMING] = list(self.source.incoming(self.concrete_model))
        return known

    def _get_fields(self, *args: Any, **kwargs: Any) -> Any:
        self._resolve()
        return super(RelationOptions, self.now)._get_fields(*args, **kwargs)

    def _resolve(self) -> None:
        """A hand-written relation to a generated class has only its name until the log was read."""
        if not self.source.loaded and any(map(_waits, (*self.local_fields, *self.local_many_to_many))):
            self.source.ensure_loaded()

    def _expire_cache(self, *args: Any, **kwargs: Any) -> None:
        super()._expire_cache(*args, **kwargs)  # type: ignore[misc]  # unknown to the stubs
        self.__dict__.pop(NOW, None)

    @property
    def related_objects(self) -> Any:
        return Options.related_objects.func(self.now)  # type: ignore[attr-defined]  # a cached_property

    @property
    def _relation_tree(self) -> list[Any]:
        return [*self._hand_written(), *self.incoming()]

    @_relation_tree.deleter
    def _relation_tree(self) -> None:
        # Options._expire_cache deletes its cached attributes by name.
        self.__dict__.pop(HAND_WRITTEN, None)

    @property
    def _reverse_one_to_one_field_names(self) -> frozenset[str]:
        """What `create()` refuses, and other names that it would refuse a line later; no class is made."""
        kept = self.now.__dict__
        known: frozenset[str] | None = kept.get(REFUSED)
        if known is None:
            own = (f.remote_field.name for f in self._hand_written() if f.one_to_one)
            known = kept[REFUSED] = frozenset(chain(own, *self.source.put_on(self.concrete_model)))
        return known

    def get_field(self, field_name: str) -> Any:
        """Also how a query finds what it filters, sums or gives as `values()`, without a row of the class."""
        if "dynamo_id" in vars(self.model):
            Reads.count += 1
        self._resolve()
        return super().get_field(field_name)

    @property
    def fields_map(self) -> ReverseFields:  # type: ignore[override]  # Django's is a dictionary of all
        return ReverseFields(self)

    def reverse_field(self, name: str) -> Any:
        """The relation to this class that queries know by that name, or None; the others need not be made."""
        classes = [self.model, *self.source.make(self._putting(name, f"{name}_set"))]
        relations = (f.remote_field for f in (*chain(*map(outgoing, classes)), *self._hand_written()))
        mine = (one for one in relations if refers_to(one, self.concrete_model))
        found = next((one for one in mine if one.name == name), None)
        if found is None and (self.parents or name.endswith("+")):
            # Those of parents, and what is hidden: names of Django's own making.
            return Options.fields_map.func(self).get(name)  # type: ignore[attr-defined]  # a cached_property
        return found

    def _hand_written(self) -> list[Any]:
        generated = getattr(self.model, "dynamo_id", "")
        opts: Any = self if generated else self.model._meta
        tree = opts.__dict__.get(HAND_WRITTEN)
        if tree is None and not generated:
            # Django's own: one walk over the hand-written models, which tells the options of each.
            tree = opts._populate_directed_relation_graph()
        elif tree is None:
            found = (f for f in hand_written_relations() if refers_to(f.remote_field, self.concrete_model))
            tree = opts.__dict__[HAND_WRITTEN] = list(found)
        return [field for field in tree if not is_generated(field.model)]

    def add_field(self, field: Any, private: bool = False) -> None:
        """Collect fields while `swap` prepares them, so that no reader sees a half-made list."""
        if self.staging is None or private:
            super().add_field(field, private=private)
        else:
            self.staging.append(field)


def is_generated(model: Any) -> bool:
    """Also of the class of a link table. Django lists some, which hand-written classes refer to."""
    return "dynamo_id" in vars(model._meta.auto_created or model)


def _waits(field: Any) -> bool:
    return field.remote_field is not None and isinstance(field.remote_field.model, str)


def concrete(model: type[Model]) -> type[Model]:
    """The class itself, or what it is a proxy of: relations to a proxy are relations to that."""
    return model._meta.concrete_model or model


def refers_to(relation: Any, model: Any) -> bool:
    """Also through a proxy. A generic relation has no target; one that is not resolved yet, only its name."""
    target = getattr(relation, "model", None)
    return isinstance(target, type) and concrete(target) is model


class ReverseFields:
    """What `Options.get_field` asks for names that are no field's: lookups, most of all, such as `in`."""

    def __init__(self, opts: RelationOptions) -> None:
        self.opts = opts

    def __getitem__(self, name: str) -> Any:
        found = self.opts.reverse_field(name)
        if found is None:
            raise KeyError(name)
        return found


def hand_written_relations() -> Iterator[Any]:
    """Every relation of a class that stands in the project's code."""
    for model in filterfalse(is_generated, apps.get_models(include_auto_created=True)):
        for field in model._meta._get_fields(reverse=False, include_parents=False):
            if field.is_relation and not isinstance(getattr(field.remote_field, "model", None), str | None):
                yield field


def track(model: type[Model]) -> None:
    """Let the class see relations that generated classes have to it."""
    if model._meta.auto_created:
        ends: list[Any] = [f for f in model._meta.local_fields if f.is_relation]
        for field in ends:
            if getattr(field.remote_field.model, "dynamo_id", ""):
                fresh(field)
    if not isinstance(model._meta, RelationOptions):
        model._meta.__class__ = RelationOptions
        if "dynamo_id" not in vars(model):
            # A generated class is new, and gets new options when it is shown.
            expire(model)


def fresh(field: Any) -> Any:
    """Let a relation ask the classes on its two ends anew for each query.

    Django keeps the options of both ends after the first join. A class that changes gets new options, and
    a join by the old ones would know neither its new fields nor its new name.
    """
    for part in (field, field.remote_field):
        cls = type(part)
        if cls not in FRESH.values():
            part.__class__ = FRESH.get(cls) or FRESH.setdefault(cls, _without_memory(cls))
    return field


def _without_memory(cls: type) -> type:
    looks = {"path_infos": "get_path_info", "reverse_path_infos": "get_reverse_path_info"}
    body: dict[str, Any] = {
        name: property(methodcaller(method)) for name, method in looks.items() if hasattr(cls, name)
    }
    return type(
        cls.__name__, (cls,), {"__module__": cls.__module__, "__qualname__": cls.__qualname__, **body}
    )


def expire(model: type[Model]) -> None:
    """Forget all that Django derived from this class's fields; `Options._expire_cache` leaves some.

    A generated class gets new options instead: a thread that is still deriving something from the old
    ones stores it there, where nobody looks any more.
    """
    if "dynamo_id" in vars(model):
        renew(model)
        return
    _forget_derived(model._meta)
    for subclass in model.__subclasses__():
        expire(subclass)


def renew(model: Any, **attributes: Any) -> None:
    """Give a generated class options with these attributes, in one step."""
    former = model._meta
    opts = object.__new__(type(former))
    # The first copy is one step, during which no other thread adds to what is copied.
    kept = {name: value for name, value in dict(vars(former)).items() if name not in DERIVED}
    vars(opts).update(kept, _get_fields_cache={}, **attributes)
    model._meta = opts
    for subclass in model.__subclasses__():
        expire(subclass)


def _forget_derived(opts: Any) -> None:
    for name in DERIVED:
        opts.__dict__.pop(name, None)
    opts._get_fields_cache = {}


def outgoing(model: type[Model]) -> Iterator[Any]:
    """The relations of a class and of its link tables, as Django's own tree lists them."""
    opts: Any = model._meta
    for field in opts._get_fields(reverse=False, include_parents=False):
        if field.is_relation:
            yield field
        if field.many_to_many:
            yield from (f for f in field.remote_field.through._meta.local_fields if f.is_relation)


def swap(model: type[Model], old: Iterable[Any], new: Iterable[Any], order: Callable[[Any], Any]) -> None:
    """Replace fields of a class that is in use; its lists of fields change in one step each."""
    opts: Any = model._meta
    gone = list(old)
    # New accessors first: they take the place of the old ones, and no reader finds none.
    staged = _staged(model, new)
    for field in gone:
        _forget_accessor(field)
    kept = [f for f in (*opts.local_fields, *opts.local_many_to_many) if f not in gone]
    fields = sorted((*kept, *staged), key=order)
    local = [f for f in fields if not f.many_to_many]
    renew(model, local_fields=local, local_many_to_many=[f for f in fields if f.many_to_many])
    _remove_attributes(model, gone, {name for f in staged for name in _names(f)})


def forget(model: type[Model]) -> None:
    """Take from other classes what a retired class put on them."""
    opts: Any = model._meta
    for field in (*opts.local_fields, *opts.local_many_to_many):
        _forget_accessor(field)


def _staged(model: type[Model], new: Iterable[Any]) -> list[Any]:
    opts: Any = model._meta
    staged: list[Any] = []
    opts.staging = staged
    try:
        for field in new:
            if field.choices is not None:
                _drop(model, f"get_{field.name}_display")
            field.contribute_to_class(model, field.name)
    finally:
        opts.staging = None
    return staged


def _names(field: Any) -> tuple[str, ...]:
    """The attributes that a field puts on its class."""
    return (
        field.name,
        field.attname,
        f"get_{field.name}_display",
        f"get_next_by_{field.name}",
        f"get_previous_by_{field.name}",
    )


def _remove_attributes(model: type[Model], gone: list[Any], kept: set[str]) -> None:
    for field in gone:
        for name in _names(field):
            if name not in kept:
                _drop(model, name)


def _drop(model: type[Model], name: str) -> None:
    if name in vars(model):
        delattr(model, name)


def _forget_accessor(field: Any) -> None:
    target = getattr(field.remote_field, "model", None)
    if target is None or isinstance(target, str):
        return
    accessor = field.remote_field.accessor_name
    # A foreign key to a proxy has its way back on the concrete class, links to one have theirs on the proxy.
    for cls in {target, concrete(target)}:
        descriptor = vars(cls).get(accessor) if accessor else None
        related = getattr(descriptor, "rel", None) or getattr(descriptor, "related", None)
        if related is not None and related.field is field:
            delattr(cls, accessor)
    expire(concrete(target))
