"""Changes as a JSON document, for commands: what `manage.py dynamo plan` reads.

A list of objects. `model` and `field` say what is meant, `set` gives attributes of MetaModel or MetaField,
`backfill`, `on_error` and `error_value` speak of existing rows, and `do` is "retire", "restore" or "purge".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from dynamo import retired
from dynamo.models import MetaField, MetaModel, MetaRow
from events.exceptions import SchemaRefused
from projections import conf

KEYS: Final = frozenset({"model", "field", "set", "backfill", "on_error", "error_value", "do"})
SAID: Final = ("backfill", "on_error", "error_value")
DEEDS: Final = ("retire", "restore", "purge")


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
        found = MetaModel.objects.filter(app=app, name=model).first()
        row: MetaRow | None = found
        if found is not None and field:
            row = found.fields.filter(name=field).first()
        if row is not None:
            return row
    raise SchemaRefused(f"there is no model or field {what!r}", label=what)


def _readings(parts: list[str]) -> list[tuple[str, str, str]]:
    """Two parts may be app.Model or Model.field."""
    default = conf.default_app()
    return {
        1: [(default, parts[0], "")],
        2: [(parts[0], parts[1], ""), (default, parts[0], parts[1])],
        3: [(parts[0], parts[1], parts[2])],
    }.get(len(parts), [])


def _checked(number: int, item: Any) -> Mapping[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("model"), str):
        raise SchemaRefused(f"change {number} must be an object that names a model")
    unknown = sorted(set(item) - KEYS)
    if unknown:
        raise SchemaRefused(f"change {number} has {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
    if item.get("do", DEEDS[0]) not in DEEDS or ("do" in item) == ("set" in item):
        raise SchemaRefused(f"change {number} needs either set, or do with one of {', '.join(DEEDS)}")
    return item


def _make(item: Mapping[str, Any]) -> None:
    what = ".".join(filter(None, (item["model"], item.get("field"))))
    said = {name: item[name] for name in SAID if name in item}
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
    model = MetaModel.objects.filter(app=app or conf.default_app(), name=name).first()
    if "field" not in item:
        row: MetaRow = model or MetaModel(app=app, name=name)
    else:
        if model is None:
            raise SchemaRefused(f"there is no model {item['model']!r}", label=item["model"])
        row = model.fields.filter(name=item["field"]).first() or MetaField(
            meta_model=model, name=item["field"]
        )
    for attribute, value in item["set"].items():
        if attribute not in row.ATTRIBUTES:
            raise SchemaRefused(
                f"{attribute!r} is no attribute of a {row._meta.verbose_name}; "
                f"there are {', '.join(row.ATTRIBUTES)}"
            )
        setattr(row, attribute, value)
    row.save(**said)
