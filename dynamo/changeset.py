"""An open change set: what was appended so far, and the schemas as they are after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dynamo.context import because
from dynamo.overlay import Catalogue, Overlay, Shown
from events.envelope import Mark
from events.exceptions import SchemaRefused
from events.schema import ModelSchema
from events.statements import Statement, run
from events.types import Context, Recorded
from projections.ddl.projector import Payload
from projections.transition import Transition

ROLLBACK: Final = "ROLLBACK TO SAVEPOINT "

open_sets: WeakKeyDictionary[BaseDatabaseWrapper, ChangeSet] = WeakKeyDictionary()


@dataclass(slots=True, kw_only=True, eq=False)
class ChangeSet(Overlay):
    """Schemas laid over those that the process shows, which are `beneath`.

    `pending` are events whose tables and classes are not made yet, `before` the models as they were before
    the first of them. `unwritten` are those of them that the log does not have yet, `statements` the meta
    rows that wait to be written. `shown` says that classes were changed ahead of the commit, `steps_left`
    that tables follow after it, `planned` that nothing of it will be done. `accepted` makes rows that were
    saved or deleted in it unsaved again.
    """

    using: str
    outermost: bool
    context: Context
    mark: Mark
    now: str
    begun: int = 0
    models: dict[str, ModelSchema | None] = field(default_factory=dict)
    before: dict[str, ModelSchema | None] = field(default_factory=dict)
    pending: list[Recorded] = field(default_factory=list)
    unwritten: list[Recorded] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    written: int = 0
    logged: int = 0
    savepoints: dict[str, tuple[int, int]] = field(default_factory=dict)
    start: Mark = field(default_factory=Mark)
    shown: bool = False
    flushing: bool = False
    failed: BaseException | None = None
    steps_left: list[Payload] = field(default_factory=list)
    planned: bool = False
    accepted: list[Callable[[], None]] = field(default_factory=list)
    done: list[Transition] = field(default_factory=list)
    beneath: Catalogue = field(default_factory=Shown)

    def position(self) -> int:
        """The position of the event that comes next."""
        return self.mark.position + 1

    @contextmanager
    def because(self, reason: str | None) -> Iterator[None]:
        """Give what is recorded inside a reason, where the change set has none."""
        said, self.context = self.context, because(self.context, reason)
        try:
            yield
        finally:
            self.context = said

    def copy_state(self) -> dict[str, object]:
        """What a failed save inside a batch puts back."""
        copied: dict[str, object] = {"start": self.start, "mark": self.mark, "shown": self.shown}
        return {
            **copied,
            "failed": self.failed,
            "steps_left": list(self.steps_left),
            "models": dict(self.models),
            "before": dict(self.before),
            "pending": list(self.pending),
            "unwritten": list(self.unwritten),
            "statements": list(self.statements),
            "written": self.written,
            "done": list(self.done),
        }

    def restore_state(self, state: dict[str, object]) -> None:
        if state["written"] != self.written:
            # What waited then was written meanwhile; it must not be written again.
            state = {**state, "statements": [], "written": self.written}
        for name, value in state.items():
            setattr(self, name, value)

    def put_back_rows(self, kept: int = 0) -> None:
        """What was not recorded after all must be recorded when its row is saved again."""
        while len(self.accepted) > kept:
            self.accepted.pop()()

    def write_rows(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        """An execute wrapper: meta rows wait until anybody sends a statement, who then finds them written."""
        self._watch(str(sql))
        if self.statements:
            try:
                run(self.using, self.take_statements())
            except BaseException as error:
                self.failed = error
                raise
        return execute(sql, params, many, context)

    def _watch(self, sql: str) -> None:
        """A savepoint that is rolled back takes what was recorded since, and this must not be committed."""
        if sql.startswith("SAVEPOINT "):
            self.savepoints[sql.removeprefix("SAVEPOINT ")] = (self.mark.position, self.logged)
        elif sql.startswith(ROLLBACK):
            known = self.savepoints.get(sql.removeprefix(ROLLBACK))
            if known is not None and known != (self.mark.position, self.logged):
                self.failed = SchemaRefused(
                    "a savepoint was rolled back with changes of the schema in it; use a nested batch() there"
                )

    def take_statements(self) -> list[Statement]:
        taken, self.statements = self.statements, []
        self.written += 1
        return taken


def current(using: str) -> ChangeSet | None:
    return open_sets.get(connections[using])
