"""What those subcommands of `manage.py dynamo` do that look and mend; each returns whether all is well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.transaction import atomic

from dynamo import api, documents, operations, rebuilding, recovery, rows, tombstones, wording
from dynamo.moments import At
from dynamo.operations import Tell
from events import guards, passes, snapshots, store
from events.exceptions import ModelNotFound, SchemaRefused
from events.schema import ModelSchema
from projections import conf, pipeline
from projections.catalogue import Catalogue
from projections.ddl import engine, inspect


def log(tell: Tell, options: dict[str, Any]) -> bool:
    using = conf.database()
    api.catch_up()
    stream_id = _model(options["model"], None).id if options["model"] else None
    narrator = wording.Narrator(options["after"])
    for recorded in store.read(using, after=options["after"], stream_id=stream_id, limit=options["limit"]):
        tell(documents.event(recorded), narrator.sentence(recorded))
    return True


def show(tell: Tell, options: dict[str, Any]) -> bool:
    if options["model"]:
        models = [_model(options["model"], options["at"])]
    else:
        models = sorted(api.schema(options["at"]).live(), key=lambda m: m.label)
    for model in models:
        tell(model.as_dict(), "\n".join(_described(model)))
    return True


def diff(tell: Tell, options: dict[str, Any]) -> bool:
    for found in api.diff(options["a"], options["b"]):
        tell(found.as_dict(), found.sentence)
    return True


def retired(tell: Tell, options: dict[str, Any]) -> bool:
    for one in tombstones.tombstones(options["older_than"]):
        words = f"{one.since:%Y-%m-%d} {one.kind:<5} {one.label} [{one.held}] {one.id}"
        tell(one.as_dict(), words)
    return True


def verify(tell: Tell, options: dict[str, Any]) -> bool:
    against = None if options["against"] is None else operations.data(options["against"], "a signed head")
    if (against is None) != (options["public_key"] is None):
        raise SchemaRefused("a signed head is checked with its key: give both --against and --public-key")
    report = api.verify(against, options["public_key"] or b"")
    data = {"ok": report.ok, "events": report.events, "first_bad_position": report.first_bad_position}
    words = [f"{report.events} events verified" if report.ok else "the registry does not hold together"]
    tell({**data, "problems": report.problems}, "\n".join([*words, *(f"  {p}" for p in report.problems)]))
    return report.ok


@contextmanager
def as_found() -> Iterator[None]:
    """Without what every process mends at its first look at the log: a doctor looks first."""
    heal, pipeline.heal = pipeline.heal, None
    try:
        yield
    finally:
        pipeline.heal = heal


def doctor(tell: Tell, options: dict[str, Any]) -> bool:
    using = conf.database()
    if options["fix"] and not guards.present(connections[using]):
        guards.remove(connections[using])
        guards.install(connections[using])
        tell({"fixed": "guards"}, "installed the append-only triggers again")
    if options["fix"]:
        _resume(tell, using)
        _renew_snapshots(tell, using)
        _rebuild_if_needed(tell, using)
    left = recovery.pending(using)
    if left:
        tell(
            {"problem": "pending", "steps": left},
            f"an interrupted change still needs {_steps(left)}; --fix, or the next request, finishes it",
        )
    report = api.verify()
    behind = {name: at for name, at in store.checkpoints(using).items() if at != store.head(using).position}
    for problem in report.problems:
        tell({"problem": problem}, problem)
    for name, position in behind.items():
        tell({"problem": "behind", "projection": name, "position": position}, f"{name} is at {position}")
    if not report.ok and not options["fix"]:
        tell(
            {"remedy": "--fix"},
            "`dynamo doctor --fix` mends triggers and meta rows and finishes changes that were interrupted; "
            "it never touches tables otherwise",
        )
    if not report.ok and report.first_bad_position is None:
        _offer_statements(tell, using)
    if report.ok and not behind:
        tell({"ok": True, "position": store.head(using).position}, "all is well")
    return report.ok and not behind


def rebuild(tell: Tell, options: dict[str, Any]) -> bool:
    count, position = rebuilding.rebuild()
    tell({"rows": count, "position": position}, f"{count} rows written from {position} events")
    return True


def _described(model: ModelSchema) -> list[str]:
    lines = [f"{model.label} v{model.version} ({model.db_table})"]
    for field in model.fields:
        flags = [name for name in ("required", "unique", "unique_together") if getattr(field, name)]
        lines.append(f"  {field.name}: {' '.join([field.type, *flags])}")
    return lines


def _model(label: str, at: At) -> ModelSchema:
    found = api.schema(at).model(conf.full_label(label))
    if found is None:
        then = f"is no model {label!r}" if at is None else f"was no model {label!r} at {at}"
        raise ModelNotFound(f"there {then}", label=label)
    return found


def _resume(tell: Tell, using: str) -> None:
    left = recovery.pending(using)
    with engine.exclusive(using):
        if recovery.resume(using):
            api.catch_up()
            tell(
                {"fixed": "pending", "steps": left},
                f"finished an interrupted change, which needed {_steps(left)}",
            )


def _offer_statements(tell: Tell, using: str) -> None:
    """A plan for tables and columns that somebody dropped; nobody but a person should run it."""
    statements = inspect.remedy(api.schema(), using)
    if statements:
        words = "these statements would make what is missing, empty; restore a backup instead if you can:"
        tell(
            {"remedy": "sql", "statements": statements}, "\n".join([words, *(f"  {s};" for s in statements)])
        )


def _renew_snapshots(tell: Tell, using: str) -> None:
    _, odd = passes.verified(using)
    if odd:
        with atomic(using=using):
            mark, _now = store.lock(using)
            snapshots.forget(using)
            folded, _odd = passes.verified(using)
            snapshots.take(using, mark, lambda _: Catalogue.of(folded.models))
        tell({"fixed": "snapshots"}, "made the snapshots anew")


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _rebuild_if_needed(tell: Tell, using: str) -> None:
    folded, _odd = passes.verified(using)
    if rows.differences(api.Snapshot(folded, using), list(folded.live())):
        rebuild(tell, {})
