"""Comparing two moments: in words, as JSON, and as the statements that lead from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo import api, differences, documents, moments, scripts, wording
from dynamo.differences import Difference
from dynamo.pages import access
from dynamo.pages.access import reader
from dynamo.pages.planning import Refusal, text
from dynamo.pages.reading import page
from events import timeline
from events.exceptions import DynamoError
from events.schema import Schema
from events.timeline import Wanted
from projections import conf

GROUPS: Final = {
    differences.ADDED: gettext_lazy("Added"),
    differences.REMOVED: gettext_lazy("Removed"),
    differences.RENAMED: gettext_lazy("Renamed"),
    differences.CHANGED: gettext_lazy("Changed"),
    differences.MOVED: gettext_lazy("Moved"),
}
MEANING, JSON, SQL = "meaning", "json", "sql"
TABS: Final = {MEANING: gettext_lazy("Meaning"), JSON: gettext_lazy("JSON"), SQL: gettext_lazy("SQL")}
# How many of the newest events the pickers offer.
OFFERED: Final = 50


@reader
@transaction.non_atomic_requests
def compare(request: HttpRequest) -> HttpResponse:
    """What separates two moments, given as positions, times or tags."""
    given = {name: request.GET.get(name, "").strip() for name in ("a", "b")}
    show = request.GET.get("show", "")
    context: dict[str, Any] = {"title": _("Compare"), **given, "show": show if show in TABS else MEANING}
    if given["a"]:
        try:
            before, after = moments.schema(given["a"]), moments.schema(given["b"] or None)
            context |= _compared(before, after, context["show"])
            if context["show"] == SQL:
                context |= _statements(request, before, after.position)
        except DynamoError as error:
            context["error"] = str(error)
        if "tabs" in context:
            context["address"] = request.build_absolute_uri(context["tabs"][context["show"]][1])
    context["offered"] = list(_offered())
    return page(request, "dynamo/compare.html", context)


def _compared(before: Schema, after: Schema, show: str) -> dict[str, Any]:
    a, b = before.position, after.position
    tabs = {name: (text, _address(a, b, name)) for name, text in TABS.items()}
    context = {"before": str(a), "after": str(b), "tabs": tabs, "steps": _steps(a, b, show)}
    if show == SQL:
        return context
    found = differences.diff(before, after)
    if show == JSON:
        return {**context, "json": documents.encode({"differences": [d.as_dict() for d in found]}).decode()}
    return {**context, "found": bool(found), "groups": _grouped(found)}


def _statements(request: HttpRequest, before: Schema, upto: int) -> dict[str, Any]:
    """What leads from one to the other. Going back is a rollback, which only starts from now."""
    if before.position <= upto:
        return {"passages": list(scripts.script(before, upto))}
    now = moments.position(None)
    if before.position != now:
        return {"goes_back": True, "from_now": _address(now, upto, SQL)}
    if not request.user.has_perm(access.ROLL_BACK):
        return {"goes_back": True}
    try:
        plan = api.plan(partial(api.rollback, upto))
    except Refusal as error:
        return {"goes_back": True, "error": text(error)}
    return {"goes_back": True, "back": plan.sql.get(plan.vendor, [])}


def _grouped(found: list[Difference]) -> list[tuple[str, Any, list[Difference]]]:
    return [(kind, text, [one for one in found if one.kind == kind]) for kind, text in GROUPS.items()]


def _steps(a: int, b: int, show: str) -> list[tuple[str, str, list[str]]]:
    """Each side: its name, where it is, and the addresses with the change set before and after it."""
    near = timeline.neighbours(conf.database(), {a, b})
    return [
        (_("From"), str(a), ["" if at is None else _address(at, b, show) for at in near[a]]),
        (_("To"), str(b), ["" if at is None else _address(a, at, show) for at in near[b]]),
    ]


def _address(a: int, b: int, show: str) -> str:
    """One that means the same later too, when the end of the log is somewhere else."""
    return "?" + urlencode({"a": a, "b": b, "show": show})


def _offered() -> Iterator[tuple[str, str]]:
    """Moments to pick from, each with what it is: tags, and the newest change sets."""
    yield from ((name, str(position)) for name, position in moments.tags().items())
    newest = timeline.page(conf.database(), Wanted(), OFFERED).events
    for _batch, together in groupby(newest, key=lambda recorded: recorded.batch_id):
        last = next(together)
        yield str(last.position), f"{last.recorded_at[:16]} {wording.told_briefly(last)}"
