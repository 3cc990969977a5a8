"""What was retired: the list of it, bringing a model back, and dropping for good."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from dynamo import api, context, plans, record, tombstones
from dynamo import retired as put_aside
from dynamo.models import MetaModel
from dynamo.pages import access
from dynamo.pages.planning import Refusal, confirm, planned, text
from dynamo.pages.reading import page
from dynamo.tombstones import Tombstone
from projections.registry import registry

SAID: Final = ("id", "name", "on_error")


@access.changer(access.PURGE, access.RESTORE)
def retired(request: HttpRequest) -> HttpResponse:
    """GET lists what was retired; POST drops one of these for good."""
    shown: dict[str, Any] = {"title": _("Retired models and fields")}
    if request.method == "POST":
        typed, reason = request.POST.get("confirmation", "").strip(), context.given(request.POST)
        try:
            what = purge_retired(request.user, request.POST.get("id", ""), typed, reason)
        except Refusal as error:
            shown["error"] = text(error)
        else:
            messages.success(request, _("Dropped for good: %(what)s.") % {"what": what})
            return HttpResponseRedirect(reverse("dynamo:retired"))
    shown["tombstones"] = [(one, _restored_on(one)) for one in tombstones.tombstones()]
    return page(request, "dynamo/retired.html", shown)


@access.changer(access.RESTORE)
def restore(request: HttpRequest) -> HttpResponse:
    """GET shows what bringing a model back would do; POST does just that."""
    given = {name: (request.POST or request.GET).get(name, "").strip() for name in SAID}
    shown: dict[str, Any] = {"title": _("Restore"), **given}
    try:
        found = _model(given["id"])
    except ValidationError as error:
        return page(request, "dynamo/restore.html", {**shown, "error": text(error)})
    shown |= {"tombstone": found, "word": found.label}
    said = {"what": found.id, "name": given["name"], "on_error": given["on_error"] or "fail"}
    try:
        if request.method == "POST" and (request.POST.get("token") or "").strip():
            return _restored(request, said, found.label)
    except Refusal as error:
        shown["error"] = text(error)
    try:
        plan = api.plan(partial(api.restore, **said))
        access.require_for(request.user, plan)
        shown |= planned(plan)
    except Refusal as error:
        shown.setdefault("error", text(error))
    return page(request, "dynamo/restore.html", shown)


def purge_retired(user: Any, what: str, typed: str, reason: str | None = None) -> str:
    """Drop what has that id, if its name was typed; returns the name."""
    access.require(user, access.PURGE)
    found = _found(what)
    if typed != found.label:
        raise ValidationError(_("Type %(word)s to drop it for good.") % {"word": found.label})
    with api.batch(reason=reason or "purge"):
        put_aside.purge(found.id)
    return found.label


def restore_model(
    user: Any, said: dict[str, Any], token: str, typed: str, word: str, reason: str | None = None
) -> MetaModel:
    """Bring a model back as planned; where values would be lost, only if the word was typed."""
    access.require(user, access.RESTORE)
    wish = partial(api.restore, **said)
    plan = api.plan(wish)
    access.require_for(user, plan)
    confirm(plan, typed, word)
    with record.change_set(reason=reason or "restore") as work:
        started = work.mark
        row: MetaModel = wish()
        plans.hold_to(token, work, started)
    return row


def _restored(request: HttpRequest, said: dict[str, Any], word: str) -> HttpResponse:
    typed = request.POST.get("confirmation", "").strip()
    token, reason = request.POST["token"], context.given(request.POST)
    row = restore_model(request.user, said, token, typed, word, reason)
    messages.success(request, _("The model %(model)s is back, with its rows.") % {"model": row})
    return HttpResponseRedirect(reverse("admin:dynamo_metamodel_change", args=[row.pk]))


def _restored_on(one: Tombstone) -> str:
    """The page that brings a field back; "" while its model is retired."""
    model = registry.schema(one.model_id)
    if one.kind == "model" or model is None or model.retired:
        return ""
    return f"{reverse('admin:dynamo_metamodel_change', args=[model.id])}#retired"


def _found(what: str) -> Tombstone:
    found = tombstones.tombstone(what)
    if found is None:
        raise ValidationError(_("That is not there any more."))
    return found


def _model(what: str) -> Tombstone:
    found = _found(what)
    if found.kind != "model":
        raise ValidationError(_("A field is restored on the page of its model."))
    return found
