"""Snapshots held against the fold: what they keep of each model, from when until when, and the names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from events import fold, snapshots, store
from events.models import Snapshot, SnapshotFormer, SnapshotModel
from events.names import Names
from events.schema import Frozen, ModelSchema, Schema
from events.types import RegistryEvent


def verified(using: str, upto: int | None = None) -> tuple[Schema, list[str]]:
    """The fold of the log, from its first event, and where passes say something else."""
    passes = _Passes(using)
    models: dict[str, ModelSchema] = {}
    changed: set[str] = set()
    position = 0
    for recorded in store.read(using, upto=upto):
        position = recorded.position
        fold.advance(models, recorded)
        if not isinstance(recorded.event, RegistryEvent):
            changed.add(recorded.stream_id)
        if position in passes.names:
            passes.check(position, models, changed)
            changed = set()
    return Schema(position=position, models=Frozen(models)), passes.problems(position)


class _Passes:
    """All passes of a log, held against its fold one after the other."""

    def __init__(self, using: str) -> None:
        self.using = using
        rows: QuerySet[Any] = QuerySet(Snapshot, using=using).values_list("position", "names")
        self.names: dict[int, bytes] = {position: _bytes(names) for position, names in rows}
        self.open: dict[str, int] = {}
        self.found: list[str] = []

    def check(self, position: int, models: Mapping[str, ModelSchema], changed: set[str]) -> None:
        """What a pass has wrong; models that did not change since the one before are in that one."""
        here = {"position": position}
        begun = {
            key: data
            for rows in map(self._rows, (SnapshotModel, SnapshotFormer))
            for key, data in rows.filter(**here).values_list("model_id", "data")
        }
        former = self._rows(SnapshotFormer).filter(until=position)
        ended = dict(former.values_list("model_id", "position"))
        due = {key: at for key, at in self.open.items() if key in changed}
        kept = changed & models.keys()
        odd = [f"model {key} is missing" for key in sorted(kept - begun.keys())]
        wrong = [key for key, data in begun.items() if not snapshots.says(_bytes(data), models.get(key))]
        wrong += [key for key in {*due, *ended} if due.get(key) != ended.get(key)]
        odd += [f"model {key} is not what the events make of it" for key in sorted({*wrong})]
        if not self._says_names(position, models):
            odd.append("its names are not those that the events make")
        self.found += [f"the snapshot at {position}: {text}" for text in odd]
        self.open = {key: at for key, at in self.open.items() if key not in changed}
        self.open |= dict.fromkeys(kept, position)

    def _says_names(self, position: int, models: Mapping[str, ModelSchema]) -> bool:
        """Only the last pass needs names: no process begins with another."""
        kept = self.names[position]
        if not kept:
            return position != max(self.names)
        return kept == snapshots.checked(Names.of(m for m in models.values() if not m.retired).text())

    def problems(self, end: int) -> list[str]:
        """What was found, and what no event leads to."""
        beyond = [f"the snapshot at {at} is beyond the log" for at in sorted(self.names) if at > end]
        strays = [
            f"the snapshot has a model at {at}, where there is none"
            for kind, name in (
                (SnapshotModel, "position"),
                (SnapshotFormer, "position"),
                (SnapshotFormer, "until"),
            )
            for at in sorted({*self._rows(kind).values_list(name, flat=True)} - self.names.keys())
        ]
        return [*self.found, *beyond, *strays]

    def _rows(self, model: type[Any]) -> QuerySet[Any]:
        return QuerySet(model, using=self.using)


def _bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else store.as_bytes(data)
