"""Applying a schema document: what it says is made so, in one change set, with the ids that it has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.core.exceptions import ValidationError

from dynamo import documents, goals, handling, intent, naming, plans, record
from dynamo.appending import note
from dynamo.changeset import ChangeSet
from dynamo.goals import Goal
from dynamo.overlay import Draft
from dynamo.patience import patient
from events.diff import Handling
from events.envelope import uuid7
from events.exceptions import SchemaRefused
from events.schema import FieldSchema, Frozen, ModelSchema, digest, in_order
from events.types import Recorded, RegistryImported
from projections import conf
from projections.registry import registry

MERGE, MIRROR = "merge", "mirror"
MODEL_KEYS: Final = frozenset({"id", *intent.MODEL_ATTRIBUTES, "fields"})
FIELD_KEYS: Final = frozenset({"id", *intent.FIELD_ATTRIBUTES})
MODEL_DEFAULTS: Final[dict[str, Any]] = {"description": "", "app": "", "options": {}}
FIELD_DEFAULTS: Final[dict[str, Any]] = {
    "verbose_name": "",
    "related_model": "",
    "description": "",
    "order": intent.NEXT_FREE,
    "unique_together": False,
    "unique": False,
    "help": "",
    "choices": [],
    "default": None,
    "required": False,
    "options": {},
}
ON_ERROR: Final = ("fail", "null", "keep")


@patient
def apply(
    document: Any,
    mode: str = MERGE,
    *,
    backfill: Mapping[str, Any] | None = None,
    on_error: str = "fail",
    expected: str | None = None,
) -> tuple[Recorded, ...]:
    """Make the schema what a document of `export` says; returns the recorded events, none if it was so.

    "merge" adds and changes, "mirror" also retires what the document does not have; neither drops anything.
    Models and fields are found by id, then by name, and new ones get the ids of the document. An attribute
    that is left out stays as it is. `backfill` has values for existing rows by "app.Model.field", `on_error`
    says what becomes of values that do not convert. `expected` is the token of a plan of this.
    """
    if mode not in (MERGE, MIRROR):
        raise ValidationError({"mode": f"it is {MERGE} or {MIRROR}, not {mode!r}"})
    if on_error not in ON_ERROR:
        raise ValidationError({"on_error": f"it is one of {', '.join(ON_ERROR)}, not {on_error!r}"})
    if not isinstance(backfill or {}, Mapping):
        raise ValidationError({"backfill": "it maps names of fields to values"})
    models = documents.checked(document)["models"]
    with record.change_set() as work:
        started, first = work.mark, len(work.pending)
        applied = _Applied(work=work, values=dict(backfill or {}), on_error=on_error)
        found = applied.goals(models, mirror=mode == MIRROR)
        if found:
            after = {"hash": digest(models), "mode": mode}
            note(work, RegistryImported(stream_id=work.mark.registry_id, after=Frozen(after)))
        goals.reach(work, found)
        recorded = tuple(work.pending[first:])
        plans.hold_to(expected, work, started)
    return recorded


@dataclass(slots=True, kw_only=True)
class _Applied:
    """The document laid over the schema: models first, so that relations find them under their names."""

    work: ChangeSet
    values: Mapping[str, Any]
    on_error: str
    draft: Draft = field(init=False)

    def __post_init__(self) -> None:
        self.draft = Draft(self.work)

    def goals(self, models: list[Mapping[str, Any]], *, mirror: bool) -> list[Goal]:
        items = [_known(item, MODEL_KEYS, "model") for item in models]
        given = [(item, *self._model(item)) for item in items]
        ids = [after.id for _, _, after in given]
        if len(set(ids)) != len(ids):
            raise SchemaRefused("the document has a model twice")
        found = [
            self._fields(item, before, self._relinked(after), mirror=mirror) for item, before, after in given
        ]
        unused = sorted(set(self.values) - {name for goal in found for name in _names(goal.after)})
        if unused:
            raise ValidationError({"backfill": f"the document has no field {', '.join(unused)}"})
        if mirror:
            others = [m for m in self.every() if m.id not in ids and not m.retired]
            if others and not models:
                raise SchemaRefused(
                    "the document has no models, and mirroring it would retire every one that is there; "
                    "retire them yourself if that is meant"
                )
            found += [self._retired(model) for model in others]
        return [goal for goal in found if len(goal.steps) > 1 or goal.after != goal.before]

    def _relinked(self, model: ModelSchema) -> ModelSchema:
        """Link tables are named after their ends, which have their names now."""
        fields = tuple(intent.with_link(f, model, self.draft) for f in model.fields)
        made = replace(model, fields=fields)
        self.draft.models[model.id] = made
        return made

    def _model(self, item: Mapping[str, Any]) -> tuple[ModelSchema | None, ModelSchema]:
        if not isinstance(item.get("name"), str):
            raise SchemaRefused("a model of the document has no name")
        before = self._present_model(item)
        shown = {**MODEL_DEFAULTS, "admin": conf.get("DYNAMO_DEFAULT_ADMIN")}
        if before is not None:
            shown = intent.model_row(before)
        given = {**shown, **{name: item[name] for name in intent.MODEL_ATTRIBUTES if name in item}}
        key = before.id if before is not None else _key(item)
        live = None if before is None else replace(before, retired=False)
        with _about(f"model {item.get('name')!r}"):
            after = intent.model_schema(given, live, key, self.draft)
        self.draft.models[after.id] = after
        return before, after

    def _present_model(self, item: Mapping[str, Any]) -> ModelSchema | None:
        found = self.work.model(str(item.get("id")))
        if found is not None:
            return found
        app = item.get("app") or conf.default_app()
        return self.work.named(str(app), str(item.get("name")))

    def _fields(
        self, item: Mapping[str, Any], before: ModelSchema | None, after: ModelSchema, *, mirror: bool
    ) -> Goal:
        given = item.get("fields", [])
        if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
            raise SchemaRefused(f"the fields of {after.label} must be a list of objects")
        items = [_known(one, FIELD_KEYS, "field") for one in given]
        made = _Fields(applied=self, model=after, claimed={str(one.get("id")) for one in items})
        for one in items:
            made.add(one, keep_options="options" in item)
        if mirror and "fields" in item:
            made.retire_others(keep_options="options" in item)
        steps = [made.model]
        if made.back and before is not None:
            ids = {one.id for one in made.back}
            start = before if not before.retired else replace(after, fields=before.fields)
            gone = tuple(f for f in before.retired_fields if f.id not in ids)
            middle = replace(start, fields=in_order((*before.fields, *made.back)), retired_fields=gone)
            steps = [middle, made.model]
        self.draft.models[after.id] = made.model
        return Goal(before=before, steps=steps, said=made.said)

    def every(self) -> list[ModelSchema]:
        """All models, retired ones among them, with what the document says of them so far."""
        ids = {*registry.models, *self.work.models, *self.draft.models}
        found = (self.draft.model(model_id) for model_id in sorted(ids))
        return [model for model in found if model is not None]

    def _retired(self, model: ModelSchema) -> Goal:
        after = naming.retired_model(model, self.work.position())
        self.draft.models[model.id] = after
        return Goal(before=model, steps=[after])

    def handling(self, made: FieldSchema, model: ModelSchema, *, changes: bool) -> Handling:
        """What was said about the rows of a field, as far as it can be said of it."""
        value = next((self.values[name] for name in _labels(model, made) if name in self.values), None)
        loses = self.on_error == "keep" or not made.required
        fits = changes and self.on_error != "fail" and loses and not made.is_many_to_many
        return Handling(backfill=value, on_error=self.on_error if fits else "fail")


@dataclass(slots=True, kw_only=True)
class _Fields:
    """The fields of one model laid over those that it has.

    `back` are retired fields that have to be there again before they can change their column.
    """

    applied: _Applied
    model: ModelSchema
    claimed: set[str]
    taken: set[str] = field(default_factory=set)
    back: list[FieldSchema] = field(default_factory=list)
    said: dict[str, Handling] = field(default_factory=dict)

    def add(self, item: Mapping[str, Any], *, keep_options: bool) -> None:
        label = f"{self.model.label}.{item.get('name')}"
        former, was_retired = self._former(item)
        draft = self.applied.draft
        shown = FIELD_DEFAULTS if former is None else intent.field_row(former, self.model, draft)
        given = {**shown, **{name: item[name] for name in intent.FIELD_ATTRIBUTES if name in item}}
        if missing := [name for name in ("name", "type") if name not in given]:
            raise SchemaRefused(f"a field of {self.model.label} has no {missing[0]}")
        key = former.id if former is not None else self._new_key(item, label)
        if key in self.taken:
            raise SchemaRefused(f"the document has the field {label} twice")
        self.taken.add(key)
        with _about(f"field {label}"):
            made = intent.field_schema(given, former, self.model, draft, key)
            said = self.applied.handling(made, self.model, changes=former is not None)
            if former is not None:
                made, said = self._placed(made, former, said, was_retired=was_retired)
            handling.check(made, said)
        if was_retired:
            self.model = self.model.without_retired(key)
        if former is not None and not was_retired and not keep_options:
            self.model = intent.follow_name(self.model, former.name, made.name)
        self.model = self.model.with_field(made)
        if said != Handling():
            self.said[key] = said

    def retire_others(self, *, keep_options: bool) -> None:
        for extra in [f for f in self.model.fields if f.id not in self.taken]:
            tombstone = naming.tombstone(extra, self.applied.work.position())
            if not keep_options:
                self.model = intent.follow_name(self.model, extra.name, None)
            self.model = self.model.without_field(extra.id).with_retired(
                replace(tombstone, unique_together=False)
            )

    def _former(self, item: Mapping[str, Any]) -> tuple[FieldSchema | None, bool]:
        """The field that is meant, by id and then by name, and whether it is retired."""
        key = str(item.get("id"))
        gone = self.model.retired_field(key)
        if gone is not None:
            return gone, True
        free = (f for f in self.model.fields if f.id not in self.claimed)
        named = next((f for f in free if f.name == item.get("name")), None)
        return self.model.field(key) or named, False

    def _placed(
        self, made: FieldSchema, former: FieldSchema, said: Handling, *, was_retired: bool
    ) -> tuple[FieldSchema, Handling]:
        made, moves = intent.placed(made, former, on_error=said.on_error)
        if not moves:
            return made, said
        source = former
        if was_retired:
            live = replace(former, name=made.name, retired=False)
            live = replace(live, column=naming.column_name(live))
            source = intent.with_link(live, self.model, self.applied.draft)
            self.back.append(source)
        kept = naming.kept_column(source, self.applied.work.position())
        self.model = self.model.with_retired(kept)
        return made, replace(said, kept=kept)

    def _new_key(self, item: Mapping[str, Any], label: str) -> str:
        key = _key(item)
        for model in self.applied.every():
            if model.field(key) or model.retired_field(key):
                raise SchemaRefused(f"{label} has the id of a field of {model.label}; fields do not move")
        return key


@contextmanager
def _about(what: str) -> Iterator[None]:
    """Say of what in the document a refusal speaks."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError([f"{what}: {text}" for text in error.messages]) from None


def _known(item: Mapping[str, Any], names: frozenset[str], what: str) -> Mapping[str, Any]:
    unknown = sorted(map(str, set(item) - names))
    if unknown:
        raise SchemaRefused(
            f"a {what} has no {', '.join(unknown)}; known here are {', '.join(sorted(names))}"
        )
    return {**item, "id": _key(item)} if item.get("id") is not None else item


def _key(item: Mapping[str, Any]) -> str:
    given = item.get("id")
    if given is None:
        return uuid7()
    try:
        return str(given if isinstance(given, uuid.UUID) else uuid.UUID(given))
    except (ValueError, TypeError, AttributeError):
        raise SchemaRefused(f"{given!r} is no id: it must be a UUID, or be left out") from None


def _labels(model: ModelSchema, one: FieldSchema) -> list[str]:
    return [one.id, *conf.names(f"{model.label}.{one.name}")]


def _names(model: ModelSchema) -> set[str]:
    return {name for one in model.fields for name in _labels(model, one)}
