"""Form fields for JSON values, and for the options of all field types at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from events.schema import freeze, same
from projections import fields
from projections.options import CHOICE, FLAG, NUMBER, OBJECT, Option

# Text that begins so was meant as JSON, and is wrong if it is none.
STRUCTURED: Final = ("[", "{", '"')
UNSET: Final = ("", "---------")


class JSONField(forms.JSONField):
    """Takes text without quotes for text. Shows lone surrogates escaped: a page with one could not be sent.

    `nothing` is the value of an empty box.
    """

    def __init__(self, *, nothing: Any = None, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea({"rows": 1}), **kwargs)
        self.nothing = nothing

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return self.nothing if found is None else found

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(_("The value is nested too deeply.")) from None
        except ValidationError:
            if isinstance(value, str) and not value.strip().startswith(STRUCTURED):
                return value.strip()
            raise

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compared as the log does, in which `1` is not `true`."""
        try:
            found = self.to_python(data)
        except ValidationError:
            return True
        was, becomes = (self.nothing if value is None else value for value in (initial, found))
        return not same(freeze(was), freeze(becomes))

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, InvalidJSONInput):
            text = str(value)
        elif value is None or value == self.nothing:
            text = ""
        else:
            plain = isinstance(value, str) and not self._reads_otherwise(value)
            text = str(value if plain else super().prepare_value(value))
        return text.encode("utf-8", "backslashreplace").decode()

    def _reads_otherwise(self, text: str) -> bool:
        try:
            return bool(self.to_python(text) != text)
        except ValidationError:
            return True


def every_option() -> dict[str, Option]:
    """What may be asked for of any type, by name; where types differ, with the choices of all."""
    found: dict[str, Option] = {}
    for row in fields.field_types().values():
        for name, option in row.all_options.items():
            known = found.get(name, option)
            choices = tuple(dict.fromkeys((*known.choices, *option.choices)))
            found[name] = Option(kind=option.kind, check=option.check, choices=choices)
    return found


class OptionsWidget(forms.Widget):
    """An input for each option of any type; programs may send all of them as one JSON text instead."""

    template_name = "dynamo/widgets/options.html"
    use_fieldset = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if name in data:
            return data[name]
        return {option: text for option in every_option() if (text := data.get(f"{name}-{option}"))}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False

    def get_context(self, name: str, value: Any, attrs: Mapping[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, dict(attrs or {}))
        context["options"] = list(_inputs(name, _as_mapping(value), f"id_{name}"))
        return context

    def data_of(self, name: str, value: Mapping[str, Any]) -> dict[str, str]:
        """What a browser would send for these options."""
        return {f"{name}-{option}": _typed(one) for option, one in value.items()}

    def id_for_label(self, id_: str | None) -> str:
        # A group of inputs has no single one that a label could be for.
        return ""


def _inputs(name: str, value: Mapping[str, Any], prefix: str) -> Iterator[dict[str, Any]]:
    for option, row in every_option().items():
        widget, key = _widget(row), f"{prefix}-{option}"
        shown = widget.render(f"{name}-{option}", _typed(value.get(option, "")), {"id": key})
        yield {"name": option, "id": key, "input": shown}


def _widget(option: Option) -> forms.Widget:
    if option.kind == FLAG:
        return forms.Select(choices=[UNSET, ("true", _("yes")), ("false", _("no"))])
    if option.kind == CHOICE:
        return forms.Select(choices=[UNSET, *((name, name) for name in option.choices)])
    return forms.NumberInput() if option.kind == NUMBER else forms.TextInput()


def _typed(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = {}
    return value if isinstance(value, Mapping) else {}


class OptionsField(forms.Field):
    widget = OptionsWidget
    default_error_messages = {"number": gettext_lazy("%(option)s must be a whole number.")}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            known = every_option()
            return {name: self._read(name, known[name].kind, text) for name, text in value.items()}
        return JSONField(nothing={}).clean(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True

    def _read(self, name: str, kind: str, text: str) -> Any:
        if kind == FLAG:
            return text == "true"
        if kind == OBJECT:
            return JSONField(nothing={}).clean(text)
        if kind != NUMBER:
            return text
        try:
            return int(text)
        except ValueError:
            message = self.error_messages["number"]
            raise ValidationError(message, params={"option": name}, code="number") from None
