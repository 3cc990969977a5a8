"""Neighbours: what a change of one model means for those that refer to it, and that it refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from dynamo import intent, record
from dynamo.changeset import ChangeSet
from events.exceptions import SchemaRefused
from events.schema import FieldSchema, ModelSchema
from projections import admin_names, classes, relations
from projections.admin_index import own_admins
from projections.lazy import waiting
from projections.registry import registry
from projections.transition import Transition


def refuse_referenced(model: ModelSchema, work: ChangeSet) -> None:
    """A model that others refer to cannot be retired."""
    generated = [
        f"{other.label}.{field.name}"
        for other in work.referrers(model.id)
        if other.id != model.id
        for field in other.fields
        if field.related_model == model.id
    ]
    if generated:
        raise SchemaRefused(
            _("%(model)s is referred to by %(names)s; retire these fields first")
            % {"model": model.label, "names": ", ".join(generated)},
            fields=generated,
        )
    written = in_code(model)
    if written:
        raise SchemaRefused(
            _("%(model)s is referred to by %(names)s in the project's code; take these away there first")
            % {"model": model.label, "names": ", ".join(written)},
            fields=written,
        )


def left_behind(done: Transition) -> Iterator[str]:
    """Names in the project's code that a change leaves behind."""
    for change in done.changes.values():
        before, after = change.live_before, change.live_after
        if before is None or after is None:
            continue
        own = own_admins.get(before.label.lower())
        if before.key != after.key:
            yield from _of_the_model(before, after, own)
        elif own is not None:
            gone = {field.name for field in before.fields} - {field.name for field in after.fields}
            if names := sorted(gone.intersection(admin_names.named(own))):
                said = {"admin": own.__name__, "names": ", ".join(names), "model": after.label}
                yield (
                    _("%(admin)s in the project's code names %(names)s, which %(model)s has no more then")
                    % said
                )


def _of_the_model(before: ModelSchema, after: ModelSchema, own: Any) -> Iterator[str]:
    said = {"old": before.label, "new": after.label}
    for name in in_code(before):
        yield _(
            "%(name)s in the project's code refers to %(old)s: write %(new)s there before the next start"
        ) % {**said, "name": name}
    if own is not None:
        yield _("%(admin)s in the project's code is registered for %(old)s: write %(new)s there") % {
            **said,
            "admin": own.__name__,
        }


def in_code(model: ModelSchema) -> list[str]:
    """The relations of hand-written models to a generated one, by name."""
    if not waiting:
        return []
    # One that cannot be built, nobody refers to either.
    cls = next(registry.make([model.id]), None)
    if cls is None:
        return []
    return [
        f"{field.model._meta.label}.{field.name}"
        for field in relations.hand_written_relations()
        if relations.refers_to(field.remote_field, cls) and not field.model._meta.auto_created
    ]


def refuse_gone_target(work: ChangeSet, model: ModelSchema, field: FieldSchema) -> None:
    """A relation cannot come back without what it refers to."""
    if not field.is_relation or field.related_model == model.id:
        return
    where = f"{model.label}.{field.name}"
    if "." in field.related_model:
        if classes.hand_written(field.related_model) is None:
            raise SchemaRefused(
                _("%(where)s refers to %(related_model)s, which the project has no more")
                % {"where": where, "related_model": field.related_model}
            )
        return
    target = work.model(field.related_model)
    if target is None:
        raise SchemaRefused(
            _("%(where)s refers to a model that was purged, so it cannot come back") % {"where": where}
        )
    if target.retired:
        raise SchemaRefused(
            _("%(where)s refers to %(target)s, which is retired; restore that first")
            % {"where": where, "target": target.label}
        )


def rename_link_columns(target: ModelSchema, work: ChangeSet) -> None:
    """Link tables of other models have a column that is named after this one."""
    for other in [m for m in work.referrers(target.id) if m.id != target.id]:
        fields = tuple(intent.with_link(f, other, work) for f in other.fields)
        record.record(work, other, replace(other, fields=fields))
