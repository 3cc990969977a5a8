"""The pages of one generated model, at whose names Django would look for each model anew."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from django.contrib.admin import ModelAdmin, site
from django.contrib.admin.models import LogEntry
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RoutePattern

Shape: TypeAlias = list[tuple[str, str]]

# For which addresses of pages are worked out; not "/" alone, after which Django would escape a second slash.
PREFIX: Final = "/-/"


class Beginning(RoutePattern):
    """How the addresses of a model's pages begin; Django would compile a regular expression for each."""

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        beginning = str(self)
        return (path.removeprefix(beginning), (), {}) if path.startswith(beginning) else None


class Pages(URLResolver):
    """A resolver of what an admin has as its pages.

    A resolver gathers the names of its pages when it is first asked for one, which takes longer than all the
    rest. Most admins have the same pages, whose names differ by the model's: those are gathered once.
    """

    def __init__(self, admin: ModelAdmin[Any]) -> None:
        opts = admin.opts
        self.names = f"{opts.app_label}_{opts.model_name}_"
        super().__init__(Beginning(f"{opts.app_label}/{opts.model_name}/"), admin.urls)

    def _reverse_with_prefix(self, view: Any, prefix: str, *args: Any, **kwargs: Any) -> str:
        known: Any = common()
        if shape(self.url_patterns, self.names) == shape(known.url_patterns):
            page = view.removeprefix(self.names)
            # Django compiles a regular expression for each prefix.
            found = str(known._reverse_with_prefix(page, PREFIX, *args, **kwargs))
            return prefix + found.removeprefix(PREFIX)
        return str(super()._reverse_with_prefix(view, prefix, *args, **kwargs))  # type: ignore[misc]


@lru_cache(maxsize=1)
def common() -> URLResolver:
    """The pages that Django gives every model, by names without that model's."""
    patterns = ModelAdmin(LogEntry, site).get_urls()
    renamed = [(p, (p.name or "").removeprefix("admin_logentry_")) for p in patterns]
    return URLResolver(
        RoutePattern(""), [URLPattern(p.pattern, p.callback, name=name) for p, name in renamed]
    )


def shape(patterns: Iterable[Any], names: str = "") -> Shape:
    """The addresses of pages and their names, without the model's."""
    return [(str(p.pattern), (getattr(p, "name", None) or "").removeprefix(names)) for p in patterns]
