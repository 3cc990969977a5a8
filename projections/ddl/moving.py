"""Tables that change their names, first of all, so that names are free; two may even swap them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from projections.ddl import physical
from projections.ddl.work import TableWork


@dataclass(slots=True)
class Move:
    """One table or link table on its way to a new name; `model` describes it under the present one."""

    editor: Any
    model: Any
    old: str
    new: str

    def to(self, name: str) -> None:
        self.editor.alter_db_table(self.model, self.old, name)
        self.model._meta.db_table = self.old = name


def project(work: list[TableWork]) -> None:
    """Rename each table as soon as its new name is free; one steps aside where they wait for each other."""
    waiting = [move for item in work for move in _moves(item)]
    while waiting:
        taken = {move.old for move in waiting}
        free = next((move for move in waiting if move.new not in taken), None)
        if free is None:
            waiting[0].to(f"zz_aside_{waiting[0].old}"[:60])
        else:
            free.to(free.new)
            waiting.remove(free)
    for item in work:
        if item.state is not None and item.change.after is not None:
            item.state = replace(item.state, name=item.change.after.db_table)


def _moves(item: TableWork) -> Iterator[Move]:
    before, after = item.change.before, item.change.after
    if before is None or after is None or item.state is None:
        return
    if before.db_table != after.db_table:
        yield Move(item.editor, item.model(item.state), before.db_table, after.db_table)
    old = physical.links(before)
    for storage, link in physical.links(after).items():
        if storage in old and old[storage].name != link.name:
            model = physical.link_class(old[storage], item.transition.before)
            yield Move(item.editor, model, old[storage].name, link.name)
