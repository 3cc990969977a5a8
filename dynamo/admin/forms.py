"""Forms of the meta rows: the values for existing rows, and refusals that arise only on saving."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from dynamo import intent
from dynamo.handling import ON_ERROR
from dynamo.models import MetaField, MetaModel
from events.exceptions import DynamoError
from projections import fields


class Refusable:
    """Mixin for forms: `refusal` is why saving this very form was refused a moment ago."""

    refusal: ClassVar[ValidationError | DynamoError | None] = None

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        for name, messages in errors_of(self.refusal, self.fields).items():  # type: ignore[attr-defined]
            self.add_error(None if name == NON_FIELD_ERRORS else name, messages)  # type: ignore[attr-defined]
        return cleaned


def errors_of(refusal: ValidationError | DynamoError | None, known: Any) -> dict[str, list[str]]:
    """The refusal's messages by form field; what the form does not have goes above it."""
    if refusal is None:
        return {}
    if not isinstance(refusal, ValidationError) or not hasattr(refusal, "error_dict"):
        messages = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
        return {NON_FIELD_ERRORS: messages}
    out: dict[str, list[str]] = {}
    for name, messages in refusal.message_dict.items():
        out.setdefault(name if name in known else NON_FIELD_ERRORS, []).extend(messages)
    return out


class ModelForm(Refusable, forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    class Meta:
        model = MetaModel
        fields = intent.MODEL_ATTRIBUTES


class JSONField(forms.JSONField):
    """Shows lone surrogates escaped, as JSON can; a page with one in it could not be sent."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError("The value is nested too deeply.") from None

    def prepare_value(self, value: Any) -> str:
        return str(super().prepare_value(value)).encode("utf-8", "backslashreplace").decode()


class FieldForm(Refusable, forms.ModelForm):  # type: ignore[type-arg]
    """With the values that existing rows need; they are said once and not stored."""

    order = forms.IntegerField(required=False, min_value=0, help_text="Empty for the last place.")
    type = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(fields.field_types())])
    choices = JSONField(required=False, help_text="List of [value, label] pairs.")
    default = JSONField(required=False, help_text="JSON value; empty for none.")
    options = JSONField(required=False, help_text='Such as {"max_length": 100}.')
    backfill = JSONField(required=False, help_text="JSON value for existing rows that have none.")
    on_error = forms.ChoiceField(
        choices=[(name, name) for name in ON_ERROR],
        required=False,
        initial="fail",
        help_text="What becomes of values that do not convert to a new type.",
    )
    error_value = JSONField(required=False, help_text='JSON value for on_error "value".')

    class Meta:
        model = MetaField
        fields = ("meta_model", *intent.FIELD_ATTRIBUTES)

    def clean_order(self) -> int:
        order = self.cleaned_data.get("order")
        if order is not None:
            return int(order)
        return self.instance.order if not self.instance._state.adding else intent.NEXT_FREE

    def clean_choices(self) -> Any:
        return self.cleaned_data.get("choices") or []

    def clean_options(self) -> Any:
        return self.cleaned_data.get("options") or {}

    def said(self) -> dict[str, Any]:
        """What the form says about existing rows, as arguments of `MetaField.save`."""
        values = {name: self.cleaned_data.get(name) for name in ("backfill", "error_value")}
        return {**values, "on_error": self.cleaned_data.get("on_error") or "fail"}

    def save(self, commit: bool = True) -> MetaField:
        row: MetaField = super().save(commit=False)
        if commit:
            row.save(**self.said())
        return row
