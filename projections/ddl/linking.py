"""Link tables of many-to-many fields: made, moved, reshaped and dropped with their models."""

from __future__ import annotations

from dataclasses import replace

from projections.ddl import physical
from projections.ddl.physical import Link
from projections.ddl.work import TableWork


def project(work: TableWork) -> None:
    """Make, reshape and drop link tables; they were moved to their new names already."""
    after = work.change.after
    new = {} if after is None else physical.links(after)
    before = work.change.before
    old = {} if before is None else physical.links(before)
    for storage, link in new.items():
        if storage not in old:
            work.editor.create_model(physical.link_class(link, work.transition.after))
        else:
            moved = replace(old[storage], name=link.name, schema=link.schema, column=link.column)
            _reshape_link(work, moved, link)
    for storage, link in old.items():
        if storage not in new:
            work.editor.delete_model(physical.link_class(link, work.transition.after))


def _reshape_link(work: TableWork, old: Link, new: Link) -> None:
    """One side after the other, as SQLite remakes the table from what it is told the table is."""
    if old.unique and not new.unique:
        model = physical.link_class(old, work.transition.after)
        work.editor.alter_unique_together(model, [("source", "target")], [])
        old = replace(old, unique=False)
    for side in sorted(physical.SIDES):
        loose = (old.loose - {side}) | (new.loose & {side})
        stepped = replace(old, **{side: getattr(new, side), "loose": loose})
        if stepped != old:
            _alter_side(work, old, stepped, side)
        old = stepped
    if new.unique and not old.unique:
        model = physical.link_class(new, work.transition.after)
        work.editor.alter_unique_together(model, [], [("source", "target")])


def _alter_side(work: TableWork, old: Link, new: Link, side: str) -> None:
    before = physical.link_class(old, work.transition.after)
    after = physical.link_class(new, work.transition.after)
    work.editor.alter_field(before, before._meta.get_field(side), after._meta.get_field(side))
