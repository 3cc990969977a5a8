"""`manage.py dynamo`: one command with subcommands.

Exit 0 is ok, 1 an error, 2 that changes are pending, 3 that something destructive was not confirmed.
"""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, no_translations

from dynamo import inspection, operations, streaming
from dynamo.context import acting
from events.envelope import uuid7
from events.exceptions import DynamoError
from projections.stream import tokens

SUBCOMMANDS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "log": (inspection.log, "List recorded events, oldest first."),
    "show": (inspection.show, "Show the schema, or that of one model, now or at a moment."),
    "diff": (inspection.diff, "Say what separates two moments of the schema."),
    "verify": (inspection.verify, "Check the log, the tables and the meta rows against each other."),
    "doctor": (inspection.doctor, "Say what is wrong and how to mend it; --fix mends what is safe."),
    "rebuild": (inspection.rebuild, "Write the meta rows anew from the log."),
    "plan": (
        operations.plan,
        "Say what a file of changes would do. Exit 2: something; 3: values would be lost.",
    ),
    "tag": (operations.tag, "Give a moment a name; without one, list the names."),
    "rollback": (
        operations.rollback,
        "Return to the schema of a moment, showing the plan first. Exit 3: values would be lost.",
    ),
    "retire": (operations.retire, "Hide a model or field and keep its values."),
    "retired": (inspection.retired, "List what was retired and is kept, the oldest first."),
    "restore": (operations.restore, "Bring back what was retired, with its values."),
    "purge": (operations.purge, "Drop what was retired, with its values, for good. Exit 3 without --yes."),
    "export": (operations.export, "Write the schema, or its history, as a document."),
    "apply": (
        operations.apply,
        "Make the schema what a document says, showing the plan first. Exit 3: values would be lost.",
    ),
    "sign": (operations.sign, "Sign where the log is now, for `verify --against`."),
    "tail": (
        streaming.tail,
        "Print events as they are recorded, here or by another server's stream, until interrupted.",
    ),
    "token": (streaming.token, "Print a token by which a service follows the stream as a user."),
}

MOMENT: Final = "a position, a time in ISO 8601 or a tag"


class Subparser(ArgumentParser):
    """Bad arguments are an error, exit code 1: 2 means that changes are pending."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def whole(text: str, least: int = 0) -> int:
    """A whole number that is large enough, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise ArgumentTypeError(f"must be a whole number, {least} or more; not {text!r}")
    return int(text)


def days(text: str) -> timedelta:
    """A number of days, for argparse."""
    return timedelta(days=min(whole(text), 100_000))


