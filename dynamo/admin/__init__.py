"""The admin of the two meta models: one POST is one change set, and a refusal lands on the form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from dynamo.admin.change_sets import RowAdmin
from dynamo.admin.editor import ModelEditor
from dynamo.admin.forms import FieldForm
from dynamo.admin.listing import ModelListing
from dynamo.models import MetaField, MetaModel


@admin.register(MetaModel)
class MetaModelAdmin(ModelListing, ModelEditor):
    """The list of models, and the editor of each."""


@admin.register(MetaField)
class MetaFieldAdmin(RowAdmin):
    form = FieldForm
    list_display = ("name", "meta_model", "type", "related_model", "required", "unique")
    list_filter = ("type", "meta_model")
    search_fields = ("name", "meta_model__name")
    list_select_related = ("meta_model",)

    def save_model(self, request: HttpRequest, obj: MetaField, form: Any, change: bool) -> None:
        obj.save(**form.said())
