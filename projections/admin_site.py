"""Admin pages of generated models, on every AdminSite of the project, without restart or URLconf reload.

Django fixes an admin's URLs and names when the URLconf is imported. Three functions of Django are replaced
here, and nowhere else, so that generated models appear, change and disappear in the running process:

- `AdminSite.get_urls` adds one resolver that looks models up when a request comes;
- `AdminSite.get_app_list` adds them to the index and the sidebar;
- `django.urls.base.get_ns_resolver` lets `reverse("admin:<app>_<model>_changelist")` find them, because
  Django's resolvers copy all names once.

`tests/integration/test_admin_site.py` fails when Django changes under these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.contrib.admin.sites import AdminSite, all_sites
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, URLResolver, base
from django.urls.resolvers import RegexPattern, ResolverMatch, RoutePattern

from events.schema import ModelSchema
from projections.admin_forms import VersionedForms, versioned
from projections.admin_index import app_list, own_admins
from projections.admin_pages import BEFORE, StockPages, has_others, name_of, route_of
from projections.registry import registry
from projections.transition import Transition

LISTED_FIELDS: Final = 6
SEARCHED: Final = (models.CharField, models.TextField)
FILTERED: Final = (models.BooleanField, models.DateField)
# Where an admin keeps the resolver of its pages, which goes with it.
RESOLVER: Final = "_dynamo_resolver"
TOO_WIDE: Final = (models.TextField, models.JSONField, models.BinaryField)


class GeneratedAdmin(VersionedForms):
    """The default admin of a generated model, derived from its fields."""

    def __init__(self, model: type[Any], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        fields = [f for f in model._meta.fields if not f.primary_key]
        shown = [f.name for f in fields if not isinstance(f, TOO_WIDE)]
        listed = [n for n in shown if n != model.dynamo_display]
        self.list_display = ("__str__", *listed[:LISTED_FIELDS])
        own: Any = self
        own.ordering = model._meta.ordering or ("pk",)
        own.list_filter = tuple(f.name for f in fields if f.choices or isinstance(f, FILTERED))
        own.search_fields = tuple(f.name for f in fields if isinstance(f, SEARCHED) and not f.choices)
        own.list_select_related = tuple(f.name for f in fields if f.is_relation)

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Relations whose target can be searched, by those who may see it; a list has all its rows."""
        opts = self.model._meta
        relations = (f for f in (*opts.fields, *opts.many_to_many) if f.is_relation)
        return tuple(f.name for f in relations if self._can_be_searched(f.related_model, request))

    def _can_be_searched(self, target: Any, request: HttpRequest) -> bool:
        admin = self.admin_site._registry.get(target)
        return (
            admin is not None
            and bool(admin.get_search_fields(request))
            and bool(admin.has_view_permission(request))
        )


class LazyAdmins(dict[Any, Any]):
    """A site's registered admins; those of generated models are made on asking and not listed."""

    def __init__(self, site: AdminSite, entries: dict[Any, Any]) -> None:
        super().__init__(entries)
        self.site = site
        self.made: dict[str, tuple[int, Any]] = {}

    def __missing__(self, model: Any) -> Any:
        schema = shown(model)
        if schema is None:
            raise KeyError(model)
        version, admin = self.made.get(schema.id, (0, None))
        if admin is None or version != schema.version or admin.model is not model:
            admin = admin_class(schema)(model, self.site)
            self.made[schema.id] = (schema.version, admin)
        return admin

    def kind(self, model: Any) -> type[Any]:
        """The class of a model's admin, which is not made for that."""
        registered, schema = super().get(model), shown(model)
        return type(registered) if schema is None or registered is not None else admin_class(schema)

    def __contains__(self, model: object) -> bool:
        return super().__contains__(model) or shown(model) is not None

    def get(self, model: Any, default: Any = None) -> Any:
        try:
            return self[model]
        except KeyError:
            return default


class GeneratedResolver(URLResolver):
    """The URLs of a site's generated models, looked up when asked for; it lists none."""

    def __init__(self, site: AdminSite) -> None:
        super().__init__(RoutePattern(""), ())
        self.site: Any = site
        self.stock = StockPages(site)

    @property
    def url_patterns(self) -> list[Any]:
        return []

    def resolve(self, path: str) -> ResolverMatch:
        label, _, rest = str(path).partition("/")
        name, slash, _ = rest.partition("/")
        if rest == "" and registry.has_pages(label):
            view = self.site.admin_view(self.site.app_index)
            found = {"app_label": label}
            return ResolverMatch(
                view, (), found, "app_list", route=f"{label}/", captured_kwargs=found, extra_kwargs={}
            )
        model = listed(label, name) if slash else None
        if model is None:
            raise Resolver404({"path": path, "tried": []})
        kind = self.site._registry.kind(model)
        match = None if has_others(kind) else self.stock.resolve(model, kind, rest.partition("/")[2])
        match = match or self.of(model).resolve(str(path))
        match.route = f"{route_of(model)}{match.route}"
        return match

    def address(self, model: Any, view: str, *args: Any, **kwargs: Any) -> str:
        """The address of a model's page below the admin site, or NoReverseMatch."""
        route = route_of(model)
        if has_others(self.site._registry.kind(model)):
            resolver: Any = self.of(model)
            found: str = resolver._reverse_with_prefix(view, f"{BEFORE}{route}", *args, **kwargs)
            return found.removeprefix(BEFORE)
        return f"{route}{self.stock.reverse(view.removeprefix(name_of(model, '')), *args, **kwargs)}"

    def of(self, model: Any) -> URLResolver:
        """The resolver of one model's pages."""
        admin = self.site.get_model_admin(model)
        route = route_of(model)
        found: URLResolver | None = vars(admin).get(RESOLVER)
        if found is None or str(found.pattern) != route:
            # It gathers the names of its pages when first asked for one, which takes longer than the rest.
            found = vars(admin)[RESOLVER] = URLResolver(RoutePattern(route), admin.urls)
        return found


