"""Replay: many events at once, over plain dictionaries; the same schema as the fold gives. No Django.

`fold.evolve` makes a new value of each event, which is right for one change and slow for a whole log. Here
each model is a dictionary until the last event. A test holds the two against each other.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from orjson import loads

from events import codec
from events.exceptions import LogCorrupt
from events.schema import FieldSchema, Frozen, ModelSchema, Schema, by_id, in_order
from events.types import BY_NAME, RegistryEvent

Plain: TypeAlias = dict[str, Any]

# Beside its attributes, a model has its fields by id here.
LIVE, GONE = "fields", "retired_fields"


def replay(rows: Iterable[tuple[Any, ...]]) -> Schema:
    """Fold rows of the log, in position order, as `store.payloads` gives them.

    Raises LogCorrupt for a log that does not hold together; `fold.replay` says where.
    """
    models: dict[Any, Plain] = {}
    position = 0
    known = RULES.get
    try:
        with _uncollected():
            for position, stream, stream_version, kind, version, data in rows:  # noqa: B007  # the last one
                rule, current = known(kind, OTHER)
                if rule is None:
                    _model_came_or_went(models, stream, stream_version, kind, version, data)
                    continue
                event = loads(data)
                if version != current:
                    event = codec.upcast(kind, version, event)
                model = models[stream]
                rule(model, event)
                model["version"] = stream_version
            made = {model["id"]: _model(model) for model in models.values()}
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise LogCorrupt(f"position {position}: {error!r}", position=position) from error
    return Schema(position=position, models=Frozen(made))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at new values again and again; none is garbage.

    Freezing and thawing has it count them among the old ones, which it seldom looks at.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()


def _model_came_or_went(
    models: dict[Any, Plain], stream: Any, stream_version: int, kind: str, version: int, data: bytes
) -> None:
    if kind in SILENT:
        return
    if kind == "model.purged":
        del models[stream]
        return
    if kind != "model.created":
        raise LookupError(f"event {kind!r} is not known to this release")
    if stream in models:
        raise LogCorrupt(f"model {stream} is created twice")
    event = codec.upcast(kind, version, loads(data))
    models[stream] = {**event["after"], "version": stream_version, LIVE: {}, GONE: {}}


def decoded(kept: Iterable[bytes]) -> dict[str, ModelSchema]:
    """Models by id, of the JSON that snapshots keep. Raises TypeError, ValueError or the like for other."""
    with _uncollected():
        of = FieldSchema.all_of
        return {one["id"]: ModelSchema.of(one, of(one[LIVE]), of(one[GONE])) for one in map(loads, kept)}


def _model(plain: Plain) -> ModelSchema:
    live, gone = plain.pop(LIVE), plain.pop(GONE)
    of = FieldSchema.of
    return ModelSchema.of(plain, in_order(map(of, live.values())), by_id(map(of, gone.values())))


def _changed_model(model: Plain, event: Plain) -> None:
    after = event["after"]
    tables = after.pop("tables", {})
    model.update(after)
    for key, names in tables.items():
        if key in model[LIVE]:
            model[LIVE][key].update(names)


def _added(model: Plain, event: Plain) -> None:
    after = event["after"]
    model[LIVE][after["id"]] = after


def _changed(model: Plain, event: Plain) -> None:
    model[LIVE][event["field_id"]].update(event["after"])


def _altered(model: Plain, event: Plain) -> None:
    _changed(model, event)
    if event["revived"] is not None:
        model[GONE].pop(event["revived"]["id"], None)
    if event["kept"] is not None:
        model[GONE][event["kept"]["id"]] = event["kept"]


def _retired(model: Plain, event: Plain) -> None:
    field = model[LIVE].pop(event["field_id"])
    field.update(event["after"])
    model[GONE][field["id"]] = field


def _restored(model: Plain, event: Plain) -> None:
    field = model[GONE].pop(event["field_id"])
    field.update(event["after"])
    model[LIVE][field["id"]] = field


def _purged(model: Plain, event: Plain) -> None:
    if model[LIVE].pop(event["field_id"], None) is None:
        del model[GONE][event["field_id"]]


Rule: TypeAlias = Callable[[Plain, Plain], None]

# What each event does to its model, and the version of it that this release writes.
RULES: Final[dict[str, tuple[Rule | None, int]]] = {
    kind: (rule, BY_NAME[kind].version)
    for kind, rule in {
        "model.renamed": _changed_model,
        "model.altered": _changed_model,
        "model.retired": _changed_model,
        "model.restored": _changed_model,
        "field.added": _added,
        "field.renamed": _changed,
        "field.reordered": _changed,
        "field.altered": _altered,
        "field.retired": _retired,
        "field.restored": _restored,
        "field.purged": _purged,
    }.items()
}
OTHER: Final[tuple[Rule | None, int]] = (None, 0)
SILENT: Final = frozenset(name for name, cls in BY_NAME.items() if issubclass(cls, RegistryEvent))
