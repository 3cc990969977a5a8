"""What those subcommands of `manage.py dynamo` do that change the schema, or bring it somewhere else.

Each returns True, or the exit code. Those that may change much show their plan first.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from dynamo import api, documents, moments, proposal, signing, tombstones
from dynamo.models import MetaModel
from dynamo.plans import Plan, Risk
from events.exceptions import DynamoError, SchemaRefused
from projections import conf

Tell: TypeAlias = Callable[[dict[str, Any], str], None]

# Exit codes; True and False are the first two.
PENDING, UNCONFIRMED = 2, 3
YAML: Final = "YAML needs the PyYAML package: pip install 'django-dynamo-registry[yaml]'"


def plan(tell: Tell, options: dict[str, Any]) -> bool | int:
    """2 says that there is something to do, 3 that values would be lost, 1 that it would be refused."""
    document = data(options["file"], "the proposal")
    return _show(tell, api.plan(*proposal.changes(document)), sql=options["sql"])


def retire(tell: Tell, options: dict[str, Any]) -> bool:
    row = proposal.retire(options["what"])
    tell({"retired": options["what"]}, f"retired {_label(row)}; `dynamo restore` brings it back")
    return True


def restore(tell: Tell, options: dict[str, Any]) -> bool:
    row = api.restore(
        options["what"],
        name=options["name"],
        backfill=options["backfill"],
        on_error="null" if options["null"] else "fail",
    )
    tell({"restored": options["what"], "id": str(row.pk)}, f"restored {_label(row)}")
    return True


def purge(tell: Tell, options: dict[str, Any]) -> bool | int:
    """One thing by name, or all that was retired long enough ago, in one change set."""
    if (options["what"] is None) == (options["older_than"] is None):
        raise SchemaRefused("say what to purge, or how old it has to be with --older-than")
    if options["what"] is not None:
        chosen = [_chosen(options["what"])]
    else:
        chosen = tombstones.tombstones(options["older_than"])
    # What belongs to a retired model goes with it.
    models = {one.id for one in chosen if one.kind == "model"}
    chosen = [one for one in chosen if one.kind == "model" or one.model_id not in models]
    if not chosen:
        tell({"purged": []}, "nothing to purge")
        return True
    if not options["yes"]:
        for one in chosen:
            text = f"would drop {one.kind} {one.label} with {one.held}, for good"
            tell({"unconfirmed": one.label, "values": one.values}, text)
        tell({"remedy": "--yes"}, "say --yes to do so; --export FOLDER writes the values out first")
        return UNCONFIRMED
    if options["export"] is not None:
        _export_values(tell, chosen, Path(options["export"]))
    with api.batch(reason="purge"):
        for one in chosen:
            api.purge(one.id)
    for one in chosen:
        text = f"dropped {one.kind} {one.label} with {one.held}, for good"
        tell({"purged": one.label, "values": one.values}, text)
    return True


def tag(tell: Tell, options: dict[str, Any]) -> bool:
    if options["name"] is None:
        if options["at"] is not None or options["note"]:
            raise SchemaRefused("--at and --note are for a tag: give its name")
        for name, position in api.tags().items():
            tell({"tag": name, "position": position}, f"{position:>6} {name}")
        return True
    position = api.tag(options["name"], options["at"], options["note"])
    tell({"tag": options["name"], "position": position}, f"{options['name']} is position {position}")
    return True


def rollback(tell: Tell, options: dict[str, Any]) -> bool | int:
    to = moments.position(options["to"])

    def change(**bound: Any) -> Any:
        return api.rollback(
            to,
            options["model"],
            backfill=_values(options["backfill"]),
            on_error="null" if options["null"] else "fail",
            purged="empty" if options["empty"] else "fail",
            **bound,
        )

    return _planned_first(tell, change, options)


def export(tell: Tell, options: dict[str, Any]) -> bool:
    if options["folder"] is not None and (options["output"] is not None or options["yaml"]):
        raise SchemaRefused("--folder writes JSON files of its own; leave out --output and --yaml")
    document = api.export(options["content"], at=options["at"], models=options["models"])
    if options["folder"] is not None:
        _write_files(tell, document, Path(options["folder"]), whole=not options["models"])
        return True
    written = as_yaml(document) if options["yaml"] else documents.encode(document)
    if options["output"] is None:
        tell(document, written.decode().rstrip("\n"))
        return True
    with _writing(Path(options["output"])):
        Path(options["output"]).write_bytes(written)
    tell({"written": options["output"], "hash": document["hash"]}, f"{options['output']}: {document['hash']}")
    return True


def apply(tell: Tell, options: dict[str, Any]) -> bool | int:
    document = _document(options["file"])

    def change(**bound: Any) -> Any:
        return api.apply(
            document,
            options["mode"],
            backfill=_values(options["backfill"]),
            on_error=options["on_error"],
            **bound,
        )

    return _planned_first(tell, change, options)


def sign(tell: Tell, options: dict[str, Any]) -> bool:
    path = Path(options["key"])
    if options["new_key"]:
        _write_new_key(path)
    try:
        key = path.read_bytes()
    except OSError as error:
        raise DynamoError(f"{path} cannot be read: {error.strerror}; --new-key makes a key there") from error
    signed = signing.sign(key)
    tell(signed, documents.encode(signed).decode().rstrip("\n"))
    return True


def data(contents: bytes, what: str) -> Any:
    try:
        return orjson.loads(contents)
    except ValueError as error:
        raise SchemaRefused(f"{what} is not JSON: {error}") from error


def as_yaml(document: Mapping[str, Any]) -> bytes:
    try:
        import yaml
    except ImportError as error:
        raise DynamoError(YAML) from error
    text: str = yaml.safe_dump(document, sort_keys=True, allow_unicode=True, width=100)
    return text.encode()


def _planned_first(tell: Tell, change: Callable[..., Any], options: Mapping[str, Any]) -> bool | int:
    """Show the plan; then do just that, unless it is refused, only asked for, or would lose values."""
    made = api.plan(change)
    code = _show(tell, made, sql=options["sql"])
    if code is True or code is False or options["plan"]:
        return code
    if code == UNCONFIRMED and not options["yes"]:
        tell({"remedy": "--yes"}, "values would be lost: say --yes to do so")
        return code
    recorded = change(expected=options["expected"] or made.token)
    tell({"recorded": len(recorded), "position": recorded[-1].position}, f"done: {len(recorded)} events")
    return True


def _show(tell: Tell, made: Plan, *, sql: bool) -> bool | int:
    tell(made.as_dict(), "\n".join(_planned(made, sql=sql)))
    if not made.ok:
        return False
    if not made:
        return True
    return UNCONFIRMED if made.risk is Risk.DESTRUCTIVE else PENDING


def _planned(made: Plan, *, sql: bool) -> Iterator[str]:
    if not made:
        yield "nothing to do"
        return
    # First, as nothing of what follows would happen then, however safe it is.
    yield from (f"REFUSED      {refusal}" for refusal in made.refusals)
    for operation in made.operations:
        rows = ", ".join(f"{count} {what}" for what, count in operation.rows.items())
        yield f"{operation.risk.upper():<12} {operation.sentence}" + (f" [rows: {rows}]" if rows else "")
    yield from (f"note         {note}" for note in made.notes)
    yield from (f"lock         {note}" for note in made.locks)
    if sql:
        yield from (f"sql          {line}" for line in made.sql.get(made.vendor, ()))
    yield f"token        {made.token}"


def _chosen(what: str) -> tombstones.Tombstone:
    short = [one for one in tombstones.tombstones() if what == one.id or what in conf.names(one.label)]
    if not short:
        raise SchemaRefused(f"nothing that was retired is called {what!r}; `dynamo retired` lists what is")
    return short[-1]


def _label(row: Any) -> str:
    """app.Model, or app.Model.field."""
    return str(row) if isinstance(row, MetaModel) else f"{row.meta_model}.{row}"


def _values(pairs: list[str] | None) -> dict[str, Any]:
    """Values for existing rows, each given as app.Model.field=JSON."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, text = pair.partition("=")
        if not equals:
            raise SchemaRefused(f"{pair!r} is no value for rows: give app.Model.field=JSON")
        found[name] = data(text.encode(), f"the value of {name}")
    return found