def contents(path: str) -> bytes:
    """What a file has in it, or standard input for -, for argparse."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise ArgumentTypeError(f"{path} cannot be read: {error.strerror}") from error


def json_value(text: str) -> Any:
    """A JSON value, for argparse."""
    try:
        return orjson.loads(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not JSON; quote text twice, as '\"text\"'") from None


class Command(BaseCommand):
    help = "The schema registry: its log, its state and its health."
    # It is what mends a project whose code and schema do not fit together.
    requires_system_checks = ()

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        """A subcommand that is missing or unknown is an error as well, so it exits with 1 too."""
        parser = super().create_parser(*args, **kwargs)
        leave = parser.exit
        parser.exit = lambda status=0, message=None: leave(min(status, 1), message)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", required=True, parser_class=Subparser)
        made = {name: commands.add_parser(name, help=text) for name, (_, text) in SUBCOMMANDS.items()}
        for sub in made.values():
            sub.add_argument("--json", action="store_true", help="one JSON document per line on stdout")
        for name in ("log", "show"):
            made[name].add_argument("model", nargs="?", help="app.Name; all models without it")
        made["log"].add_argument("--after", type=whole, default=0, help="begin after this position")
        self._add_stream(made)
        made["log"].add_argument("--limit", type=whole, default=None, help="at most this many events")
        for name in ("show", "tag", "export"):
            made[name].add_argument("--at", default=None, help=f"as of {MOMENT}")
        made["diff"].add_argument("a", help=MOMENT)
        made["diff"].add_argument("b", nargs="?", default=None, help=f"{MOMENT}; now without it")
        made["verify"].add_argument("--against", type=contents, help="a head that `sign` wrote")
        made["verify"].add_argument("--public-key", type=contents, help="the key to check it with, as PEM")
        made["plan"].add_argument("file", type=contents, help="JSON list of changes; - for stdin")
        for name in ("plan", "rollback", "apply"):
            made[name].add_argument("--sql", action="store_true", help="show the statements too")
        for name in ("retire", "restore"):
            made[name].add_argument("what", help="app.Model, or app.Model.field")
        self._add_moves(made)
        made["restore"].add_argument("--name", default="", help="give it another name")
        made["restore"].add_argument(
            "--backfill", type=json_value, help="what rows without a value get, as JSON"
        )
        made["restore"].add_argument(
            "--null", action="store_true", help="empty references to rows that are gone"
        )
        made["purge"].add_argument("what", nargs="?", help="app.Model, app.Model.field, or an id")
        for name in ("purge", "retired"):
            made[name].add_argument("--older-than", type=days, metavar="DAYS", help="retired so long ago")
        made["purge"].add_argument("--export", metavar="FOLDER", help="write the values there first")
        for name in ("purge", "rollback", "apply"):
            made[name].add_argument("--yes", action="store_true", help="confirm that values are lost")
        made["doctor"].add_argument("--fix", action="store_true", help="mend what is safe to mend")

    def _add_moves(self, made: Mapping[str, ArgumentParser]) -> None:
        """Arguments of what brings the schema somewhere else, and of what carries it there."""
        made["tag"].add_argument("name", nargs="?", help="letters, digits, '.', '_' and '-'")
        made["tag"].add_argument("--note", default="", help="for readers")
        made["rollback"].add_argument("to", help=MOMENT)
        made["rollback"].add_argument("--model", help="app.Name; all models without it")
        made["rollback"].add_argument(
            "--null", action="store_true", help="empty what does not fit or refers to nothing any more"
        )
        made["rollback"].add_argument(
            "--empty", action="store_true", help="bring back without values what was purged"
        )
        made["export"].add_argument("models", nargs="*", help="app.Name; all models without it")
        made["export"].add_argument(
            "--content", choices=("schema", "history", "both"), default="schema", help="what to write"
        )
        made["export"].add_argument("--output", metavar="FILE", help="a file instead of standard output")
        made["export"].add_argument("--folder", help="a folder, with one file per model")
        made["export"].add_argument("--yaml", action="store_true", help="YAML instead of JSON")
        made["apply"].add_argument("file", help="a document, a folder with one per model, or - for stdin")
        made["apply"].add_argument(
            "--mode",
            choices=("merge", "mirror"),
            default="merge",
            help="mirror also retires what is not in it",
        )
        made["apply"].add_argument(
            "--on-error",
            choices=("fail", "null", "keep"),
            default="fail",
            help="what becomes of values that do not convert",
        )
        for name in ("rollback", "apply"):
            made[name].add_argument("--plan", action="store_true", help="only show the plan")
            made[name].add_argument("--expected", metavar="TOKEN", help="refuse anything but this plan")
            made[name].add_argument(
                "--backfill",
                action="append",
                metavar="FIELD=JSON",
                help="what rows without a value get, as app.Model.field=JSON; may be repeated",
            )
        made["sign"].add_argument("--key", required=True, help="file of a private Ed25519 key, as PEM")
        made["sign"].add_argument(
            "--new-key", action="store_true", help="make that key first, and its public half beside it"
        )

    def _add_stream(self, made: Mapping[str, ArgumentParser]) -> None:
        """Arguments of what follows the stream, or lets others follow it."""
        made["tail"].add_argument(
            "--after",
            type=whole,
            help="begin after this position; here at 0, elsewhere at the head without it",
        )
        made["tail"].add_argument(
            "--url", help="the stream of another server, as https://host/dynamo/events/"
        )
        made["tail"].add_argument(
            "--token-file", metavar="FILE", help=f"the token for it; or set {streaming.VARIABLE}"
        )
        made["tail"].add_argument("--place", metavar="FILE", help="keep the position there between runs")
        made["token"].add_argument("user", help="whose rights it has, by the name to log in with")
        made["token"].add_argument(
            "--seconds",
            type=partial(whole, least=1),
            default=tokens.SECONDS,
            help="how long it is good for; default: %(default)s",
        )

    def execute(self, *args: Any, **options: Any) -> Any:
        """The checks that come before `handle` look at the log already."""
        with inspection.as_found() if options["subcommand"] == "doctor" else nullcontext():
            return super().execute(*args, **options)

    # All texts of the command line are English, so those that pages have too must not be another language.
    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        run = SUBCOMMANDS[options["subcommand"]][0]
        try:
            with acting(actor=f"os:{getpass.getuser()}", source="command", correlation_id=uuid7()):
                ok = run(self._printer(as_json=options["json"]), options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except DynamoError as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            # Who reads has enough, as `head` has. What is left is written when Python ends, to nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if ok is not True:
            sys.exit(ok or 1)

    def _printer(self, *, as_json: bool) -> Callable[[dict[str, Any], str], None]:
        """Each line is said twice: as data for --json, and in words."""

        def tell(data: dict[str, Any], words: str) -> None:
            self.stdout.write(orjson.dumps(data, default=str).decode() if as_json else words)
            self.stdout.flush()

        return tell
