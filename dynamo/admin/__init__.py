"""The admin of the two meta models: the list of models with their editor, and the list of all fields.

`VersionedForms` is the base for a project's own admins with inlines of generated models.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from dynamo.admin.duplicating import ModelDuplicating
from dynamo.admin.editor import ModelEditor
from dynamo.admin.listing import LIST_STYLE, ModelListing
from dynamo.admin.retiring import Retiring
from dynamo.models import MetaField, MetaModel
from projections.admin_forms import VersionedForms

__all__ = ["MetaFieldAdmin", "MetaModelAdmin", "VersionedForms"]


@admin.register(MetaModel)
class MetaModelAdmin(ModelListing, ModelDuplicating, ModelEditor, Retiring):
    """The list of models, the editor of each, making another like it, and retiring some."""

    apart = frozenset(ModelListing.actions)


@admin.register(MetaField)
class MetaFieldAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """A list to find fields in. They are changed in one place, which shows the plan: their model's page."""

    actions = None
    list_display = ("name", "meta_model", "type", "related_model", "required", "unique")
    list_filter = ("type", "meta_model__app")
    search_fields = ("name", "meta_model__name")
    list_select_related = ("meta_model",)

    class Media:
        css: ClassVar = LIST_STYLE

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        field = None if object_id is None else self.get_object(request, unquote(object_id))
        if field is None or not self.has_view_permission(request, field):
            # Django says why that cannot be.
            return super().changeform_view(request, object_id, *args, **kwargs)
        editor = reverse(
            "admin:dynamo_metamodel_change", args=[field.meta_model_id], current_app=self.admin_site.name
        )
        return HttpResponseRedirect(f"{editor}#field-{field.pk}")
