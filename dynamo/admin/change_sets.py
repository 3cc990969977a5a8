"""A request of the admin as one change set, held to the plan that a person saw."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from dynamo import context, plans, retired
from dynamo.admin.outcome import Landed, Refusal
from dynamo.models import MetaModel
from dynamo.record import change_set, flush_open
from events.exceptions import DynamoError

# Where a request keeps what its form came to, and the promise that its change set is held to.
OUTCOME: Final = "_dynamo_outcome"
HELD: Final = "_dynamo_held"

REFUSALS: Final = (ValidationError, DynamoError, Landed)


class WholeChangeSet(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """A request that changes something is one change set, or nothing of it.

    The change set is opened before Django's own `atomic()`, so that tables can be altered on every
    database. Actions named in `apart` are none.
    """

    apart: frozenset[str] = frozenset()

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().delete_view, request, *args, **kwargs)
        return as_one_change(request, view, partial(_told, request))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().changelist_view, request, *args, **kwargs)
        asked = request.POST.getlist("action")
        # Retiring asks first, and what it asks about is planned.
        asks = "delete_selected" in asked and "post" not in request.POST
        if not asks and not self.apart.issuperset(asked):
            return as_one_change(request, view, partial(_told, request))
        try:
            return view()
        except (ValidationError, DynamoError) as error:
            return _told(request, error)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form class, with what the posted form came to."""
        form = super().get_form(request, *args, **kwargs)
        outcome = getattr(request, OUTCOME, None)
        return form if outcome is None else type(form.__name__, (form,), {"outcome": outcome})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        added = [] if change else [form.instance]
        for row in (*added, *(row for formset in formsets for row in formset.new_objects)):
            _offer_restoring(request, row)
        held: Callable[[], None] | None = getattr(request, HELD, None)
        if held is not None:
            held()
        # Tables change here and not at the end of the request, so that no success is announced before.
        flush_open()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        flush_open()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        flush_open()


def as_one_change(
    request: HttpRequest, view: Callable[[], Any], refused: Callable[[Any], Any], token: str | None = None
) -> Any:
    """Run a view that changes something, held to the plan of that token if there is one."""
    if request.method != "POST":
        return view()
    try:
        with change_set(reason=context.given(request.POST)) as work:
            setattr(request, HELD, partial(plans.hold_to, token, work, work.mark))
            return view()
    except REFUSALS as error:
        setattr(request, HELD, None)
        return refused(error)


def _offer_restoring(request: HttpRequest, row: Any) -> None:
    """A name that was used before: a new row has nothing of what the former one holds."""
    # One that comes back in this very form is retired until the form is done.
    if retired.namesake(row) in {"", str(row.pk)}:
        return
    if isinstance(row, MetaModel):
        way = _("retire this one and restore it on the page “Retired models and fields”")
    else:
        way = _("retire this one on the page of its model and restore it below, under “Retired fields”")
    text = _(
        "There was a %(name)s before, and its values are kept. This one is new and empty. To have the former "
        "one back instead, %(way)s."
    )
    messages.warning(request, text % {"name": row, "way": way})


def _told(request: HttpRequest, error: Refusal) -> HttpResponseRedirect:
    """Pages without a form to show a refusal on: it becomes a message."""
    text = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    messages.error(request, _("Not done: %(reason)s") % {"reason": text})
    return HttpResponseRedirect(request.get_full_path())