def _document(path: str) -> Any:
    """A file, standard input for -, or a folder with a file per model."""
    folder = Path(path)
    if path != "-" and folder.is_dir():
        files = sorted(p for p in folder.iterdir() if p.suffix in (".json", ".yaml", ".yml"))
        if not files:
            raise SchemaRefused(f"there is no document in {path}")
        return documents.joined(_read(p.read_bytes(), p.name) for p in files)
    try:
        contents = sys.stdin.buffer.read() if path == "-" else folder.read_bytes()
    except OSError as error:
        raise DynamoError(f"{path} cannot be read: {error.strerror}") from error
    return _read(contents, path)


def _read(contents: bytes, name: str) -> Any:
    if not name.endswith((".yaml", ".yml")):
        return data(contents, name)
    try:
        import yaml
    except ImportError as error:
        raise DynamoError(YAML) from error
    try:
        return yaml.safe_load(contents)
    except yaml.YAMLError as error:
        raise SchemaRefused(f"{name} is not YAML: {error}") from error


def _write_files(tell: Tell, document: Mapping[str, Any], folder: Path, *, whole: bool) -> None:
    """One file per model. Files of models that are gone go too, or `apply` would bring those back."""
    if document["dynamo"] != documents.SCHEMA:
        raise SchemaRefused("only a schema is exported as files per model; write a history to one file")
    files = documents.split(document)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, contents in files.items():
            (folder / name).write_bytes(contents)
            tell({"written": str(folder / name)}, str(folder / name))
        for path in sorted(folder.glob("*.json")) if whole else ():
            if path.name not in files and documents.is_of_one_model(path.read_bytes()):
                path.unlink()
                tell({"removed": str(path)}, f"removed {path}, whose model is not there")


def _export_values(tell: Tell, chosen: list[tombstones.Tombstone], folder: Path) -> None:
    for one in chosen:
        path = folder / f"{one.label}.{one.position}.jsonl"
        # Under its own name only when it is whole.
        unfinished = path.with_suffix(".part")
        with _writing(path):
            folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.writelines(tombstones.lines(one))
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            unfinished.rename(path)
        tell({"written": str(path)}, str(path))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DynamoError(f"{path} cannot be written: {error.strerror}; nothing was changed") from error


def _write_new_key(path: Path) -> None:
    """Readable by its owner only, and never over a key that is there."""
    private = signing.new_key()
    public = path.with_name(f"{path.name}.pub")
    try:
        if public.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(private)
        public.write_bytes(signing.public_key(private))
    except OSError as error:
        raise DynamoError(f"{path} cannot be made: {error.strerror}") from error
