"""Rollback: return to the schema of an earlier moment, by events that compensate for what came since.

History only grows: a rollback is a change set like any other, and can itself be rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from dynamo import goals, moments, naming, plans, record
from dynamo.appending import note
from dynamo.changeset import ChangeSet
from dynamo.goals import Goal
from dynamo.moments import At
from dynamo.patience import patient
from dynamo.returning import Wish, returning
from events.exceptions import ModelNotFound, SchemaRefused
from events.schema import Frozen, ModelSchema, Schema
from events.types import Recorded, RegistryRolledBack
from projections import conf
from projections.registry import registry

# What may become of values that do not fit, and of what was purged.
ON_ERROR: Final = ("fail", "null")
PURGED: Final = ("fail", "empty")


@patient
def rollback(
    to: At,
    model: Any = None,
    backfill: Mapping[str, Any] | None = None,
    on_error: str = "fail",
    *,
    purged: str = "fail",
    expected: str | None = None,
) -> tuple[Recorded, ...]:
    """Return to the schema of a position, time or tag: all of it, or that of one model.

    What was retired since comes back with its values, what was added since is retired, and a converted
    field has its original values again where a row was not edited meanwhile. `model` is a MetaModel, a
    generated class or a label. `backfill` has values, by "app.Model.field", for rows that were written
    meanwhile and need one; `on_error="null"` empties what does not fit or refers to nothing any more.
    `purged="empty"` brings back without values what was purged, which is refused otherwise. `expected` is
    the token of a plan: after any other change the rollback is refused, naming what changed.

    Returns the recorded events, none if there was nothing to do. Raises what saving would raise.
    """
    if on_error not in ON_ERROR:
        raise ValidationError(
            {
                "on_error": _("it is one of %(names)s, not %(on_error)r")
                % {"names": ", ".join(ON_ERROR), "on_error": on_error}
            }
        )
    if not isinstance(backfill or {}, Mapping):
        raise ValidationError({"backfill": _("it maps names of fields to values")})
    if purged not in PURGED:
        raise ValidationError(
            {
                "purged": _("it is one of %(names)s, not %(purged)r")
                % {"names": ", ".join(PURGED), "purged": purged}
            }
        )
    place = moments.position(to)
    with record.change_set() as work:
        started = work.mark
        then = moments.schema(place)
        wish = Wish(backfill=dict(backfill or {}), on_error=on_error)
        found = _whole(work, then, wish) if model is None else [_alone(work, then, _id(model), wish)]
        _refuse_unused(wish)
        _refuse_empty(wish, told=purged == "empty")
        first = len(work.pending)
        changing = [goal for goal in found if goal.steps]
        if changing:
            _record(work, changing, place, to, "" if model is None else changing[0].after.id)
        recorded = tuple(work.pending[first:])
        plans.hold_to(expected, work, started)
    return recorded


def rollback_model(row: Any, version: int, **said: Any) -> tuple[Recorded, ...]:
    """Return to a version of one model."""
    return rollback(moments.version(str(row.pk), version), row, **said)


def _record(work: ChangeSet, found: list[Goal], place: int, to: At, model_id: str) -> None:
    after = {"position": place, "model": model_id, "asked": str(to)}
    note(work, RegistryRolledBack(stream_id=work.mark.registry_id, after=Frozen(after)))
    goals.reach(work, found)


def _whole(work: ChangeSet, then: Schema, wish: Wish) -> list[Goal]:
    ids = {*then.models, *registry.models, *work.models}
    found = []
    for model_id in sorted(ids):
        now, past = work.model(model_id), _live(then.models.get(model_id))
        if past is not None:
            found.append(returning(work, now, past, then.position, wish, alone=False))
        elif now is not None and not now.retired:
            found.append(Goal(before=now, steps=[naming.retired_model(now, work.position())]))
    return found


def _alone(work: ChangeSet, then: Schema, model_id: str, wish: Wish) -> Goal:
    now, past = work.model(model_id), _live(then.models.get(model_id))
    if now is None and past is None:
        raise ModelNotFound(
            _("there is no model %(model_id)r, neither now nor then") % {"model_id": model_id}, label=model_id
        )
    if past is None:
        assert now is not None
        raise SchemaRefused(
            _("%(model)s was not there at position %(position)s; retire it, or roll back everything")
            % {"model": now.label, "position": then.position}
        )
    return returning(work, now, past, then.position, wish, alone=True)


def _refuse_unused(wish: Wish) -> None:
    unused = sorted(set(wish.backfill) - wish.used)
    if unused:
        raise ValidationError(
            {
                "backfill": _("no field that the rollback brings back is called %(names)s")
                % {"names": ", ".join(unused)}
            }
        )


def _refuse_empty(wish: Wish, *, told: bool) -> None:
    if wish.empty and not told:
        raise SchemaRefused(
            _(
                'the values of %(names)s were purged and cannot come back; purged="empty", on the '
                "command line --empty, brings them back without values"
            )
            % {"names": ", ".join(wish.empty)},
            empty=wish.empty,
        )


def _live(model: ModelSchema | None) -> ModelSchema | None:
    return None if model is None or model.retired else model


def _id(model: Any) -> str:
    """Also of a model that was retired, by its label."""
    if isinstance(model, str):
        label = conf.full_label(model)
        named = [m for m in registry.models.values() if m.label.lower() == label.lower() or m.id == model]
        if not named:
            raise ModelNotFound(_("there is no generated model %(model)r") % {"model": model}, label=model)
        return min(named, key=lambda m: m.retired).id
    key = getattr(model, "dynamo_id", None) or getattr(model, "pk", None)
    if not isinstance(key, str | UUID):
        raise ModelNotFound(
            _("%(model)r is no MetaModel, generated class or label") % {"model": model}, label=str(model)
        )
    return str(key)
