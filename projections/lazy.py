"""Django's app registry, seen through mappings that find generated classes by name but do not list them.

Django walks `apps.all_models[label]` in migrate, makemigrations, check and cache clearing. There generated
classes must not appear: they have no migrations, and thousands of them would be built for nothing.
Replacing those dictionaries is the one seam that keeps every look-up by name working; tests pin it.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Protocol

from django.apps import AppConfig, apps
from django.db.models import Model

from events.names import Key
from projections import migrated

PARENT = "projections.labels"


class Source(Protocol):
    def find(self, app_label: str, model_name: str) -> type[Model] | None: ...
    def knows(self, app_label: str, model_name: str) -> bool: ...
    def every(self, app_label: str) -> list[type[Model]]: ...
    def around(self, keys: Collection[Key], app_label: str) -> list[type[Model]]: ...


class LazyModels(dict[str, type[Model]]):
    """The models of one label: hand-written ones as entries, generated ones on asking."""

    exposed = False

    def __init__(self, label: str, entries: dict[str, type[Model]], source: Source) -> None:
        super().__init__(entries)
        self.label = label
        self.source = source
        # In a label with migrations generated models would be taken for unmigrated changes.
        self.listing = not _has_migrations(label)
        if self.listing:
            _await(label)

    def __missing__(self, name: str) -> type[Model]:
        found = self.source.find(self.label, name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self.source.knows(self.label, str(name))

    def get(self, name: str, default: Any = None) -> Any:
        found = super().get(name)
        return found if found is not None else self.source.find(self.label, name) or default

    def values(self) -> Any:
        listed = list(super().values())
        if LazyModels.exposed:
            return [*listed, *self.source.every(self.label)]
        # Generated models that hand-written ones refer to by name, now or in their migrations, and what those
        # refer to: Django's checks and migrations look for them.
        keys = {*waiting, *migrated.references(_listing())} if self.listing else ()
        return [*listed, *self.source.around(keys, self.label)] if keys else listed


# What waits for generated classes: operations of hand-written relations, by (label, model name). Django's
# check of lazy references would report them, in an order that leaves it to chance whether the log was read.
waiting: dict[tuple[str, str], list[Callable[[type[Model]], None]]] = {}


def _listing() -> set[str]:
    """The labels of generated models that Django may list."""
    entries = apps.all_models.items()
    return {label for label, models in entries if isinstance(models, LazyModels) and models.listing}


def _await(label: str) -> None:
    pending: Any = apps
    for key in [key for key in pending._pending_operations if key[0] == label]:
        waiting.setdefault(key, []).extend(pending._pending_operations.pop(key))


def _has_migrations(label: str) -> bool:
    module = apps.app_configs[label].module
    return module is not None and find_spec(f"{module.__name__}.migrations") is not None


class Facade:
    """The registry that generated classes register with: Django's own, but expiring nothing."""

    def __init__(self, adopt: Any) -> None:
        self._adopt = adopt

    def __getattr__(self, name: str) -> Any:
        return getattr(apps, name)

    def register_model(self, app_label: str, model: type[Model]) -> None:
        self._adopt(app_label, model)
        for operation in waiting.get((app_label, str(model._meta.model_name)), ()):
            operation(model)
        apps.do_pending_operations(model)

    def __deepcopy__(self, memo: Any) -> Facade:
        return self


def installed() -> bool:
    return any(isinstance(entries, LazyModels) for entries in apps.all_models.values())


def install(source: Source, extra_labels: tuple[str, ...]) -> None:
    """Put the lazy mappings in place; may run again when INSTALLED_APPS changes."""
    for label in extra_labels:
        if label not in apps.app_configs:
            _add_label(label)
    for label, config in apps.app_configs.items():
        entries = apps.all_models[label]
        if not isinstance(entries, LazyModels):
            apps.all_models[label] = entries = LazyModels(label, entries, source)
        config.models = entries
    apps.get_models.cache_clear()  # type: ignore[attr-defined]  # lru_cache, unknown to the stubs


def relist() -> None:
    """Have Django list its models again, where hand-written ones refer to generated ones."""
    if waiting:
        apps.get_models.cache_clear()  # type: ignore[attr-defined]


@contextmanager
def exposed() -> Iterator[None]:
    """List generated classes too, for `dumpdata`."""
    LazyModels.exposed = True
    apps.get_models.cache_clear()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        LazyModels.exposed = False
        apps.get_models.cache_clear()  # type: ignore[attr-defined]


def _add_label(label: str) -> None:
    """An AppConfig for a label that only has generated models: without one Django cannot find them."""
    module = types.ModuleType(f"{PARENT}.{label}")
    module.__path__ = []
    config_class = type("GeneratedAppConfig", (AppConfig,), {"path": "", "label": label})
    config = config_class(f"{PARENT}.{label}", module)
    config.default_auto_field = "django.db.models.BigAutoField"
    config.apps = apps
    config.models_module = module
    config.verbose_name = label.replace("_", " ").capitalize()
    sys.modules[module.__name__] = module
    # A new dictionary: Django is going through the old one.
    apps.app_configs = {**apps.app_configs, label: config}
