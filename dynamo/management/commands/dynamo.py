"""`manage.py dynamo`: one command with subcommands.

Exit 0 is ok, 1 an error, 2 that changes are pending, 3 that something destructive was not confirmed.
"""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from dynamo import inspection
from dynamo.context import acting
from events.exceptions import DynamoError

SUBCOMMANDS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "log": (inspection.log, "List recorded events, oldest first."),
    "show": (inspection.show, "Show the schema, or that of one model."),
    "verify": (inspection.verify, "Check the log, the tables and the meta rows against each other."),
    "doctor": (inspection.doctor, "Say what is wrong and how to mend it; --fix mends what is safe."),
    "rebuild": (inspection.rebuild, "Write the meta rows anew from the log."),
    "plan": (
        inspection.plan,
        "Say what a file of changes would do. Exit 2: something; 3: values would be lost.",
    ),
    "retire": (inspection.retire, "Hide a model or field and keep its values."),
    "restore": (inspection.restore, "Bring back what was retired, with its values."),
    "purge": (inspection.purge, "Drop what was retired, with its values, for good. Exit 3 without --yes."),
    "tail": (inspection.tail, "Print events as they are recorded, until interrupted."),
}


class Subparser(ArgumentParser):
    """Bad arguments are an error, exit code 1: 2 means that changes are pending."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: error: {message}\n")


def whole(text: str) -> int:
    """A number that is not negative, for argparse."""
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


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

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", required=True, parser_class=Subparser)
        made = {name: commands.add_parser(name, help=text) for name, (_, text) in SUBCOMMANDS.items()}
        for sub in made.values():
            sub.add_argument("--json", action="store_true", help="one JSON document per line on stdout")
        for name in ("log", "show"):
            made[name].add_argument("model", nargs="?", help="app.Name; all models without it")
        for name in ("log", "tail"):
            made[name].add_argument("--after", type=whole, default=0, help="begin after this position")
        made["log"].add_argument("--limit", type=whole, default=None, help="at most this many events")
        made["show"].add_argument("--at", type=whole, default=None, help="as of this position")
        made["plan"].add_argument("file", type=contents, help="JSON list of changes; - for stdin")
        made["plan"].add_argument("--sql", action="store_true", help="show the statements too")
        for name in ("retire", "restore", "purge"):
            made[name].add_argument("what", help="app.Model, or app.Model.field")
        made["restore"].add_argument("--name", default="", help="give it another name")
        made["restore"].add_argument(
            "--backfill", type=json_value, help="what rows without a value get, as JSON"
        )
        made["restore"].add_argument(
            "--null", action="store_true", help="empty references to rows that are gone"
        )
        made["purge"].add_argument("--yes", action="store_true", help="confirm that the values go for good")
        made["doctor"].add_argument("--fix", action="store_true", help="mend what is safe to mend")

    def execute(self, *args: Any, **options: Any) -> Any:
        """The checks that come before `handle` look at the log already."""
        with inspection.as_found() if options["subcommand"] == "doctor" else nullcontext():
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        run = SUBCOMMANDS[options["subcommand"]][0]
        try:
            with acting(actor=f"os:{getpass.getuser()}", source="command"):
                ok = run(self._printer(as_json=options["json"]), options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except DynamoError as error:
            raise CommandError(str(error)) from error
        if ok is not True:
            sys.exit(ok or 1)

    def _printer(self, *, as_json: bool) -> Callable[[dict[str, Any], str], None]:
        """Each line is said twice: as data for --json, and in words."""

        def tell(data: dict[str, Any], words: str) -> None:
            self.stdout.write(orjson.dumps(data).decode() if as_json else words)
            self.stdout.flush()

        return tell
