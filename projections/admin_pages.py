"""The pages that every ModelAdmin has, found for any generated model by patterns that are compiled once.

Django compiles the patterns of each admin anew, and needs the admin for it, which is made anew when its model
changes. What differs from model to model is only its name in the address and in the names of the pages.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.contrib.admin.sites import AdminSite
from django.urls import URLResolver
from django.urls.resolvers import ResolverMatch, RoutePattern

from events.models import Head

# What stands before a page's own part of an address while that is looked up; two slashes at the start of an
# address would be encoded.
BEFORE: Final = "/-/"


class Page:
    """A view of a model's admin, which is made when the page is shown."""

    __name__: str

    def __init__(self, site: AdminSite, model: Any, view: Any) -> None:
        self.site = site
        self.model = model
        update_wrapper(self, view)

    @property
    def model_admin(self) -> Any:
        return self.site.get_model_admin(self.model)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.site.admin_view(getattr(self.model_admin, self.__name__))(*args, **kwargs)


class StockPages:
    """The pages of `ModelAdmin.get_urls`, on one site, for admins that have no others."""

    def __init__(self, site: AdminSite) -> None:
        self.site = site
        # Any model is as good as another: none of its pages is shown.
        self.pages: Any = URLResolver(RoutePattern(""), ModelAdmin(Head, site).get_urls())
        self.prefix = name_of(Head, "")

    def resolve(self, model: Any, kind: type, rest: str) -> ResolverMatch | None:
        """The page at the rest of an address; None for one that only an admin can make, as the redirect."""
        match: ResolverMatch = self.pages.resolve(rest)
        if match.url_name is None:
            return None
        match.func = Page(self.site, model, getattr(kind, match.func.__name__))
        match.url_name = name_of(model, match.url_name.removeprefix(self.prefix))
        return match

    def reverse(self, page: str, *args: Any, **kwargs: Any) -> str:
        """The rest of an address, or NoReverseMatch."""
        found: str = self.pages._reverse_with_prefix(f"{self.prefix}{page}", BEFORE, *args, **kwargs)
        return found.removeprefix(BEFORE)


def has_others(kind: Any) -> bool:
    """Whether a ModelAdmin has pages of its own."""
    return kind.get_urls is not ModelAdmin.get_urls or kind.urls is not ModelAdmin.urls


def name_of(model: Any, page: str) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_{page}"


def route_of(model: Any) -> str:
    return f"{model._meta.app_label}/{model._meta.model_name}/"
