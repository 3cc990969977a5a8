"""Forms of rows that were opened before the fields of their model changed.

What a browser sends has the names that fields had when the form was made. After a rename Django would find
nothing for the new name and empty that field, and drop what was typed under the old one. So each form has the
version of its model in its address, and the rows of an inline have it beside their number. What comes with a
former one is given to the fields that it was meant for, and shown again instead of saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.core.exceptions import ValidationError
from django.forms import HiddenInput, IntegerField
from django.http import HttpRequest
from django.utils.functional import cached_property

from projections.admin_names import PresentNames
from projections.stale_forms import VERSION, Stale, brought_up, version

# Where a request keeps what came of its form.
STALE: Final = "_dynamo_stale"


class AsItIs:
    """A form that shows what the row has where nobody said anything of a field."""

    stale: Stale
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.stale.untold & self.fields.keys():
            self.fields[name].bound_data = _initial


class Again(AsItIs):
    """A form that is shown again, whatever was typed. Mixed into the form of a stale request."""

    add_error: Callable[..., None]

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]  # that of the form
        self.add_error(None, self.stale.text)
        return cleaned


class VersionedRows:
    """Rows of an inline or of a list, all shown again if they are stale. Mixed into their formset."""

    model: Any
    form: Any
    stale: Stale | None = None

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        rows = kwargs.get("prefix") or self.get_default_prefix()  # type: ignore[attr-defined]
        name = f"{rows}-{VERSION}"
        if data and name in data:
            data, self.stale = brought_up(data, data[name], self.model, rows)
            data = data.copy()
            data[name] = str(version(self.model))
        if self.stale is not None:
            self.form = _mixed(AsItIs, self.form, self.stale)
        super().__init__(data, *args, **kwargs)  # type: ignore[call-arg]  # that of the formset

    @cached_property
    def management_form(self) -> Any:
        form: Any = super().management_form  # type: ignore[misc]  # that of the formset
        form.fields[VERSION] = IntegerField(widget=HiddenInput, required=False)
        form.initial[VERSION] = version(self.model)
        return form

    def clean(self) -> None:
        super().clean()  # type: ignore[misc]  # that of the formset
        if self.stale is not None:
            raise ValidationError(self.stale.text)


class VersionedForms(ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """An admin whose forms, and inlines, say which version of a generated model they were made of.

    Admins of generated models have it. A hand-written model's admin with inlines of generated models takes it
    as its base.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and _generated(self.model):
            sent: Any
            sent, stale = brought_up(request.POST, request.GET.get(VERSION, ""), self.model)
            if stale is not None:
                request.POST = sent
                setattr(request, STALE, stale)
        return super().changeform_view(request, *args, **kwargs)

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if _generated(self.model) and not form_url:
            query = request.GET.copy()
            query[VERSION] = str(version(self.model))
            form_url = f"?{query.urlencode()}"
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        stale = getattr(request, STALE, None)
        return form if stale is None else _mixed(Again, form, stale)

    def get_formsets_with_inlines(self, request: HttpRequest, obj: Any = None) -> Iterator[Any]:
        for formset, inline in super().get_formsets_with_inlines(request, obj):
            kind: Any = formset
            yield (_with_versions(kind) if _generated(kind.model) else kind), inline

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        kind: Any = super().get_changelist_formset(request, **kwargs)
        return _with_versions(kind) if _generated(self.model) else kind


def versioned(kind: type[ModelAdmin[Any]]) -> type[ModelAdmin[Any]]:
    """A project's own admin, whose forms say it too, and which does without names that are gone."""
    mixins = tuple(base for base in (VersionedForms, PresentNames) if not issubclass(kind, base))
    body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (*mixins, kind), body)


def _generated(model: Any) -> bool:
    return bool(getattr(model, "dynamo_id", ""))


def _with_versions(formset: Any) -> Any:
    return type(formset.__name__, (VersionedRows, formset), {})


def _mixed(mixin: type, form: Any, stale: Stale) -> Any:
    return type(form)(form.__name__, (mixin, form), {"stale": stale})


def _initial(data: Any, initial: Any) -> Any:
    return initial
