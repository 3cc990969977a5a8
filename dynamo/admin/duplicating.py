"""The page that asks for the name of a copy, and makes it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from dynamo.admin.change_sets import WholeChangeSet
from dynamo.admin.outcome import by_attribute, known_to
from dynamo.duplicating import duplicate
from dynamo.models import MetaModel
from dynamo.pages import access
from events.exceptions import DynamoError

NEEDED = ("dynamo.add_metamodel", "dynamo.add_metafield")


class NameForm(forms.Form):
    name = forms.CharField(max_length=50, label=gettext_lazy("Name of the new model"))


class ModelDuplicating(WholeChangeSet):
    """A model's page with one question, for who may add models."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.duplicate_view)
        own = path("<path:object_id>/duplicate/", view, name="dynamo_metamodel_duplicate")
        return [own, *super().get_urls()]

    @method_decorator(require_http_methods(["GET", "POST"]))
    @method_decorator(transaction.non_atomic_requests)
    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        access.require(request.user, *NEEDED)
        model = self.get_object(request, object_id)
        if model is None:
            raise Http404
        form = NameForm(request.POST or None, initial={"name": f"{model.name}Copy"})
        made = _made(request.user, model, form) if form.is_valid() else None
        if made is None:
            title = _("Duplicate %(model)s") % {"model": model}
            context = {
                **self.admin_site.each_context(request),
                "title": title,
                "form": form,
                "original": model,
            }
            return render(request, "admin/dynamo/metamodel/duplicate.html", {**context, "opts": self.opts})
        text = _("The model %(made)s has the fields of %(model)s, and no rows.") % {
            "made": made,
            "model": model,
        }
        messages.success(request, text)
        return redirect(
            reverse("admin:dynamo_metamodel_change", args=[made.pk], current_app=self.admin_site.name)
        )


def duplicate_model(user: Any, model: MetaModel, name: str) -> MetaModel:
    """As `duplicate`, for who may add models and fields."""
    access.require(user, *NEEDED)
    return duplicate(model, name)


def _made(user: Any, model: MetaModel, form: NameForm) -> MetaModel | None:
    """The copy; None where it is refused, which the form says then."""
    try:
        return duplicate_model(user, model, form.cleaned_data["name"])
    except (ValidationError, DynamoError) as refusal:
        for name, texts in known_to(form.fields, by_attribute(refusal)).items():
            form.add_error(None if name == NON_FIELD_ERRORS else name, texts)
    return None
