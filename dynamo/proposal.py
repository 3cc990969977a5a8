"""Changes as a JSON document, for commands: what `manage.py dynamo plan` reads.

A list of objects. `model` and `field` say what is meant, `set` gives attributes of MetaModel or MetaField,
`backfill`, `on_error` and `error_value` speak of existing rows, and `do` is "retire", "restore" or "purge".
`name` gives what is restored another name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from dynamo import retired
from dynamo.models import MetaField, MetaModel, MetaRow
from events.exceptions import SchemaRefused
from projections import conf

WHAT: Final = ("model", "field")
SAID: Final = ("backfill", "on_error", "error_value")
DEEDS: Final[dict[str, tuple[str, ...]]] = {
    "retire": (),
    "restore": ("name", "backfill", "on_error"),
    "purge": (),
}


def changes(document: Any) -> list[Callable[[], Any]]:
    """One function for each change, in order; raises SchemaRefused for what is no such document."""
    if not isinstance(document, list):
        raise SchemaRefused("a proposal is a JSON list of changes")
    return [partial(_make, _checked(number, item)) for number, item in enumerate(document, 1)]


def retire(what: str) -> Any:
    """Retire "app.Model" or "app.Model.field"."""
    row = find(what)
    row.delete()
    return row


def find(what: str) -> MetaRow:
    """The row of a live model or field; raises SchemaRefused when there is none."""
    parts = what.split(".")
    for app, model, field in _readings(parts):
        found = _named(MetaModel.objects.filter(app=app), model)
        row: MetaRow | None = _named(found.fields.all(), field) if found is not None and field else found
        if row is not None:
            return row
    raise SchemaRefused(f"there is no model or field {what!r}", label=what)


def _named(rows: Iterable[Any], name: str) -> Any:
    """Compared here, because MariaDB would take a name that differs in case."""
    return next((row for row in rows if row.name == name), None)


def _readings(parts: list[str]) -> list[tuple[str, str, str]]:
    """Two parts may be app.Model or Model.field."""
    default = conf.default_app()
    if len(parts) == 2:
        return [(parts[0], parts[1], ""), (default, parts[0], parts[1])]
    if len(parts) == 1:
        return [(default, parts[0], "")]
    return [(parts[0], parts[1], parts[2])] if len(parts) == 3 else []


def _checked(number: int, item: Any) -> Mapping[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("model"), str):
        raise SchemaRefused(f"change {number} must be an object that names a model")
    if not isinstance(item.get("field", ""), str) or not isinstance(item.get("name", ""), str):
        raise SchemaRefused(f"change {number}: field and name are texts")
    known = _known_keys(number, item)
    unknown = sorted(set(item) - set(known))
    if unknown:
        raise SchemaRefused(f"change {number} has {', '.join(unknown)}; known here are {', '.join(known)}")
    return item


def _known_keys(number: int, item: Mapping[str, Any]) -> tuple[str, ...]:
    """Which keys go with what is to be done."""
    deed = item.get("do")
    if deed is None and isinstance(item.get("set"), dict):
        return (*WHAT, "set", *(SAID if "field" in item else ()))
    if isinstance(deed, str) and deed in DEEDS and "set" not in item:
        return (*WHAT, "do", *DEEDS[deed])
    raise SchemaRefused(
        f"change {number} needs either set, an object of attributes, or do with one of {', '.join(DEEDS)}"
    )


def _make(item: Mapping[str, Any]) -> None:
    what = ".".join(filter(None, (item["model"], item.get("field"))))
    said = {name: item[name] for name in ("name", *SAID) if name in item}
    if "set" in item:
        _set(item, said)
    elif item["do"] == "retire":
        retire(what)
    elif item["do"] == "restore":
        retired.restore(what, **said)
    else:
        retired.purge(what)


def _set(item: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    app, _, name = item["model"].rpartition(".")
    model = _named(MetaModel.objects.filter(app=app or conf.default_app()), name)
    if "field" not in item:
        row: MetaRow = model or MetaModel(app=app, name=name)
    else:
        if model is None:
            raise SchemaRefused(f"there is no model {item['model']!r}", label=item["model"])
        known = _named(model.fields.all(), item["field"])
        row = known or MetaField(meta_model=model, name=item["field"])
    for attribute, value in item["set"].items():
        if attribute not in row.ATTRIBUTES:
            raise SchemaRefused(
                f"{attribute!r} is no attribute of a {row._meta.verbose_name}; "
                f"there are {', '.join(row.ATTRIBUTES)}"
            )
        setattr(row, attribute, value)
    row.save(**said)
