"""Fields for PostgreSQL's own types. Imported only where one is used: Django's need the driver.

Each is Django's field, and reads its values from JSON too: `from_json` raises ValidationError for others.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.postgres import fields as postgres
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from events.schema import freeze
from projections import fields

BOUNDS = ("[)", "(]", "()", "[]")


class TextListField(forms.JSONField):
    """Texts are edited as a JSON list: a comma may be part of one, so it cannot stand between them."""

    def __init__(self, *, base_field: forms.Field, max_length: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.base_field = base_field

    def clean(self, value: Any) -> list[Any]:
        found = super().clean(value)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise ValidationError(_('Enter a list of texts, such as ["one", "two"].'))
        return [self.base_field.clean(item) for item in found]


class ArrayField(postgres.ArrayField):  # type: ignore[type-arg]  # generic only in the stubs
    def from_json(self, raw: Any) -> list[Any]:
        if not isinstance(raw, list | tuple):
            raise ValidationError(_("%(raw)r is not a list") % {"raw": raw})
        found = [fields.parse(self.base_field, freeze(item)) for item in raw]
        self.run_validators(found)
        return found

    def formfield(self, **kwargs: Any) -> Any:
        if self.base_field.empty_strings_allowed:
            kwargs.setdefault("form_class", TextListField)
        return super().formfield(**kwargs)


class HStoreField(postgres.HStoreField):
    def from_json(self, raw: Any) -> dict[str, str | None]:
        if not isinstance(raw, dict):
            raise ValidationError(_("%(raw)r is not an object") % {"raw": raw})
        for value in raw.values():
            if not isinstance(value, str | None):
                raise ValidationError(_("%(value)r is neither a text nor null") % {"value": value})
        return dict(raw)


class RangeMixin:
    """Reads `[low, high]`, `{"lower": .., "upper": .., "bounds": "[)"}` or `{"empty": true}`.

    The value is the one that the database would give back: whole numbers and dates have the bounds "[)".
    """

    base_field: Any
    range_type: Any

    def from_json(self, raw: Any) -> Any:
        given = {"lower": raw[0], "upper": raw[1]} if _is_pair(raw) else raw
        if (
            not isinstance(given, dict)
            or not given
            or not given.keys() <= {"lower", "upper", "bounds", "empty"}
        ):
            raise ValidationError(
                _('%(raw)r is neither [low, high] nor {"lower": .., "upper": ..}') % {"raw": raw}
            )
        if given.get("empty") is True and len(given) == 1:
            return self.range_type(empty=True)
        bounds = given.get("bounds", "[)")
        if bounds not in BOUNDS or "empty" in given:
            raise ValidationError(
                _("%(bounds)r are no bounds; there are %(names)s")
                % {"bounds": bounds, "names": ", ".join(BOUNDS)}
            )
        return self._canonical(self._end(given.get("lower")), self._end(given.get("upper")), *bounds)

    def _end(self, raw: Any) -> Any:
        return None if raw is None else fields.parse(self.base_field, freeze(raw))

    def _canonical(self, lower: Any, upper: Any, opening: str, closing: str) -> Any:
        if lower is not None and upper is not None and lower > upper:
            raise ValidationError(_("%(lower)s is above %(upper)s") % {"lower": lower, "upper": upper})
        step = _step(lower if lower is not None else upper)
        if step is not None:
            lower = lower + step if lower is not None and opening == "(" else lower
            upper = upper + step if upper is not None and closing == "]" else upper
            opening, closing = "[", ")"
            self._check_limits(lower, upper)
        opening, closing = "(" if lower is None else opening, ")" if upper is None else closing
        if (
            lower is not None
            and upper is not None
            and (lower > upper or lower == upper)
            and opening + closing != "[]"
        ):
            return self.range_type(empty=True)
        return self.range_type(lower, upper, opening + closing)

    def _check_limits(self, *ends: Any) -> None:
        """The step past an inclusive end may lead out of the type."""
        for end in ends:
            if end is not None:
                fields.parse(self.base_field, end.isoformat() if isinstance(end, date) else end)


class IntegerRangeField(RangeMixin, postgres.IntegerRangeField):
    pass


class BigIntegerRangeField(RangeMixin, postgres.BigIntegerRangeField):
    pass


class DecimalRangeField(RangeMixin, postgres.DecimalRangeField):
    pass


class DateRangeField(RangeMixin, postgres.DateRangeField):
    pass


class DateTimeRangeField(RangeMixin, postgres.DateTimeRangeField):
    pass


def _is_pair(raw: Any) -> bool:
    return isinstance(raw, list | tuple) and len(raw) == 2


def _step(end: Any) -> Any:
    """From one value to the next, for types that have a next one."""
    if isinstance(end, int):
        return 1
    return timedelta(days=1) if isinstance(end, date) and not isinstance(end, datetime) else None
