"""Documents: the schema, or its history, as JSON that is the same byte for byte wherever it is written.

A schema document says what is meant and nothing physical:

    {"dynamo": "schema", "format": 1, "hash": "...", "models": [{"id", "app", "name", ..., "fields": [...]}]}

A history document has the events with their envelopes, and the registry's id, without which their hashes
cannot be checked. `hash` covers what the document is about and not where it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from dynamo import intent, moments, record
from dynamo.moments import At
from dynamo.overlay import Shown
from events import store
from events.exceptions import SchemaRefused
from events.schema import FieldSchema, ModelSchema, Schema, digest
from events.types import Recorded
from projections import conf

FORMAT: Final = 1
SCHEMA, HISTORY, BOTH = "schema", "history", "both"
LAYOUT: Final = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def export(what: str = SCHEMA, *, at: At = None, models: str | Iterable[str] = ()) -> dict[str, Any]:
    """The schema, the history, or both, as JSON data; `encode` makes bytes of it.

    A schema may be that of an earlier moment, and of some models only, given by label. What is retired is
    in the history and not in the schema.
    """
    if what not in (SCHEMA, HISTORY, BOTH):
        raise SchemaRefused(f"what to export is one of {SCHEMA}, {HISTORY}, {BOTH}, not {what!r}")
    record.write_open()
    if what == HISTORY:
        return _history(moments.position(at))
    wanted = frozenset((models,) if isinstance(models, str) else models)
    found = _schema(moments.schema(at), wanted)
    return found if what == SCHEMA else {**found, "history": _history(moments.position(at))}


def encode(document: Mapping[str, Any]) -> bytes:
    return orjson.dumps(document, option=LAYOUT)


def split(document: Mapping[str, Any]) -> dict[str, bytes]:
    """A schema document as one file per model, for review; their contents by file name."""
    head = {"dynamo": SCHEMA, "format": FORMAT}
    return {
        f"{model['app']}.{model['name']}.json": encode({**head, "hash": digest([model]), "models": [model]})
        for model in document["models"]
    }


def is_of_one_model(contents: bytes) -> bool:
    """Whether a file is one that `split` wrote."""
    try:
        document = checked(orjson.loads(contents))
    except (ValueError, SchemaRefused):
        return False
    return document.keys() == {"dynamo", "format", "hash", "models"} and len(document["models"]) == 1


def joined(documents: Iterable[Any]) -> dict[str, Any]:
    """One schema document of several."""
    models: list[Any] = []
    for document in documents:
        models += checked(document)["models"]
    return sealed(models)


def checked(document: Any) -> Mapping[str, Any]:
    """A schema document as `export` writes it; raises SchemaRefused for anything else.

    A hash is not asked for, so that documents can be written by hand; if there is one, it must fit.
    """
    if not isinstance(document, Mapping) or document.get("dynamo") != SCHEMA:
        raise SchemaRefused('this is no schema document: it has no "dynamo": "schema"')
    if document.get("format") != FORMAT:
        raise SchemaRefused(
            f"the document has format {document.get('format')!r}; this release reads {FORMAT}"
        )
    models = document.get("models")
    if not isinstance(models, list) or not all(isinstance(model, Mapping) for model in models):
        raise SchemaRefused('the document needs "models", a list of objects')
    try:
        present = digest(models)
    except TypeError as error:
        raise SchemaRefused(f"the document holds what JSON does not: {error}") from error
    if document.get("hash") not in (None, "", present):
        raise SchemaRefused(
            "the document's hash does not fit its models: it was edited, or cut short; remove the hash to "
            "apply it as it is"
        )
    return document


def _schema(schema: Schema, wanted: frozenset[str]) -> dict[str, Any]:
    live = {model.label: model for model in schema.live()}
    labels = set(map(conf.full_label, wanted))
    unknown = sorted(labels - live.keys())
    if unknown:
        raise SchemaRefused(f"there is no model {', '.join(unknown)} at that moment")
    chosen = [live[label] for label in sorted(live) if not labels or label in labels]
    return sealed([_model(model, schema) for model in chosen])


def sealed(models: list[Any]) -> dict[str, Any]:
    """A document of these models, with its hash."""
    return {"dynamo": SCHEMA, "format": FORMAT, "hash": digest(models), "models": models}


def _model(model: ModelSchema, schema: Schema) -> dict[str, Any]:
    fields = [_field(field, model, schema) for field in model.fields]
    return {"id": model.id, **intent.model_row(model), "fields": fields}


def _field(field: FieldSchema, model: ModelSchema, schema: Schema) -> dict[str, Any]:
    return {"id": field.id, **intent.field_row(field, model, _Then(schema))}


class _Then(Shown):
    """The models of one moment."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def model(self, model_id: str) -> ModelSchema | None:
        found: ModelSchema | None = self.schema.models.get(model_id)
        return found


def _history(upto: int) -> dict[str, Any]:
    using = conf.database()
    events = [event(recorded) for recorded in store.read(using, upto=upto)]
    return {
        "dynamo": HISTORY,
        "format": FORMAT,
        "registry": store.head(using).registry_id,
        "hash": events[-1]["hash"] if events else "",
        "events": events,
    }


def event(recorded: Recorded) -> dict[str, Any]:
    """An event with its envelope, as it is shown to people and programs."""
    context = recorded.context
    return {
        "position": recorded.position,
        "event_id": recorded.event_id,
        "stream_id": recorded.stream_id,
        "stream_version": recorded.stream_version,
        "type": recorded.type,
        "type_version": recorded.type_version,
        "data": orjson.loads(recorded.data),
        "batch_id": context.batch_id,
        "actor": context.actor,
        "source": context.source,
        "reason": context.reason,
        "correlation_id": context.correlation_id,
        "causation_id": context.causation_id,
        "recorded_at": recorded.recorded_at,
        "prev_hash": recorded.prev_hash,
        "hash": recorded.hash,
    }
