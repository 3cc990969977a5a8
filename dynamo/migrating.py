"""An operation for migrations: have the models of a document, which later migrations refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState

from dynamo import documents
from dynamo.applying import apply
from events.models import Head
from events.names import Key
from projections import conf, pipeline
from projections.registry import registry


class ApplySchema(Operation):
    """Make the models of a document of `manage.py dynamo export`, given as a file's path or as what it says.

    A new database, such as that of a test run, gets generated models this way before a migration of a
    hand-written model refers to them. Models that are there already, by id or by name, stay as they are:
    their schema has gone on since. Going back leaves all.
    """

    reduces_to_sql = False
    reversible = True

    def __init__(self, document: str | Path | Mapping[str, Any]) -> None:
        self.document = document

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.document], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Generated models are no part of a project's state; Django asks for them where it renders one."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        using = schema_editor.connection.alias
        if using != conf.database() or not self.allow_migrate_model(using, Head):
            return
        models = documents.checked(self._read())["models"]
        pipeline.catch_up()
        missing = [model for model in models if not _there(model)]
        if missing:
            apply(documents.sealed(missing))
        if "apps" in vars(to_state):
            _show(to_state.apps, models)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """What was applied may have rows by now."""

    def describe(self) -> str:
        return "Apply a schema of generated models"

    def _read(self) -> Any:
        if isinstance(self.document, Mapping):
            return self.document
        return orjson.loads(Path(self.document).read_bytes())


def _key(model: Mapping[str, Any]) -> Key:
    return str(model.get("app") or conf.default_app()), str(model.get("name", "")).lower()


def _there(model: Mapping[str, Any]) -> bool:
    return (
        registry.schema(str(model.get("id", ""))) is not None or registry.schema_of(*_key(model)) is not None
    )


def _show(apps: Any, models: Iterable[Mapping[str, Any]]) -> None:
    """A state that was rendered before has none of these models; one that is rendered later finds them."""
    keys = {_key(model) for model in models}
    for label in sorted({app for app, _name in keys}):
        for model in registry.around(keys, label):
            if model._meta.model_name not in apps.all_models[label]:
                state = ModelState.from_model(model, exclude_rels=True)
                apps.real_models.append(state)
                apps.render_multiple([state])
