"""The admin of the two meta models: one POST is one change set, and a refusal lands on the form."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from dynamo import retired
from dynamo.admin.forms import FieldForm, ModelForm
from dynamo.models import MetaField, MetaModel
from dynamo.record import change_set, flush_open
from events.exceptions import DynamoError

Refusal: TypeAlias = ValidationError | DynamoError

# Where a request keeps why the change that it asked for was refused.
REFUSAL: Final = "_dynamo_refusal"


class WholeChangeSet(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """A request that changes something is one change set, or nothing of it.

    The change set is opened before Django's own `atomic()`, so that tables can be altered on every
    database. A refusal runs the view once more without saving, to show the form with the reason.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().changeform_view, request, *args, **kwargs)
        return _as_one_change(request, view, partial(self._shown_again, request, view))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().delete_view, request, *args, **kwargs)
        return _as_one_change(request, view, partial(_told, request))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        view = partial(super().changelist_view, request, *args, **kwargs)
        return _as_one_change(request, view, partial(_told, request))

    def _shown_again(self, request: HttpRequest, view: Callable[[], Any], error: Refusal) -> Any:
        setattr(request, REFUSAL, error)
        return view()

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form class, with the reason why the change that it asked for was refused."""
        form = super().get_form(request, *args, **kwargs)
        refusal = getattr(request, REFUSAL, None)
        return form if refusal is None else type(form.__name__, (form,), {"refusal": refusal})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        added = [] if change else [form.instance]
        for row in (*added, *(row for formset in formsets for row in formset.new_objects)):
            _offer_restoring(request, row)
        # Tables change here and not at the end of the request, so that no success is announced before.
        flush_open()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        flush_open()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        flush_open()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What deleting does here: rows of the registry are retired one by one, nothing cascades."""
        plural, single = self.model._meta.verbose_name_plural, self.model._meta.verbose_name
        missing = set() if self.has_delete_permission(request) else {single}
        names = [str(obj) for obj in objs]
        return names, {plural: len(names)}, missing, []


def _offer_restoring(request: HttpRequest, row: Any) -> None:
    """A name that was used before: a new row has nothing of what the former one holds."""
    former = retired.namesake(row)
    if former:
        messages.warning(
            request,
            _(
                "%(name)s was retired before, and its values are kept. This one is new and empty. To have "
                "the former one back instead, retire this one and run: manage.py dynamo restore %(id)s"
            )
            % {"name": row, "id": former},
        )


def _as_one_change(request: HttpRequest, view: Callable[[], Any], refused: Callable[[Refusal], Any]) -> Any:
    if request.method != "POST":
        return view()
    try:
        with change_set():
            return view()
    except (ValidationError, DynamoError) as error:
        return refused(error)


def _told(request: HttpRequest, error: Refusal) -> HttpResponseRedirect:
    """Pages without a form to show a refusal on: it becomes a message."""
    text = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    messages.error(request, text)
    return HttpResponseRedirect(request.get_full_path())


class MetaFieldInline(admin.StackedInline):  # type: ignore[type-arg]
    model = MetaField
    form = FieldForm
    extra = 0


@admin.register(MetaModel)
class MetaModelAdmin(WholeChangeSet):
    form = ModelForm
    inlines = (MetaFieldInline,)
    list_display = ("__str__", "version", "admin", "description")
    list_filter = ("app", "admin")
    search_fields = ("name", "fields__name")


@admin.register(MetaField)
class MetaFieldAdmin(WholeChangeSet):
    form = FieldForm
    list_display = ("name", "meta_model", "type", "related_model", "required", "unique")
    list_filter = ("type", "meta_model")
    search_fields = ("name", "meta_model__name")
    list_select_related = ("meta_model",)

    def save_model(self, request: HttpRequest, obj: MetaField, form: Any, change: bool) -> None:
        obj.save(**form.said())