class NamedResolver:
    """A namespace's resolver that also knows the names of generated models' pages."""

    def __init__(self, known: Any, ns_pattern: str, converters: Any, generated: GeneratedResolver) -> None:
        self.known = known
        self.ns_pattern = ns_pattern
        self.converters = dict(converters)
        self.generated = generated

    def __getattr__(self, name: str) -> Any:
        return getattr(self.known, name)

    def _reverse_with_prefix(self, view: Any, prefix: str, *args: Any, **kwargs: Any) -> str:
        if view == "app_list":
            (label,) = (*args, *kwargs.values())[:1] or ("",)
            if registry.has_pages(str(label)):
                return self._app_list(prefix, label)
        for model in named(view):
            try:
                if self.converters:
                    around = self._around(self.generated.of(model))
                    return str(around._reverse_with_prefix(view, prefix, *args, **kwargs))
                return f"{self._index(prefix)}{self.generated.address(model, view, *args, **kwargs)}"
            except NoReverseMatch:
                continue
        return str(self.known._reverse_with_prefix(view, prefix, *args, **kwargs))

    def _app_list(self, prefix: str, label: str) -> str:
        return f"{self._index(prefix)}{label}/"

    def _index(self, prefix: str) -> str:
        # Encoded already: what is found below it must not be encoded together with it.
        return str(self.known._reverse_with_prefix("index", prefix))

    def _around(self, resolver: URLResolver) -> Any:
        """The site's own place in the project's URLs takes arguments, such as a tenant's name."""
        pattern = RegexPattern(self.ns_pattern)
        pattern.converters = self.converters
        return URLResolver(RegexPattern(r"^/"), [URLResolver(pattern, [resolver])])


def install() -> None:
    """Put the three replacements in place, once per process."""
    if not hasattr(AdminSite.get_urls, "dynamo"):
        AdminSite.get_urls = _wrapped(AdminSite.get_urls, _get_urls)  # type: ignore[method-assign]
        AdminSite.get_app_list = _wrapped(AdminSite.get_app_list, app_list)  # type: ignore[method-assign]
        urls: Any = base
        urls.get_ns_resolver = _wrapped(urls.get_ns_resolver, _get_ns_resolver)
    for site in list(all_sites):
        attach(site)


def attach(site: AdminSite) -> None:
    if not isinstance(site._registry, LazyAdmins):
        site._registry = LazyAdmins(site, site._registry)


def project(transition: Transition) -> None:
    """Drop the admins of models that changed; they are made anew when next asked for."""
    for site in list(all_sites):
        made: dict[str, Any] = getattr(site._registry, "made", {})
        for model_id in transition.changes:
            made.pop(model_id, None)


def register_admin(label: str) -> Callable[[type[ModelAdmin[Any]]], type[ModelAdmin[Any]]]:
    """Class decorator: use this ModelAdmin for the generated model "app.Name"."""

    def register(cls: type[ModelAdmin[Any]]) -> type[ModelAdmin[Any]]:
        own_admins[label.lower()] = versioned(cls)
        for site in list(all_sites):
            getattr(site._registry, "made", {}).clear()
        return cls

    return register


def admin_class(schema: ModelSchema) -> type[ModelAdmin[Any]]:
    return own_admins.get(schema.label.lower(), GeneratedAdmin)


def shown(model: object) -> ModelSchema | None:
    """The schema of a live generated class that has admin pages."""
    schema = registry.schema(getattr(model, "dynamo_id", ""))
    return schema if schema is not None and schema.admin and not schema.retired else None


def listed(label: str, model_name: str) -> Any:
    schema = registry.schema_of(label, model_name)
    if schema is None or not schema.admin or schema.key[1] != model_name:
        return None
    return registry.model_class(schema.id)


def named(view: Any) -> Iterator[Any]:
    """The generated models whose pages a URL name such as shop_book_changelist may mean."""
    if not isinstance(view, str):
        return
    parts = view.split("_")
    for start in range(len(parts) - 1, 0, -1):
        label = "_".join(parts[:start])
        for end in range(len(parts) - 1, start, -1):
            model = listed(label, "_".join(parts[start:end]))
            if model is not None:
                yield model


def _wrapped(original: Any, replacement: Any) -> Any:
    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    marked: Any = call
    marked.dynamo = True
    marked.cache_clear = getattr(original, "cache_clear", None)
    return marked


def _get_urls(original: Any, site: AdminSite) -> list[Any]:
    attach(site)
    urls: list[Any] = original(site)
    before_catch_all = len(urls) - 1 if site.final_catch_all_view else len(urls)
    urls.insert(before_catch_all, GeneratedResolver(site))
    return urls


def _get_ns_resolver(original: Any, ns_pattern: str, resolver: Any, converters: Any) -> Any:
    found = original(ns_pattern, resolver, converters)
    for pattern in resolver.url_patterns:
        if isinstance(pattern, GeneratedResolver):
            return NamedResolver(found, ns_pattern, converters, pattern)
    return found
