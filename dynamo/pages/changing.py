"""Pages that change: revert to an earlier moment, and purge what was retired. Each shows its plan first."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import orjson
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo import api, moments, retired, tombstones
from dynamo.pages import access
from dynamo.pages.reading import page
from dynamo.plans import Plan, Risk
from events.exceptions import DynamoError, SchemaConflict
from events.types import Recorded

Refusal = (ValidationError, DynamoError)
# What becomes of values, in the order in which a person wants to know it.
LISTS: Final = {
    "returns": gettext_lazy("Comes back with its values"),
    "empty": gettext_lazy("Comes back empty, as its values were purged"),
    "retired": gettext_lazy("Goes away, and is kept"),
    "dropped": gettext_lazy("Is dropped for good"),
    "kept": gettext_lazy("Changes, and keeps its values"),
}
SAID: Final = ("to", "model", "backfill", "on_error", "purged")


@access.changer(access.ROLL_BACK)
def revert(request: HttpRequest) -> HttpResponse:
    """GET shows what a rollback would do; POST does just that."""
    given = {name: (request.POST or request.GET).get(name, "").strip() for name in SAID}
    context: dict[str, Any] = {"title": _("Revert"), **given, "word": given["model"] or given["to"]}
    if not given["to"]:
        return page(request, "dynamo/revert.html", context)
    try:
        said = _said(given)
        if request.method == "POST" and (request.POST.get("token") or "").strip():
            typed = request.POST.get("confirmation", "").strip()
            return _reverted(
                request, revert_schema(request.user, said, request.POST["token"], typed, context["word"])
            )
    except SchemaConflict as error:
        context["error"] = str(error)
    except Refusal as error:
        context["error"] = _text(error)
    try:
        context |= _shown(api.plan(partial(api.rollback, **_said(given))))
    except Refusal as error:
        context.setdefault("error", _text(error))
    return page(request, "dynamo/revert.html", context)


@access.changer(access.PURGE)
def purge(request: HttpRequest) -> HttpResponse:
    """GET lists what was retired; POST drops one of these for good."""
    context: dict[str, Any] = {"title": _("Retired models and fields")}
    if request.method == "POST":
        try:
            what = purge_retired(
                request.user, request.POST.get("id", ""), request.POST.get("confirmation", "").strip()
            )
        except Refusal as error:
            context["error"] = _text(error)
        else:
            messages.success(request, _("Dropped for good: %(what)s.") % {"what": what})
            return HttpResponseRedirect(reverse("dynamo:purge"))
    context["tombstones"] = tombstones.tombstones()
    return page(request, "dynamo/purge.html", context)


def revert_schema(user: Any, said: dict[str, Any], token: str, typed: str, word: str) -> tuple[Recorded, ...]:
    """Roll back as planned; where values would be lost, only if the word was typed."""
    access.require(user, access.ROLL_BACK)
    if api.plan(partial(api.rollback, **said)).risk is Risk.DESTRUCTIVE and typed != word:
        raise ValidationError(_("Values would be lost: type %(word)s to confirm.") % {"word": word})
    with api.batch(reason="revert"):
        return api.rollback(**said, expected=token)


def purge_retired(user: Any, what: str, typed: str) -> str:
    """Drop what has that id, if its name was typed; returns the name."""
    access.require(user, access.PURGE)
    found = tombstones.tombstone(what)
    if found is None:
        raise ValidationError(_("That is not there any more."))
    if typed != found.label:
        raise ValidationError(_("Type %(word)s to drop it for good.") % {"word": found.label})
    retired.purge(found.id)
    return found.label


def _said(given: dict[str, str]) -> dict[str, Any]:
    """The form's texts as arguments of `rollback`."""
    try:
        backfill = orjson.loads(given["backfill"]) if given["backfill"] else {}
    except ValueError:
        backfill = None
    if not isinstance(backfill, dict):
        raise ValidationError(_('Values for rows are a JSON object, as {"app.Model.field": value}.'))
    return {
        "to": moments.position(given["to"]),
        "model": given["model"] or None,
        "backfill": backfill,
        "on_error": given["on_error"] or "fail",
        "purged": given["purged"] or "fail",
    }


def _shown(plan: Plan) -> dict[str, Any]:
    operations = [o for o in plan.operations if not o.type.startswith("registry.")]
    return {
        "plan": plan,
        "lists": [(fate, text, [o for o in operations if o.fate == fate]) for fate, text in LISTS.items()],
        "kept_until": retired.kept_until(datetime.now(UTC)),
        "statements": plan.sql.get(plan.vendor, []),
        "typed": plan.risk is Risk.DESTRUCTIVE,
    }


def _reverted(request: HttpRequest, recorded: tuple[Recorded, ...]) -> HttpResponse:
    if recorded:
        place = recorded[-1].position
        messages.success(request, _("Reverted, up to position %(position)s.") % {"position": place})
    else:
        messages.info(request, _("There was nothing to revert."))
    return HttpResponseRedirect(reverse("dynamo:history"))


def _text(error: Exception) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
