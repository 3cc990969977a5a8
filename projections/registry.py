"""The registry of this process: the catalogue of schemas, and classes built from it on first use."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from typing import Any, Final

from django.apps import apps
from django.db.models import Model

from events.envelope import Mark
from events.names import Key, link_keys
from events.schema import FieldSchema, ModelSchema
from projections import accessors, classes, conf, lazy, relations
from projections.catalogue import Catalogue
from projections.lazy import Facade, waiting
from projections.transition import Change, Transition

logger = logging.getLogger("dynamo")

# A field type or a base that this process does not have, as in the middle of a deployment.
BUILD_ERRORS: Final = (LookupError, ImportError, TypeError, ValueError)

# Unlike any place in any log: a process that has not looked yet.
UNKNOWN: Final = Mark(position=-1)


class Registry:
    """Schemas by id and name, classes by id. Reading needs no lock; changes and building take it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.moved = threading.Condition(self.lock)
        self.mark = UNKNOWN
        self.loaded = False
        self.stuck = ""
        self.catalogue = Catalogue()
        self._classes: dict[str, type[Model]] = {}
        self._retired: dict[str, tuple[weakref.ref[type[Model]], ModelSchema]] = {}
        self._links: dict[tuple[str, str], type[Model]] = {}
        self._orders: dict[str, tuple[Mapping[str, str], list[str]]] = {}
        self._building: dict[tuple[str, str], type[Model]] | None = None
        self._facade = Facade(self._adopt)
        self.load: Any = None
        # A thread that reads the log for the first time comes by what would have it read.
        self._reading = threading.local()

    # -- reading -----------------------------------------------------------------------------------

    @property
    def models(self) -> Mapping[str, ModelSchema]:
        return self.catalogue.models

    def schema(self, model_id: str) -> ModelSchema | None:
        return self.models.get(model_id)

    def schema_of(self, app_label: str, model_name: str) -> ModelSchema | None:
        self.ensure_loaded()
        return self.catalogue.named((app_label, model_name.lower()))

    def live(self) -> list[ModelSchema]:
        self.ensure_loaded()
        return self.catalogue.live()

    def retired(self) -> list[ModelSchema]:
        self.ensure_loaded()
        return self.catalogue.retired()

    def labels(self) -> list[str]:
        """The app labels with live models."""
        self.ensure_loaded()
        return sorted(self.catalogue.names.models)

    def has_pages(self, app_label: str) -> bool:
        """Whether a label has a live model with admin pages."""
        self.ensure_loaded()
        names = self.catalogue.names
        return len(names.models.get(app_label, ())) > len(names.hidden.get(app_label, ()))

    def with_pages(self, app_label: str, wanted: Callable[[str], bool]) -> Iterator[ModelSchema]:
        """The live models with admin pages, in order of name; what is not wanted stays undecoded."""
        if not self.has_pages(app_label):
            return iter(())
        catalogue = self.catalogue
        known, hidden = catalogue.names.models[app_label], catalogue.names.hidden.get(app_label, {})
        listed = (name for name in self._ordered(app_label, known) if name not in hidden and wanted(name))
        return (catalogue.models[known[name]] for name in listed)

    def _ordered(self, app_label: str, known: Mapping[str, str]) -> list[str]:
        """Names in order, put in order once for as long as they stay."""
        of, names = self._orders.get(app_label, (None, []))
        if of is not known:
            names = sorted(known)
            self._orders[app_label] = (known, names)
        return names

    def referrers(self, reference: str) -> list[str]:
        """Ids of the live models with a relation to a model, given by id or by "app.model", in order."""
        return self.catalogue.names.referring(reference)

    def putting(self, reference: str, name: str) -> ModelSchema | None:
        """The live model with a relation that puts an attribute of that name on what it refers to."""
        self.ensure_loaded()
        catalogue = self.catalogue
        model_id = catalogue.names.put_on(reference).get(name)
        return None if model_id is None else catalogue.models[model_id]

    def holders(self, key: Key) -> Iterator[ModelSchema]:
        """The live models of which Django has a class by that name: the model's, or a link table's."""
        self.ensure_loaded()
        catalogue = self.catalogue
        found = (catalogue.names.model(key), catalogue.names.owner(key))
        return (catalogue.models[model_id] for model_id in found if model_id is not None)

    def linking(self, app_label: str) -> Iterator[ModelSchema]:
        """The live models of a label that have link tables."""
        self.ensure_loaded()
        catalogue = self.catalogue
        return (catalogue.models[model_id] for model_id in sorted(catalogue.names.linking(app_label)))

    def knows(self, app_label: str, model_name: str) -> bool:
        key, names = (app_label, model_name), self.catalogue.names
        return names.model(key) is not None or names.owner(key) is not None

    def find(self, app_label: str, model_name: str) -> type[Model] | None:
        """The class of that name, built if need be; None if there is no such model."""
        self.ensure_loaded()
        return self._find((app_label, model_name))

    def _find(self, key: tuple[str, str]) -> type[Model] | None:
        """As `find`, with what is known: projecting must not ask the database, which may be rolling back."""
        names = self.catalogue.names
        model_id = names.model(key)
        if model_id is not None:
            return self._classes.get(model_id) or self._build(model_id, key)
        owner = names.owner(key)
        if owner is None:
            return None
        return self._links.get(key) or self._build(owner, key)

    def model_class(self, model_id: str) -> type[Model] | None:
        schema = self.models.get(model_id)
        return None if schema is None or schema.retired else self.find(*schema.key)

    def every(self, app_label: str) -> list[type[Model]]:
        """All classes of a label with their link tables, for the commands that handle data."""
        self.ensure_loaded()
        names = self.catalogue.names
        listed = [*names.models.get(app_label, ()), *names.links.get(app_label, ())]
        return [found for name in listed if (found := self.find(app_label, name)) is not None]

    def around(self, keys: Collection[Key], app_label: str) -> list[type[Model]]:
        """The classes of these models and of all that they refer to, with their link tables, of a label."""
        self.ensure_loaded()
        ids = filter(None, map(self.catalogue.names.model, keys))
        reached = [schema for schema in self._closure(ids) if schema.app == app_label]
        names = [name for schema in reached for _, name in (schema.key, *link_keys(schema))]
        return [found for name in names if (found := self.find(app_label, name)) is not None]

    def built(self) -> int:
        return len(self._classes)

    def incoming(self, model: type[Model]) -> Iterator[Any]:
        """The relations that generated classes have to this one, building those that do."""
        names = self.catalogue.names
        referring = {key for target in self._references(model) for key in names.referring(target)}
        for found in self.make(sorted(referring)):
            yield from (f for f in relations.outgoing(found) if relations.refers_to(f.remote_field, model))

    def put_on(self, model: type[Model]) -> list[Mapping[str, str]]:
        """The attributes that relations put on this class, and those that they put there by its proxies.

        Each with the id of the model that has the relation.
        """
        names = self.catalogue.names
        return [names.put_on(target) for target in self._references(model)]

    def make(self, model_ids: Iterable[str]) -> Iterator[type[Model]]:
        """The classes of these models; one that cannot be made is passed over, and breaks no other."""
        for model_id in model_ids:
            try:
                found = self.model_class(model_id)
            except BUILD_ERRORS as error:
                logger.error("a generated model cannot be built: %s", error)
                continue
            if found is not None:
                yield found

    def _references(self, model: type[Model]) -> list[str]:
        """How relations name what this is the class of, and its proxies; none names a link table's."""
        self.ensure_loaded()
        if model._meta.auto_created:
            return []
        proxies = (cls for cls in model.__subclasses__() if cls._meta.proxy)
        own = getattr(model, "dynamo_id", "") or model._meta.label_lower
        return [own, *(name for proxy in proxies for name in self._references(proxy))]

    # -- building ----------------------------------------------------------------------------------

    def ensure_loaded(self) -> None:
        if self.loaded or not apps.ready or self.load is None or getattr(self._reading, "now", False):
            return
        self._reading.now = True
        try:
            self.load()
        finally:
            self._reading.now = False

    def _build(self, model_id: str, key: tuple[str, str]) -> type[Model] | None:
        with self.lock:
            if self._building is not None:
                # Only the building thread gets here; what is not made yet comes by itself.
                return self._building.get(key)
            if self._classes.get(model_id) is None and self._revive(self.models[model_id]) is None:
                self._build_closure(model_id)
            is_link = self.catalogue.names.owner(key) is not None
            return self._links.get(key) if is_link else self._classes.get(model_id)

    def _build_closure(self, model_id: str) -> None:
        """Build a model with all that it refers to, and show them to other threads together."""
        if not lazy.installed():
            # An app asks for a class before our own is ready, as when its admin is imported.
            lazy.install(self, tuple(conf.get("DYNAMO_APPS")))
        self._building = {}
        made: dict[str, type[Model]] = {}
        try:
            for schema in self._closure([model_id], self._classes):
                made[schema.id] = classes.create(schema, self.schema, self._facade)
            built = self._building
        finally:
            self._building = None
        for cls in built.values():
            relations.track(cls)
        names = self.catalogue.names
        self._links.update({key: cls for key, cls in built.items() if names.owner(key) is not None})
        self._classes.update(made)
        for schema_id in made:
            self._expire({schema_id, *_targets(self.models[schema_id].fields)})
        awaited = {cls for key, cls in built.items() if key in waiting}
        for field in relations.hand_written_relations() if awaited else ():
            if field.remote_field.model in awaited:
                relations.fresh(field)

    def _closure(self, model_ids: Iterable[str], known: Container[str] = ()) -> list[ModelSchema]:
        """These models and what they refer to, but for those that are known."""
        wanted: list[str] = list(model_ids)
        found: dict[str, ModelSchema] = {}
        while wanted:
            schema = self.models.get(wanted.pop())
            if schema is None or schema.id in found or schema.id in known:
                continue
            found[schema.id] = schema
            wanted.extend(f.related_model for f in schema.fields if f.related_model in self.models)
        return list(found.values())

    def _adopt(self, app_label: str, model: type[Model]) -> None:
        """Called by Django when a class is made: a generated one, or the link table of one."""
        key = (app_label, str(model._meta.model_name))
        if self._building is not None:
            self._building[key] = model
        else:
            relations.track(model)
            self._links[key] = model

    # -- projecting --------------------------------------------------------------------------------

    def project(self, transition: Transition) -> None:
        """Bring catalogue and built classes from one schema to the next."""
        with self.lock:
            shaped = dict(transition.shaped())
            self.catalogue = self.catalogue.changed(transition.changes)
            related = [change for change in shaped.values() if _relates_anew(change)]
            for change in related:
                self._let_go(change.live_before)
            renamed = frozenset(key for key, change in shaped.items() if _renamed(change))
            self._update_classes(shaped, renamed)
            for change in related:
                self._expire_targets(change)
                if change.live_after is not None:
                    accessors.put(change.live_after)
            self.mark = transition.end
            self._build_awaited(change.live_after for change in shaped.values())
            self.moved.notify_all()

    def adopt(self, catalogue: Catalogue, mark: Mark) -> None:
        """Begin with a whole catalogue. Only models that something waits for are looked at."""
        with self.lock:
            self.catalogue = catalogue
            names = catalogue.names
            accessors.put_all(names)
            self.mark = mark
            named = (names.model(key) for key in (*waiting, *apps._pending_operations))
            awaited = {model_id for model_id in named if model_id is not None}
            # Held since another log was followed, as before a restored backup.
            awaited.update(model_id for model_id in self._retired if model_id in catalogue.models)
            models = (catalogue.models[model_id] for model_id in sorted(awaited))
            self._build_awaited(model for model in models if not model.retired)
            self.moved.notify_all()

    def _let_go(self, before: ModelSchema | None) -> None:
        """Let go of classes of link tables that no model has any more, and of ways back."""
        if before is None:
            return
        accessors.take(before)
        for key in link_keys(before):
            if self.catalogue.names.owner(key) is None:
                self._links.pop(key, None)

    def _update_classes(self, shaped: dict[str, Change], renamed: frozenset[str]) -> None:
        affected = dict(shaped)
        for model_id in renamed:
            for referrer in self.referrers(model_id):
                if referrer in self._classes:
                    schema = self.models[referrer]
                    affected.setdefault(referrer, Change(before=schema, after=schema))
        for model_id, change in affected.items():
            model = self._classes.get(model_id)
            if model is not None and change.live_after is None:
                self._retire(model_id, model, change.live_before)
            elif model is not None and change.live_after is not None and _is_named_anew(change):
                classes.name_class(model, change.live_after)
        for model_id, change in affected.items():
            model = self._classes.get(model_id)
            if model is not None and change.live_before is not None and change.live_after is not None:
                try:
                    self._build_targets(change.live_after)
                    classes.update(model, change.live_before, change.live_after, self.schema, renamed)
                except BUILD_ERRORS as error:
                    # Built anew at the next use, which then says why it cannot be.
                    logger.error("%s cannot be built: %s", change.live_after.label, error)
                    self._classes.pop(model_id, None)

    def _retire(self, model_id: str, model: type[Model], schema: ModelSchema | None) -> None:
        """Put a class aside: a rollback or a restored model brings the same one back."""
        relations.forget(model)
        del self._classes[model_id]
        if schema is not None:
            self._retired[model_id] = (weakref.ref(model), schema)

    def _revive(self, schema: ModelSchema) -> type[Model] | None:
        """The class that a model had before it was retired, brought up to its schema."""
        reference, former = self._retired.pop(schema.id, (None, None))
        model = reference() if reference is not None else None
        if model is None or former is None:
            return None
        classes.name_class(model, schema)
        self._classes[schema.id] = model
        self._build_targets(schema)
        classes.update(model, former, schema, self.schema, frozenset({schema.id}))
        # What began to wait for it while it was retired.
        apps.do_pending_operations(model)
        model._meta._expire_cache()  # type: ignore[attr-defined]  # unknown to the stubs
        return model

    def _build_targets(self, schema: ModelSchema) -> None:
        for field in schema.fields:
            target = self.models.get(field.related_model) if field.is_relation else None
            if target is not None and not target.retired and target.id != schema.id:
                self._find(target.key)

    def _build_awaited(self, schemas: Iterable[ModelSchema | None]) -> None:
        """Build what string references wait for, and what somebody held while it was retired."""
        for schema in filter(None, schemas):
            awaited = schema.key in waiting or schema.key in apps._pending_operations
            if awaited or self._is_held(schema.id):
                try:
                    self._find(schema.key)
                except BUILD_ERRORS as error:
                    logger.error("%s cannot be built: %s", schema.label, error)

    def _is_held(self, model_id: str) -> bool:
        return model_id in self._retired and self._retired[model_id][0]() is not None

    def _expire_targets(self, change: Change) -> None:
        before, after = change.live_before, change.live_after
        if before is None or after is None or _is_named_anew(change):
            sides = [schema for schema in (before, after) if schema is not None]
            fields = {field for schema in sides for field in schema.fields}
            self._expire({schema.id for schema in sides})
        else:
            # Relations that stay say to their targets what they said before.
            fields = set(before.fields).symmetric_difference(after.fields)
        self._expire(_targets(fields))

    def _expire(self, references: Iterable[str]) -> None:
        """These classes have to look for their incoming relations again."""
        for reference in references:
            if "." in reference:
                target = classes.hand_written(reference)
                if target is not None:
                    relations.track(target)
                    target = relations.concrete(target)
            else:
                target = self._classes.get(reference)
            if target is not None:
                relations.expire(target)


def _targets(fields: Iterable[FieldSchema]) -> set[str]:
    return {field.related_model for field in fields if field.is_relation}


def _relates_anew(change: Change) -> bool:
    """Whether other classes see a difference: a relation that comes, goes or changes, or a name."""
    before, after = change.live_before, change.live_after
    if before is None or after is None or _is_named_anew(change):
        return True
    return [f for f in before.fields if f.is_relation] != [f for f in after.fields if f.is_relation]


def _is_named_anew(change: Change) -> bool:
    before, after = change.live_before, change.live_after
    if before is None or after is None:
        return False
    return (before.app, before.name, before.db_table) != (after.app, after.name, after.db_table)


def _renamed(change: Change) -> bool:
    before, after = change.live_before, change.live_after
    return before is not None and after is not None and (before.app, before.name) != (after.app, after.name)


registry = Registry()
relations.RelationOptions.source = registry
if hasattr(os, "register_at_fork"):
    # A worker that forks: its child begins with a whole registry, and a lock that none of its threads holds.
    os.register_at_fork(
        before=registry.lock.acquire,
        after_in_parent=registry.lock.release,
        after_in_child=registry.lock.release,
    )
