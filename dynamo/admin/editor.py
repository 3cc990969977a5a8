"""The model editor: a model and its fields on one page, its plan, and doing what was planned."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

import orjson
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dynamo.admin import type_picker
from dynamo.admin.change_sets import OUTCOME, WholeChangeSet, as_one_change
from dynamo.admin.editing import REVIEW, ROWS, SHOW, Editing, may_apply, mistyped, token
from dynamo.admin.forms import FieldForm, ModelForm
from dynamo.admin.formsets import FieldFormSet
from dynamo.admin.merging import UNDO
from dynamo.admin.outcome import Landed, Outcome, Refusal
from dynamo.models import MetaField, MetaModel
from projections.registry import registry

FEW_ROWS = 3
MOST_ROWS = 1000
MOST_REFERRING = 20


class FieldInline(admin.StackedInline):  # type: ignore[type-arg]  # generic only in the stubs
    model = MetaField
    form = FieldForm
    formset = FieldFormSet
    template = "admin/dynamo/metamodel/fields.html"

    @property
    def media(self) -> forms.Media:
        """Nothing of Django's own inlines: the editor's module does the rows."""
        return forms.Media()

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 1 if obj else FEW_ROWS


class ModelEditor(WholeChangeSet):
    """Every POST is planned before anything is done, and what is done is held to that plan."""

    form = ModelForm
    inlines = (FieldInline,)
    change_form_template = "admin/dynamo/metamodel/change_form.html"

    def get_urls(self) -> list[Any]:
        name = "dynamo_metamodel_plan"
        view = self.admin_site.admin_view(self.plan_view)
        own = [path("add/plan/", view, name=f"{name}_new"), path("<path:object_id>/plan/", view, name=name)]
        return [*own, *super().get_urls()]

    @method_decorator(require_POST)
    @method_decorator(transaction.non_atomic_requests)
    def plan_view(self, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        """What the posted form would do, as a piece of the page."""
        editing = self._editing(request, object_id)
        if editing is None:
            raise PermissionDenied
        outcome = editing.planned()
        editing.tell(outcome)
        context = {**self._review(outcome, editing), "live": True}
        return render(request, "dynamo/plan.html", context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        view = partial(super().changeform_view, request, object_id, *args, **kwargs)
        editing = self._editing(request, object_id) if request.method == "POST" else None
        if editing is None:
            # Also what may not be changed, or is not there any more: Django says so.
            return view()
        if ROWS in request.POST or UNDO in request.POST:
            return self._shown(request, view, Outcome())
        outcome = editing.planned()
        if outcome.plan is None or not may_apply(request.POST, outcome.plan, editing.word):
            outcome.mistyped = mistyped(request.POST)
            return self._shown(request, view, outcome)
        refused = partial(self._refused, request, view, editing)
        return as_one_change(request, view, refused, token(request.POST) or outcome.plan.token)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """Django's own asks whether it was perhaps deleted."""
        schema = registry.schema(unquote(object_id))
        if schema is None or not schema.retired:
            django: Any = super()
            return django._get_obj_does_not_exist_redirect(request, opts, object_id)
        text = _("The model %(model)s was retired, nothing of this was saved. It is listed below the others.")
        messages.warning(request, text % {"model": schema.label})
        page = reverse("admin:dynamo_metamodel_changelist", current_app=self.admin_site.name)
        return HttpResponseRedirect(page)

    def _refused(self, request: HttpRequest, view: Any, editing: Editing, refusal: Refusal | Landed) -> Any:
        """What changed between planning and doing: the plan is made anew, and the reason is told."""
        outcome = editing.planned()
        if outcome.plan is not None and outcome.plan.ok and not outcome.plan:
            # It was done already, as by a button that was pressed twice.
            return self._shown(request, view, outcome)
        about = refusal.prefix if isinstance(refusal, Landed) else ""
        told = refusal.refusal if isinstance(refusal, Landed) else refusal
        outcome.refuse(told, editing.formset.prefixes(), about)
        return self._shown(request, view, outcome)

    def _shown(self, request: HttpRequest, view: Any, outcome: Outcome) -> Any:
        setattr(request, OUTCOME, outcome)
        return view()

    def _editing(self, request: HttpRequest, object_id: str | None) -> Editing | None:
        """The posted forms; None where Django's view has to say why that cannot be."""
        obj = None if object_id is None else self.get_object(request, unquote(object_id))
        adds = object_id is None
        may = self.has_add_permission(request) if adds else self.has_change_permission(request, obj)
        if not may or (obj is None and not adds):
            return None
        form_class = self.get_form(request, obj, change=not adds)
        form = form_class(request.POST, request.FILES, instance=obj)
        django: Any = self
        (formset,), _inlines = django._create_formsets(request, form.instance, change=not adds)
        return Editing(form=form, formset=formset, user=request.user, word="" if adds else str(obj))

    def get_formset_kwargs(self, request: HttpRequest, obj: Any, inline: Any, prefix: str) -> dict[str, Any]:
        outcome: Outcome | None = getattr(request, OUTCOME, None)
        found: dict[str, Any] = super().get_formset_kwargs(request, obj, inline, prefix)
        if ROWS in request.POST and outcome is not None:
            found["data"] = _with_more_rows(found["data"], prefix)
        return {**found, "form_kwargs": {"outcome": outcome}}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        outcome: Outcome | None = getattr(request, OUTCOME, None)
        form, formset = context["adminform"].form, context["inline_admin_formsets"][0].formset
        word = str(context["original"] or "")
        editing = Editing(form=form, formset=formset, user=request.user, word=word)
        return super().render_change_form(
            request, {**context, **self._page(request, editing, outcome)}, *args, **kwargs
        )

    def _page(self, request: HttpRequest, editing: Editing, outcome: Outcome | None) -> dict[str, Any]:
        key = editing.form.instance.pk
        adds = editing.form.instance._state.adding
        address = "admin:dynamo_metamodel_plan_new" if adds else "admin:dynamo_metamodel_plan"
        return {
            **self._review(outcome, editing),
            "types": type_picker.described(),
            "buttons": {"show": SHOW, "review": REVIEW, "rows": ROWS},
            "plan_url": reverse(address, args=[] if adds else [key], current_app=self.admin_site.name),
        }

    def _review(self, outcome: Outcome | None, editing: Editing) -> dict[str, Any]:
        """What the piece of the page with the plan needs."""
        plan = None if outcome is None else outcome.plan
        bound = editing.form.is_bound and outcome is not None
        return {
            "outcome": outcome,
            "plan": plan,
            "problems": list(editing.problems()) if bound else [],
            "asking": [form for form in editing.rows() if list(form.questions())] if bound else [],
            "rows": editing.rows() if bound else [],
            "confirmed": editing.word,
            "document": orjson.dumps(plan.as_dict(), option=orjson.OPT_INDENT_2).decode() if plan else "",
            "referring": _referring(editing.form.instance) if plan else [],
            "statements": plan.sql.get(plan.vendor, []) if plan else [],
        }


def _referring(row: MetaModel) -> list[str]:
    """Some of the other models that refer to this one: their forms and queries see what changes here."""
    others = (key for key in registry.referrers(str(row.pk)) if key != str(row.pk))
    found = (registry.schema(key) for key in islice(others, MOST_REFERRING))
    return [schema.label for schema in found if schema is not None]


def _with_more_rows(data: Any, prefix: str) -> Any:
    """Room for more fields, for those who have no JavaScript."""
    name = f"{prefix}-TOTAL_FORMS"
    given = data.get(name, "")
    known = int(given) if given.isascii() and given.isdecimal() and len(given) < 5 else 0
    data[name] = str(min(known + FEW_ROWS, MOST_ROWS))
    return data
