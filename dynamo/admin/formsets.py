"""The rows of a model's fields: retired, changed, restored and added, so that names come free in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import count
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext as _

from dynamo.admin.forms import FieldForm, RestoreForm
from dynamo.admin.outcome import Outcome, landing
from events.schema import FieldSchema, ModelSchema
from projections.registry import registry

# So that a name has room for what sets it apart.
LONGEST: Final = 50


class FieldFormSet(BaseInlineFormSet):  # type: ignore[type-arg]  # generic only in the stubs
    """All fields of a model, with those that were retired in `restores`."""

    # What Django's stubs leave out.
    initial_forms: Any
    extra_forms: Any
    forms: Any
    _should_delete_form: Any

    @cached_property
    def schema(self) -> ModelSchema | None:
        return None if self.instance._state.adding else registry.schema(str(self.instance.pk))

    @cached_property
    def restores(self) -> list[RestoreForm]:
        retired = () if self.schema is None else self.schema.retired_fields
        data = self.data if self.is_bound else None
        return [RestoreForm(data, field=field, outcome=self.outcome) for field in retired]

    @property
    def outcome(self) -> Outcome | None:
        found: Outcome | None = self.form_kwargs.get("outcome")
        return found

    def is_valid(self) -> bool:
        # All are asked, so that all show their errors.
        return super().is_valid() & (not [f for f in self.restores if not f.is_valid() and f.wanted])

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = _("Retire")

    def clean(self) -> None:
        super().clean()
        gone = [form for form in self.initial_forms if form.gone and form.touched]
        if gone:
            # The name that the other one knows, whatever was typed since.
            names = ", ".join(form.gone.name for form in gone)
            raise ValidationError(
                _("Someone else retired meanwhile what you changed: %(names)s. Restore it, or leave it.")
                % {"names": names}
            )

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        base: Any = super()
        form = base._construct_form(i, **kwargs)
        form.gone = self._gone(form)
        # Nothing of such a row is asked for.
        form.empty_permitted = form.empty_permitted or form.gone is not None
        return form

    def _gone(self, form: Any) -> FieldSchema | None:
        """The field that the form is about, if that was retired after the form was loaded."""
        key = form.data.get(form.add_prefix("id"), "") if self.is_bound else ""
        known = None if self.schema is None else self.schema.retired_field(str(key))
        return known if form.instance._state.adding else None

    def save(self, commit: bool = True) -> Any:
        """Save within the open change set; a refusal says which row it is about."""
        self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
        present = [form for form in self.initial_forms if not form.gone]
        retired = [form for form in present if self._should_delete_form(form)]
        for form in retired:
            with landing(str(form.prefix)):
                form.instance.delete()
            self.deleted_objects.append(form.instance)
        changed = [f for f in present if f not in retired and f.has_changed()]
        aside: dict[str, FieldForm] = {}
        for form, name in in_turn(changed):
            with landing(str(form.prefix)):
                if name != form.instance.name:
                    # Its name is still another's; it steps aside until that one has gone.
                    aside[form.instance.name] = form
                    form.instance.name = name
                form.save()
            self.changed_objects.append((form.instance, form.changed_data))
        for name, form in aside.items():
            with landing(str(form.prefix)):
                form.instance.name = name
                form.instance.save()
        for restore in self._wanted():
            with landing(str(restore.prefix)):
                self.new_objects.append(restore.save())
        for form in self.extra_forms:
            if form.has_changed() and not self._should_delete_form(form):
                with landing(str(form.prefix)):
                    self.new_objects.append(self.save_new(form))
        return [*self.new_objects, *(row for row, _changed in self.changed_objects)]

    def _wanted(self) -> Iterator[RestoreForm]:
        return (form for form in self.restores if form.is_valid() and form.wanted)

    def prefixes(self) -> dict[str, str]:
        """The prefix of each row's form, by the field's id."""
        rows = {str(form.instance.pk): str(form.prefix) for form in self.forms}
        return rows | {form.field.id: str(form.prefix) for form in self.restores}


def in_turn(forms: Iterable[FieldForm]) -> Iterator[tuple[FieldForm, str]]:
    """Those first whose new name no other has any more, each with the name to save it under.

    Where names go round, one has to step aside: it gets a name that nobody has.
    """
    waiting = every = list(forms)
    while waiting:
        taken = {form.initial["name"] for form in waiting}
        free = [f for f in waiting if f.instance.name == f.initial["name"] or f.instance.name not in taken]
        if free:
            yield from ((form, form.instance.name) for form in free)
        else:
            free = waiting[:1]
            meant = {form.instance.name for form in every}
            yield free[0], _unused(free[0].initial["name"], free[0].instance.meta_model, meant)
        waiting = [form for form in waiting if form not in free]


def _unused(name: str, model: Any, meant: set[str]) -> str:
    schema = registry.schema(str(model.pk))
    taken = meant if schema is None else meant | {field.name for field in schema.fields}
    tried = (f"{name[:LONGEST].rstrip('_')}_{number}" for number in count(2))
    return next(one for one in tried if one not in taken)
