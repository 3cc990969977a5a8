"""Forms of rows that were opened before the fields of their model changed.

What a browser sends has the names that fields had when the form was made. After a rename Django would find
nothing for the new name and empty that field, and drop what was typed under the old one. So each form has the
version of its model in its address. What comes with a former one is given to the fields that it was meant
for, and shown again instead of saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from events import snapshots
from events.schema import FieldSchema, ModelSchema
from projections import conf
from projections.registry import registry

VERSION: Final = "_version"
# More than any version has; Python refuses to read some thousands.
MAX_DIGITS: Final = 18
# Where a request keeps what came of its form.
STALE: Final = "_dynamo_stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """What a former form says to its sender. `untold` are fields that it does not have."""

    text: str
    untold: frozenset[str]


class Again:
    """A form that is shown again, whatever was typed. Mixed into the form of a stale request."""

    stale: Stale
    fields: dict[str, Any]
    add_error: Callable[..., None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.stale.untold & self.fields.keys():
            # Nobody said anything of it: it shows what the row has.
            self.fields[name].bound_data = _initial

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]  # that of the form
        self.add_error(None, self.stale.text)
        return cleaned


class VersionedForms(ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """An admin of a generated model whose forms say which version of it they were made of."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        given = request.GET.get(VERSION, "")
        if request.method == "POST" and given.isdecimal() and len(given) < MAX_DIGITS:
            now = _schema(self.model)
            if int(given) != now.version:
                _bring_up(request, snapshots.of_version(conf.database(), now.id, int(given)), now)
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
        query = request.GET.copy()
        query[VERSION] = str(_schema(self.model).version)
        own = form_url or f"?{query.urlencode()}"
        return super().render_change_form(request, context, add, change, own, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        stale = getattr(request, STALE, None)
        return form if stale is None else type(form)(form.__name__, (Again, form), {"stale": stale})


def versioned(kind: type[ModelAdmin[Any]]) -> type[ModelAdmin[Any]]:
    """A project's own admin, whose forms say it too."""
    body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return type(kind.__name__, (VersionedForms, kind), body)


def _schema(model: Any) -> ModelSchema:
    found = registry.schema(model.dynamo_id)
    assert found is not None  # Its pages would not have been found.
    return found


def _bring_up(request: Any, former: ModelSchema | None, now: ModelSchema) -> None:
    """Have what was sent under former names stand under those of now, and have it shown again."""
    old = {} if former is None else {field.id: field for field in former.fields}
    new = {field.id: field for field in now.fields}
    if {(f.id, f.name, f.type) for f in old.values()} == {(f.id, f.name, f.type) for f in new.values()}:
        return
    sent = request.POST
    found = QueryDict(mutable=True, encoding=sent.encoding)
    parts = {f.id: _parts(sent, f.name, {other.name for other in old.values()}) for f in old.values()}
    taken = {name for names in parts.values() for name in names}
    for name, values in sent.lists():
        if name not in taken:
            found.setlist(name, values)
    for key in old.keys() & new.keys():
        for name in parts[key]:
            found.setlist(name.replace(old[key].name, new[key].name, 1), sent.getlist(name))
    request.POST = found
    said = "; ".join(_said(old, new, lambda f: ", ".join(filter(None, sent.getlist(f.name)))))
    text = _(
        "The fields of %(model)s have changed since this form was opened (%(changes)s). Nothing was saved. "
        "What you typed is below; look at it and save again."
    )
    untold = frozenset(f.name for f in new.values() if f.id not in old)
    setattr(request, STALE, Stale(text=text % {"model": now.label, "changes": said}, untold=untold))


def _parts(sent: Any, name: str, names: set[str]) -> list[str]:
    """What a field's widget sends: its name, or several that begin with it."""
    own = [name, *(f"{name}{end}" for end in ("_0", "_1", "-clear") if f"{name}{end}" not in names)]
    return [part for part in own if part in sent]


def _said(
    old: dict[str, FieldSchema], new: dict[str, FieldSchema], typed: Callable[[FieldSchema], str]
) -> Iterator[str]:
    for key, field in old.items():
        if key not in new:
            yield _("%(field)s is gone, “%(typed)s” was typed") % {"field": field.name, "typed": typed(field)}
        elif new[key].name != field.name:
            yield _("%(old)s is called %(new)s now") % {"old": field.name, "new": new[key].name}
        elif new[key].type != field.type:
            yield _("%(field)s is a %(type)s now") % {"field": field.name, "type": new[key].type}
    for key, field in new.items():
        if key not in old:
            yield _("%(field)s is new") % {"field": field.name}


def _initial(data: Any, initial: Any) -> Any:
    return initial
