"""What a browser sends for fields that have other names by now: given to the fields that it was meant for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from events import snapshots
from events.schema import FieldSchema, ModelSchema
from projections import conf
from projections.registry import registry

VERSION: Final = "_version"
# More than any version has; Python refuses to read some thousands.
MAX_DIGITS: Final = 18
INITIAL: Final = "initial-"
# Its widget sends two values, which those of other types are not.
SPLIT: Final = "DateTimeField"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stale:
    """What a former form says to its sender. `untold` are fields that it does not have."""

    text: str
    untold: frozenset[str]


def version(model: Any) -> int:
    return _schema(model).version


def brought_up(sent: Any, given: str, model: Any, rows: str = "") -> tuple[Any, Stale | None]:
    """What was sent, under the names of now; Stale if these are not the names that the form had.

    `given` is the version that the form was made of, `rows` the prefix of a formset.
    """
    now = _schema(model)
    if not given.isdecimal() or len(given) >= MAX_DIGITS or int(given) == now.version:
        return sent, None
    former = snapshots.of_version(conf.database(), now.id, int(given))
    if former is not None and _forms(former) == _forms(now):
        return sent, None
    old = {} if former is None else {field.id: field for field in former.fields}
    stems = _stems(sent, rows) if rows else [""]
    text = _(
        "The fields of %(model)s have changed since this form was opened (%(changes)s). Nothing was saved. "
        "What you typed is below; look at it and save again."
    )
    said = {"model": now.label, "changes": "; ".join(_changes(sent, stems, old, now))}
    untold = frozenset(field.name for field in now.fields if _says_nothing(old.get(field.id), field))
    return _renamed(sent, stems, old, now), Stale(text=text % said, untold=untold)


def _schema(model: Any) -> ModelSchema:
    found = registry.schema(model.dynamo_id)
    assert found is not None  # Its pages would not have been found.
    return found


def _says_nothing(former: FieldSchema | None, field: FieldSchema) -> bool:
    """Whether what a former form sent has nothing that the field's widget could show."""
    return former is None or (former.type != field.type and SPLIT in {former.type, field.type})


def _forms(schema: ModelSchema) -> set[tuple[str, str, str]]:
    """What the form of a row depends on."""
    return {(field.id, field.name, field.type) for field in schema.fields}


def _stems(sent: Any, rows: str) -> list[str]:
    """What stands before the names of fields, for each row of a formset."""
    found = (re.match(rf"{re.escape(rows)}-\d+-", name) for name in sent)
    return list(dict.fromkeys(one[0] for one in found if one))


def _renamed(sent: Any, stems: list[str], old: dict[str, FieldSchema], now: ModelSchema) -> QueryDict:
    names = {field.name for field in old.values()}
    moves: dict[str, str | None] = {}
    for stem in stems:
        for field in old.values():
            present = now.field(field.id)
            # What a row began with is sent too, where that is worked out anew each time.
            for lead in (stem, f"{INITIAL}{stem}"):
                for end in _ends(sent, f"{lead}{field.name}", {f"{lead}{name}" for name in names}):
                    moved = None if present is None else f"{lead}{present.name}{end}"
                    moves[f"{lead}{field.name}{end}"] = moved
    found = QueryDict(mutable=True, encoding=sent.encoding)
    for name, values in sent.lists():
        if name not in moves:
            found.setlist(name, values)
    for name, moved in moves.items():
        if moved is not None:
            found.setlist(moved, sent.getlist(name))
    return found


def _ends(sent: Any, name: str, names: set[str]) -> list[str]:
    """How the names end that a field's widget sends: one, or several that begin with the field's."""
    own = ["", *(end for end in ("_0", "_1", "-clear") if f"{name}{end}" not in names)]
    return [end for end in own if f"{name}{end}" in sent]


def _changes(sent: Any, stems: Iterable[str], old: dict[str, FieldSchema], now: ModelSchema) -> Iterator[str]:
    for field in old.values():
        present = now.field(field.id)
        if present is None:
            typed = (value for stem in stems for value in sent.getlist(f"{stem}{field.name}") if value)
            said = {"field": field.name, "typed": ", ".join(typed)}
            yield _("%(field)s is gone, “%(typed)s” was typed") % said
        elif present.name != field.name:
            yield _("%(old)s is called %(new)s now") % {"old": field.name, "new": present.name}
        elif _says_nothing(field, present):
            ends = _ends(sent, field.name, set()) if stems == [""] else ["", "_0", "_1"]
            typed = (
                v for stem in stems for end in ends for v in sent.getlist(f"{stem}{field.name}{end}") if v
            )
            said = {"field": field.name, "type": present.type, "typed": " ".join(typed)}
            yield _("%(field)s is a %(type)s now, “%(typed)s” was typed") % said
        elif present.type != field.type:
            yield _("%(field)s is a %(type)s now") % {"field": field.name, "type": present.type}
    for field in now.fields:
        if field.id not in old:
            yield _("%(field)s is new") % {"field": field.name}
