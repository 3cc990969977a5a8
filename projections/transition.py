"""A transition: what changed between two places in the log, as projectors see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from events.envelope import Mark
from events.schema import ModelSchema
from events.types import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One model before and after; None where it does not exist."""

    before: ModelSchema | None
    after: ModelSchema | None

    @property
    def live_before(self) -> ModelSchema | None:
        return None if self.before is None or self.before.retired else self.before

    @property
    def live_after(self) -> ModelSchema | None:
        return None if self.after is None or self.after.retired else self.after

    @property
    def shape_changed(self) -> bool:
        if self.before is None or self.after is None:
            return self.before is not self.after
        return not self.before.is_like(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Changes by model id, the events that made them, and the marks on either side.

    `others` finds the models that did not change.
    """

    changes: Mapping[str, Change]
    events: tuple[Recorded, ...]
    start: Mark
    end: Mark
    others: Callable[[str], ModelSchema | None]

    def before(self, model_id: str) -> ModelSchema | None:
        change = self.changes.get(model_id)
        return self.others(model_id) if change is None else change.before

    def after(self, model_id: str) -> ModelSchema | None:
        change = self.changes.get(model_id)
        return self.others(model_id) if change is None else change.after

    def shaped(self) -> Iterator[tuple[str, Change]]:
        """The changes that touch class, table or admin."""
        return ((model_id, c) for model_id, c in self.changes.items() if c.shape_changed)

    def inverse(self) -> Transition:
        """The way back, for a transaction that did not commit."""
        back = {key: Change(before=c.after, after=c.before) for key, c in self.changes.items()}
        return Transition(changes=back, events=(), start=self.end, end=self.start, others=self.others)


def joined(before: Mapping[str, ModelSchema], after: Mapping[str, ModelSchema]) -> dict[str, Change]:
    """The changes between two catalogues."""
    keys: Iterable[str] = [*after, *(key for key in before if key not in after)]
    pairs = ((key, Change(before=before.get(key), after=after.get(key))) for key in keys)
    return {key: change for key, change in pairs if change.before != change.after}
