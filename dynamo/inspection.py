"""What the subcommands of `manage.py dynamo` do; each says its findings and returns whether all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import orjson
from django.db import connections
from django.db.transaction import atomic

from dynamo import api, documents, proposal, recovery, rows, wording
from dynamo.plans import Plan, Risk
from events import guards, store
from events.exceptions import ModelNotFound, SchemaRefused
from events.schema import ModelSchema
from projections import conf, pipeline, stream
from projections.ddl import engine

Tell: TypeAlias = Callable[[dict[str, Any], str], None]

# Exit codes; True and False are the first two.
PENDING, UNCONFIRMED = 2, 3


def log(tell: Tell, options: dict[str, Any]) -> bool:
    using = conf.database()
    api.catch_up()
    stream_id = _model(options["model"], None).id if options["model"] else None
    for recorded in store.read(using, after=options["after"], stream_id=stream_id, limit=options["limit"]):
        tell(documents.event(recorded), wording.sentence(recorded))
    return True


def show(tell: Tell, options: dict[str, Any]) -> bool:
    if options["model"]:
        models = [_model(options["model"], options["at"])]
    else:
        models = sorted(api.schema(options["at"]).live(), key=lambda m: m.label)
    for model in models:
        tell(model.as_dict(), "\n".join(_described(model)))
    return True


def verify(tell: Tell, options: dict[str, Any]) -> bool:
    report = api.verify()
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
    if report.ok and not behind:
        tell({"ok": True, "position": store.head(using).position}, "all is well")
    return report.ok and not behind


def plan(tell: Tell, options: dict[str, Any]) -> bool | int:
    """2 says that there is something to do, 3 that values would be lost, 1 that it would be refused."""
    try:
        document = orjson.loads(options["file"])
    except ValueError as error:
        raise SchemaRefused(f"the proposal is not JSON: {error}") from error
    made = api.plan(*proposal.changes(document))
    tell(made.as_dict(), "\n".join(_planned(made, sql=options["sql"])))
    if not made.ok:
        return False
    if not made:
        return True
    return UNCONFIRMED if made.risk is Risk.DESTRUCTIVE else PENDING


def retire(tell: Tell, options: dict[str, Any]) -> bool:
    row = proposal.retire(options["what"])
    tell({"retired": options["what"]}, f"retired {row}; `dynamo restore` brings it back")
    return True


def restore(tell: Tell, options: dict[str, Any]) -> bool:
    row = api.restore(
        options["what"],
        name=options["name"],
        backfill=options["backfill"],
        on_error="null" if options["null"] else "fail",
    )
    tell({"restored": options["what"], "id": str(row.pk)}, f"restored {row}")
    return True


def purge(tell: Tell, options: dict[str, Any]) -> bool | int:
    if not options["yes"]:
        (operation,) = api.plan(lambda: api.purge(options["what"])).operations
        text = f"would {operation.sentence} with its values, for good; say --yes to do so"
        tell({"unconfirmed": options["what"]}, text)
        return UNCONFIRMED
    api.purge(options["what"])
    tell({"purged": options["what"]}, f"dropped {options['what']}")
    return True


def rebuild(tell: Tell, options: dict[str, Any]) -> bool:
    """Under the writers' lock, so that no change comes between reading the log and writing the rows."""
    using = conf.database()
    with atomic(using=using):
        store.lock(using)
        folded = api.schema()
        count = rows.rebuild(api.Snapshot(folded, using), list(folded.live()))
    pipeline.reset()
    tell({"rows": count, "position": folded.position}, f"{count} rows written from {folded.position} events")
    return True


def tail(tell: Tell, options: dict[str, Any]) -> bool:
    try:
        for recorded in stream.follow(options["after"]):
            tell(documents.event(recorded), wording.sentence(recorded))
    except KeyboardInterrupt:
        pass
    return True


def _planned(made: Plan, *, sql: bool) -> Iterator[str]:
    if not made:
        yield "nothing to do"
        return
    # First, as nothing of what follows would happen then, however safe it is.
    yield from (f"REFUSED      {refusal}" for refusal in made.refusals)
    for operation in made.operations:
        rows = ", ".join(f"{count} {what}" for what, count in operation.rows.items())
        yield f"{operation.risk.upper():<12} {operation.sentence}" + (f" [rows: {rows}]" if rows else "")
    yield from (f"lock         {note}" for note in made.locks)
    if sql:
        yield from (f"sql          {line}" for line in made.sql.get(made.vendor, ()))
    yield f"hash         {made.hash}"


def _described(model: ModelSchema) -> list[str]:
    lines = [f"{model.label} v{model.version} ({model.db_table})"]
    for field in model.fields:
        flags = [name for name in ("required", "unique", "unique_together") if getattr(field, name)]
        lines.append(f"  {field.name}: {' '.join([field.type, *flags])}")
    return lines


def _model(label: str, at: int | None) -> ModelSchema:
    found = api.schema(at).model(label if "." in label else f"{conf.default_app()}.{label}")
    if found is None:
        raise ModelNotFound(f"there is no model {label!r} at that position", label=label)
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


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _rebuild_if_needed(tell: Tell, using: str) -> None:
    folded = api.schema()
    if rows.differences(api.Snapshot(folded, using), list(folded.live())):
        rebuild(tell, {})
