"""The page that reverts to an earlier moment: it shows its plan first."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import orjson
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from dynamo import api, context, moments
from dynamo.pages import access
from dynamo.pages.planning import Refusal, confirm, planned, text
from dynamo.pages.reading import page
from events.types import Recorded

SAID: Final = ("to", "model", "backfill", "on_error", "purged")


@access.changer(access.ROLL_BACK)
def revert(request: HttpRequest) -> HttpResponse:
    """GET shows what a rollback would do; POST does just that."""
    given = {name: (request.POST or request.GET).get(name, "").strip() for name in SAID}
    shown: dict[str, Any] = {"title": _("Revert"), **given, "word": given["model"] or given["to"]}
    if not given["to"]:
        return page(request, "dynamo/revert.html", shown)
    try:
        said = _said(given)
        if request.method == "POST" and (request.POST.get("token") or "").strip():
            return _reverted(request, said, shown["word"])
    except Refusal as error:
        shown["error"] = text(error)
    try:
        shown |= planned(api.plan(partial(api.rollback, **_said(given))))
    except Refusal as error:
        shown.setdefault("error", text(error))
    return page(request, "dynamo/revert.html", shown)


def revert_schema(
    user: Any, said: dict[str, Any], token: str, typed: str, word: str, reason: str | None = None
) -> tuple[Recorded, ...]:
    """Roll back as planned; where values would be lost, only if the word was typed."""
    access.require(user, access.ROLL_BACK)
    confirm(api.plan(partial(api.rollback, **said)), typed, word)
    with api.batch(reason=reason or "revert"):
        return api.rollback(**said, expected=token)


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


def _reverted(request: HttpRequest, said: dict[str, Any], word: str) -> HttpResponse:
    typed = request.POST.get("confirmation", "").strip()
    token, reason = request.POST["token"], context.given(request.POST)
    recorded = revert_schema(request.user, said, token, typed, word, reason)
    if recorded:
        place = recorded[-1].position
        messages.success(request, _("Reverted, up to position %(position)s.") % {"position": place})
    else:
        messages.info(request, _("There was nothing to revert."))
    seen = request.user.has_perm(access.VIEW_HISTORY)
    return HttpResponseRedirect(reverse("dynamo:history" if seen else "dynamo:revert"))
