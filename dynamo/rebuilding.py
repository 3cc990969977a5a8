"""Rebuilding: the meta rows, and this process's classes, made anew from the log."""

from __future__ import annotations

from collections.abc import Collection

from django.db.transaction import atomic

from dynamo import api, rows
from events import passes, store
from projections import conf, pipeline


def rebuild(model_ids: Collection[str] | None = None) -> tuple[int, int]:
    """Write the rows of all models, or of those with these ids; how many, and of how many events.

    Under the writers' lock, so that no change comes between reading the log and writing the rows.
    """
    using = conf.database()
    with atomic(using=using):
        store.lock(using)
        folded, _odd = passes.verified(using)
        chosen = [model for model in folded.live() if model_ids is None or model.id in model_ids]
        count = rows.rebuild(api.Snapshot(folded, using), chosen, whole=model_ids is None)
        pipeline.reset()
    return count, folded.position
