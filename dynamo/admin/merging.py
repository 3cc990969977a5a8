"""A posted form laid over the present: others keep what only they changed, what both changed is asked.

`base` is a hidden input with the row as it was when the form was loaded, `seen` has what the others had made
of each conflict that was shown, and `take-<attribute>` which of the two a person chose then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _

from dynamo.admin.inputs import OptionsWidget
from events.schema import freeze, same

BASE, SEEN, TAKE = "base", "seen", "take"
THEIRS, YOURS = "theirs", "yours"
# A button whose value is the prefix of the row that is to be as it was.
UNDO: Final = "_undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One attribute that two people changed: as it was, as it is, and as the form has it."""

    attribute: str
    name: str
    base: str
    theirs: str
    yours: str


class Merged(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """A form of a meta row that may have become stale. Forms without a base are taken as they are."""

    conflicts: dict[str, Conflict]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflicts = {}
        if self.is_bound:
            # Before anybody asks what the form changes.
            self._lay_over_present()

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.conflicts:
            self.add_error(name, _("Someone else changed this meanwhile: choose which one is meant."))

    def carried(self) -> Mapping[str, str]:
        """The hidden inputs: the base of the next POST, which is the present except for conflicts."""
        base, seen = dict(self.present()), {}
        if not base:
            return {}
        for name in self.conflicts:
            seen[name] = base[name]
            base[name] = self._posted_mapping(BASE)[name]
        return {self.add_prefix(BASE): _text(base), self.add_prefix(SEEN): _text(seen)}

    def present(self) -> dict[str, Any]:
        """The row's attributes as they are; none of a row that is new."""
        if self.instance._state.adding:
            return {}
        return {name: self.initial[name] for name in self.instance.ATTRIBUTES if name in self.initial}

    @property
    def touched(self) -> bool:
        """Whether the form has something else than what it was loaded with, as far as that is said."""
        base = self._posted_mapping(BASE)
        return not base or any(self._changed(name, base[name]) for name in base if name in self.fields)

    def _lay_over_present(self) -> None:
        if self.prefix and (self._is_left_out() or self.data.get(UNDO) == self.prefix):
            self._be_as_it_is()
            return
        base, seen = self._posted_mapping(BASE), self._posted_mapping(SEEN)
        for name, theirs in self.present().items():
            if name not in base or name not in self.fields or _same(base[name], theirs):
                continue
            taken = self.data.get(self.add_prefix(f"{TAKE}-{name}"))
            answered = taken in (THEIRS, YOURS) and name in seen and _same(seen[name], theirs)
            if taken == THEIRS if answered else not self._changed(name, base[name]):
                self._write(name, theirs)
            elif not answered and self._changed(name, theirs):
                self.conflicts[name] = self._conflict(name, base[name], theirs)

    def _changed(self, name: str, since: Any) -> bool:
        field: Any = self.fields[name]
        return bool(field.has_changed(since, self._posted(name)))

    def _posted(self, name: str) -> Any:
        return self.fields[name].widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def _posted_mapping(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self.data.get(self.add_prefix(name)) or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _conflict(self, name: str, base: Any, theirs: Any) -> Conflict:
        label = self.fields[name].label or name.replace("_", " ")
        texts = (shown(one) for one in (base, theirs, self._posted(name)))
        return Conflict(attribute=name, name=str(label), **dict(zip(SIDES, texts, strict=True)))

    def _is_left_out(self) -> bool:
        """A row of which nothing was sent is as it is: pages leave out what nobody touched."""
        return bool(self.present()) and not any(self.add_prefix(name) in self.data for name in ("name", BASE))

    def _be_as_it_is(self) -> None:
        posted: Any = self.data
        kept = {
            k: v
            for k, v in posted.items()
            if k == self.add_prefix("id") or not k.startswith(f"{self.prefix}-")
        }
        self.data = {**kept, **self._typed(self.present())}

    def _write(self, name: str, value: Any) -> None:
        """Have it as if that had been typed."""
        posted: Any = self.data
        key = self.add_prefix(name)
        kept = {k: v for k, v in posted.items() if k != key and not k.startswith(f"{key}-")}
        self.data = {**kept, **self._typed({name: value})}

    def _typed(self, values: Mapping[str, Any]) -> dict[str, str]:
        """What a browser would send for these values."""
        out: dict[str, str] = {}
        for name in (name for name in values if name in self.fields):
            key, value, field = self.add_prefix(name), values[name], self.fields[name]
            if isinstance(field.widget, OptionsWidget):
                out |= field.widget.data_of(key, value)
            elif not isinstance(field.widget, forms.CheckboxInput):
                out[key] = str(field.prepare_value(value))
            elif value:
                out[key] = "on"
        return out


SIDES: Final = ("base", "theirs", "yours")


def _same(one: Any, other: Any) -> bool:
    return same(freeze(one), freeze(other))


def shown(value: Any) -> str:
    if value in (None, "", {}, []):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
