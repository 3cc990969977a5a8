"""Forms of the meta rows: the values for existing rows, and refusals that arise only on saving."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.translation import gettext_lazy as _

from dynamo import intent
from dynamo.admin import type_picker
from dynamo.admin.badges import Badge, badges
from dynamo.admin.inputs import JSONField, OptionsField
from dynamo.admin.merging import Merged
from dynamo.admin.outcome import MODEL, Outcome, known_to
from dynamo.handling import ON_ERROR
from dynamo.models import MetaField, MetaModel
from dynamo.retired import ON_ERROR as ON_LOST
from dynamo.retired import restore
from events.schema import FieldSchema
from projections import fields
from projections.registry import registry

# What is said about existing rows, once: it is not stored.
SAID: Final = ("backfill", "on_error", "error_value")
# What a row of the editor shows under "More".
FOLDED: Final = frozenset(
    {"verbose_name", "default", "choices", "unique_together", "help", "description", "options"}
)
ON_ERROR_LABELS: Final = {
    "fail": _("Refuse the change"),
    "null": _("Leave these rows without a value"),
    "value": _("Put another value there"),
    "keep": _("Start empty, and keep the old values aside"),
}


class Planned(forms.BaseForm):
    """Mixin: `outcome` is what planning this very form came to; a form that has one is only shown."""

    outcome: Outcome | None = None

    def is_valid(self) -> bool:
        return super().is_valid() and self.outcome is None

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.outcome is not None:
            found = known_to(self.fields, self.outcome.errors.get(self.prefix or MODEL, {}))
            for name, messages in found.items():
                for message in messages:
                    if not self.has_error(name) or message not in self.errors[name]:
                        self.add_error(None if name == NON_FIELD_ERRORS else name, message)

    @property
    def asked(self) -> set[str]:
        """What existing rows need to be told, and what the form has told them already."""
        asks = set() if self.outcome is None else set(self.outcome.asks.get(self.prefix or MODEL, ()))
        told = {name for name in SAID if name in self.fields and self[name].value() not in (None, "", "fail")}
        return asks | told

    def questions(self) -> Iterator[Any]:
        """The inputs that ask for it."""
        asked = self.asked
        for name in SAID:
            wanted = name in asked or (name == "error_value" and "on_error" in asked)
            if wanted and name in self.fields:
                yield self[name]


class ModelForm(Planned, Merged):
    options = JSONField(
        nothing={},
        label=_("Options"),
        help_text=_("JSON, such as {%s}; also verbose_name_plural, ordering and display.")
        % '"verbose_name": "book"',
    )

    class Meta:
        model = MetaModel
        fields = intent.MODEL_ATTRIBUTES
        widgets = {"description": forms.Textarea({"rows": 2})}


class FieldForm(Planned, Merged):
    """A field's attributes, with the values that existing rows need."""

    order = forms.IntegerField(
        required=False, min_value=0, label=_("Order"), help_text=_("Empty for the last place.")
    )
    type = forms.ChoiceField(label=_("Type"))
    choices = JSONField(
        nothing=[],
        label=_("Choices"),
        help_text=_("Separated by commas, or a JSON list of [value, label] pairs."),
    )
    default = JSONField(
        label=_("Default"), help_text=_("Empty for none. A number that is meant as text needs quotes.")
    )
    options = OptionsField(required=False, label=_("Options"))
    backfill = JSONField(label=_("Value for existing rows"), help_text=_("What rows get that have no value."))
    on_error = forms.ChoiceField(
        choices=[(name, ON_ERROR_LABELS[name]) for name in ON_ERROR],
        required=False,
        label=_("Values that do not convert"),
        help_text=_("What becomes of values that do not convert to a new type."),
    )
    error_value = JSONField(label=_("Value instead"), help_text=_("Used with “Put another value there”."))

    # Whether somebody retired the field after this form was loaded.
    gone = False

    class Meta:
        model = MetaField
        fields = intent.FIELD_ATTRIBUTES
        widgets = {name: forms.Textarea({"rows": 1}) for name in ("help", "description")}

    def __init__(self, *args: Any, outcome: Outcome | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcome = outcome or self.outcome
        picker: Any = self.fields["type"]
        picker.choices = type_picker.choices(self.stored)
        if self.is_new:
            # A blank row must be blank, and the number that stands for the last place says nothing.
            self.initial["order"] = None

    @property
    def stored(self) -> FieldSchema | None:
        """The field as it is; None for a new one."""
        model = registry.schema(str(self.instance.meta_model_id))
        return None if model is None else model.field(str(self.instance.pk))

    @property
    def is_new(self) -> bool:
        return bool(self.instance._state.adding)

    @property
    def is_stored(self) -> bool:
        """Whether the row says what the field is, and need not be sent."""
        return not self.is_new and not (self.is_bound and self.has_changed())

    @property
    def badges(self) -> list[Badge]:
        return list(badges(self))

    @property
    def opened(self) -> bool:
        """Whether something in the folded part has to be seen."""
        return any(name in FOLDED for name in self.errors)

    def has_changed(self) -> bool:
        return not self.gone and super().has_changed()

    def clean_order(self) -> int:
        order = self.cleaned_data.get("order")
        if order is not None:
            return int(order)
        return intent.NEXT_FREE if self.is_new else int(self.instance.order)

    def clean(self) -> Any:
        cleaned = super().clean()
        row = fields.field_type(self.cleaned_data.get("type"))
        as_one = self.add_prefix("options") in self.data
        if row is not None and "options" in self.cleaned_data and not as_one:
            # Without JavaScript the inputs of all types are there, also those of the former one.
            given = self.cleaned_data["options"]
            self.cleaned_data["options"] = {name: given[name] for name in given if name in row.all_options}
        return cleaned

    def said(self) -> dict[str, Any]:
        """What the form says about existing rows, as arguments of `MetaField.save`."""
        given = {name: self.cleaned_data.get(name) for name in SAID}
        on_error = given["on_error"] or "fail"
        # Its input is there whatever was chosen.
        error_value = given["error_value"] if on_error == "value" else None
        return {**given, "on_error": on_error, "error_value": error_value}

    def save(self, commit: bool = True) -> MetaField:
        row: MetaField = super().save(commit=False)
        if commit:
            row.save(**self.said())
        return row


class RestoreForm(Planned, forms.Form):
    """A retired field of the model, to be had back with its values."""

    restore = forms.BooleanField(required=False, label=_("Restore"))
    name = forms.CharField(required=False, label=_("Under the name"), max_length=59)
    backfill = JSONField(label=_("Value for existing rows"), help_text=_("What rows get that have no value."))
    on_error = forms.ChoiceField(
        choices=[(name, ON_ERROR_LABELS[name]) for name in ON_LOST],
        required=False,
        label=_("References to rows that are gone"),
    )

    def __init__(self, *args: Any, field: FieldSchema, outcome: Outcome | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prefix = f"restore-{field.id}"
        self.outcome = outcome
        self.field = field
        self.initial["name"] = field.name

    @property
    def wanted(self) -> bool:
        return self.is_bound and bool(self.cleaned_data.get("restore"))

    def save(self) -> MetaField:
        name = self.cleaned_data["name"]
        row: MetaField = restore(
            self.field.id,
            name="" if name == self.field.name else name,
            backfill=self.cleaned_data["backfill"],
            on_error=self.cleaned_data["on_error"] or "fail",
        )
        return row
