"""A page that reads, the schema as it was; and how all pages are rendered."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from dynamo import moments
from dynamo.pages import access
from dynamo.pages.access import reader
from events.exceptions import DynamoError
from projections.stream.channels import FOLLOW

PAGES: Final = (
    (access.VIEW_HISTORY, "history"),
    (FOLLOW, "live"),
    (access.ROLL_BACK, "revert"),
    (access.PURGE, "retired"),
    (access.RESTORE, "retired"),
)


def entry(request: HttpRequest) -> HttpResponse:
    """The first of Dynamo's pages that its visitor may see; who may see none is asked to log in."""
    for permission, name in PAGES:
        if request.user.has_perm(permission):
            return redirect(f"dynamo:{name}")
    return redirect("dynamo:history")


@reader
def as_of(request: HttpRequest) -> HttpResponse:
    """The whole schema as it was at a moment."""
    at = request.GET.get("at", "").strip()
    context: dict[str, Any] = {"title": _("Schema as of"), "at": at}
    try:
        found = moments.schema(at or None)
    except DynamoError as error:
        context["error"] = str(error)
    else:
        context["position"] = found.position
        context["models"] = sorted(found.live(), key=lambda model: model.label)
    return page(request, "dynamo/as_of.html", context)


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page of the admin; what only some may do is linked for those only."""
    may = {
        "may_view_history": request.user.has_perm(access.VIEW_HISTORY),
        "may_roll_back": request.user.has_perm(access.ROLL_BACK),
        "may_purge": request.user.has_perm(access.PURGE),
        "may_restore": request.user.has_perm(access.RESTORE),
    }
    return render(request, template, {**admin.site.each_context(request), **may, **context})
