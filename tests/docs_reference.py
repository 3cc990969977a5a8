"""Write the reference pages in docs/reference/ from the code, or check that they are what the code says.

usage: python -m tests.docs_reference [--check]
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
NOTICE = "<!-- Written by `make docs` from the code. Edit the code, not this page. -->"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the reference pages.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args().check
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()

    stale = [name for name, page in PAGES.items() if is_stale(name, page(), write=not check)]
    for name in stale:
        state = "is stale; run make docs" if check else "written"
        print(f"docs/reference/{name} {state}", file=sys.stderr)
    return int(check and bool(stale))


def is_stale(name: str, text: str, *, write: bool) -> bool:
    """Tell whether the page differs from `text`, and bring it up to date if asked to."""
    path = FOLDER / name
    if path.exists() and path.read_text() == text:
        return False
    if write:
        path.write_text(text)
    return True


def page(title: str, introduction: str, *sections: str) -> str:
    return "\n\n".join([f"# {title}", NOTICE, introduction, *sections]) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    return f"`{value}`"


def first_line(item: Any) -> str:
    return (item.__doc__ or "").strip().partition("\n")[0]


def settings_page() -> str:
    from projections.conf import SETTINGS

    rows = [(code(s.name), code(repr(s.default)), type_names(s.type), s.help) for s in SETTINGS]
    return page(
        "Settings",
        "All of them are optional. They are read when they are needed, so tests can override them. "
        "`manage.py check` reports a `DYNAMO_` setting that is not listed here.",
        table(("Name", "Default", "Type", "Meaning"), rows),
    )


def type_names(types: type | tuple[type, ...]) -> str:
    return " or ".join(one.__name__ for one in (types if isinstance(types, tuple) else (types,)))


def fields_page() -> str:
    from projections.fields import POSTGRESQL, STOCK

    return page(
        "Field types",
        "`MetaField.type` is one of these names, or one that `DYNAMO_FIELD_TYPES` allows. "
        "`MetaField.options` takes the options of its type and refuses all others. "
        "They mean what Django's documentation of the field says. `default_factory` names what computes the "
        "default of each new row.",
        field_table(STOCK.values()),
        "## On PostgreSQL only",
        "Other databases refuse them. `base_field` names the type of an array's elements and `base_options` "
        "has its options. Defaults are JSON: a list, an object, and for ranges `[1, 5]` or "
        '`{"lower": 1, "upper": 5, "bounds": "[)"}`. `HStoreField` needs `django.contrib.postgres` in '
        "`INSTALLED_APPS` and PostgreSQL's extension `hstore`; the others need neither. Lists of texts are "
        "edited as JSON in forms, since a comma may be part of a text.",
        field_table(POSTGRESQL.values()),
    )


def field_table(types: Iterable[Any]) -> str:
    rows = [
        (code(row.name), str(row.says), code(row.example), options(row), codes(row.needs)) for row in types
    ]
    return table(("Type", "What it holds", "Example", "Options", "Needed"), rows)


def options(row: Any) -> str:
    """The options of a field type; with what computes a default, as that is ours and not Django's."""
    named = {name: code(name) for name in row.all_options}
    if row.factories:
        named["default_factory"] += f" ({codes(row.factories)})"
    return ", ".join(named.values()) or "none"


def attributes_page() -> str:
    from dynamo import field_rules, intent, validators
    from dynamo.models import MetaField, MetaModel

    return page(
        "Attributes",
        "What is set on the rows of the two meta models. A JSON attribute takes lists, objects and plain "
        "values, as JSON has them; anything else is refused.",
        "## `MetaModel`",
        attribute_table(MetaModel),
        f"`options` is an object with any of {codes(intent.MODEL_OPTIONS)}. The first two are texts of at "
        f"most {validators.LONGEST_LABEL} characters. `ordering` is a list of field names, with `-` before "
        'those that go down, such as `["-year", "title"]`. `display` names the field whose value stands for '
        "a row.",
        "## `MetaField`",
        attribute_table(MetaField),
        "- `required` says that each row has a value, `unique` that no two rows have the same.\n"
        f"- `verbose_name` is one line; `help` and `description` have at most {validators.LONGEST_TEXT} "
        "characters, in as many lines as you like.\n"
        '- `choices` are pairs of a value and a label, `[["s", "Small"], ["l", "Large"]]`, or groups of '
        f'these, `[["Sizes", [["s", "Small"]]]]`: at most {field_rules.MOST_CHOICES}. The text `s, l` is '
        "read as values that are their own labels.\n"
        "- `default` is JSON that the type can read: a date is text in ISO 8601, a decimal number is text or "
        "a number. It has no code in it; the option `default_factory` of some [types](fields.md) computes "
        "one.\n"
        "- `unique_together` is a flag: the fields of the model that have it are unique in combination.\n"
        f"- `order` is a whole number from 0 to {validators.LARGEST_ORDER}; a new field without one comes "
        "last.\n"
        "- `options` are those of the [field type](fields.md).",
    )


def attribute_table(model: Any) -> str:
    rows = [attribute(model._meta.get_field(name)) for name in model.ATTRIBUTES]
    return table(("Attribute", "Kind", "Longest", "Default", "Meaning"), rows)


def attribute(field: Any) -> tuple[str, ...]:
    from django.db import models

    kinds = {models.JSONField: "JSON", models.BooleanField: "flag", models.PositiveIntegerField: "number"}
    default = "" if not field.has_default() or callable(field.default) else repr(field.default)
    return (
        code(field.name),
        kinds.get(type(field), "text"),
        str(field.max_length or ""),
        code(default) if default else "",
        str(field.help_text),
    )


def functions_page() -> str:
    import dynamo

    sections = []
    for name in dynamo.__all__:
        function = getattr(dynamo, name)
        sections += [f"## `dynamo.{name}`", f"```python\n{called(name, function)}\n```", first_line(function)]
    return page("Functions", "What `dynamo` offers to code. The docstrings say more.", *sections)


class Unquoted(str):
    """An annotation as it stands in the code, which has it as text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def called(name: str, function: Any) -> str:
    """How a function is called, with the types of its arguments and of what it returns."""
    signature = inspect.signature(function)
    given = [one.replace(annotation=Unquoted(one.annotation)) for one in signature.parameters.values()]
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        return f"with dynamo.{name}{inspect.Signature(given)}"
    returned = Unquoted(signature.return_annotation)
    return f"dynamo.{name}{inspect.Signature(given, return_annotation=returned)}"


def conversions_page() -> str:
    from projections.conversions import modes, overview

    groups = [(name, codes(types) or "from `DYNAMO_FIELD_TYPES`") for name, types in overview.members()]
    ways = [(old, ", ".join(news) or "nothing else") for old, news in overview.matrix()]
    rules = [(", ".join(olds), ", ".join(news), mode, says) for olds, news, mode, says in overview.between()]
    return page(
        "Conversions",
        "What becomes of the values when a field's type or options change. A conversion keeps what a value "
        "says, or fails for it: nothing is rounded, cut off or guessed. A change that some value fails is "
        "refused with their number and some of them, unless `save(on_error=...)` says what they become. The "
        "verdict is the same on every database. Choices have no part in it.",
        "## Modes",
        table(("Mode", "What happens"), [(code(mode), says) for mode, says in modes.MODES.items()]),
        "## Groups of types",
        "Types of one group hold the same kind of value.",
        table(("Group", "Types"), groups),
        "## From where to where",
        "Every way that is not listed is refused.",
        table(("From", "To"), ways),
        "## Between groups",
        "Empty text means no value in a type that is not text. JSON's `null` is no value.",
        table(("From", "To", "Mode", "Values that convert, and what they become"), rules),
        "## Within a group",
        table(("Group", "What happens"), overview.within()),
    )


def errors_page() -> str:
    from events import exceptions

    every = (item for item in vars(exceptions).values() if isinstance(item, type))
    classes = [item for item in every if issubclass(item, exceptions.DynamoError)]
    rows = [
        (code(item.__name__), codes(base.__name__ for base in item.__bases__), first_line(item))
        for item in classes
    ]
    return page(
        "Errors",
        "Import them from `dynamo.exceptions`. Bad input raises Django's own `ValidationError`. "
        "Refusals, conflicts and failures raise one of these.",
        table(("Error", "Is a", "When"), rows),
    )


def signals_page() -> str:
    from projections.signals import ANNOUNCED_BY

    rows = []
    for name, arguments in signal_arguments():
        events = [event for event, kind in ANNOUNCED_BY.items() if kind in name]
        rows.append((code(name), codes(arguments.split(", ")), codes(events)))
    return page(
        "Signals",
        "Import them from `dynamo.signals`. The sender of a model signal is `MetaModel`, that of a field "
        "signal is the generated class. Besides the arguments below each carries `events`, `position` and "
        "`actor`. Models are generated classes, fields are `MetaField` rows.",
        "A receiver of a `pre_` signal runs inside the transaction, before the table changes, and refuses "
        "the change by raising. A receiver of a `post_` signal runs after the commit; what it raises is "
        "logged.",
        table(("Signal", "Arguments", "Sent for"), rows),
    )


def signal_arguments() -> Iterator[tuple[str, str]]:
    """Read each signal's arguments from the comment behind it: Django's signals do not declare them."""
    source = (ROOT / "projections" / "signals.py").read_text()
    for found in re.finditer(r"^(\w+) = Signal\(\)  # (.+)$", source, re.MULTILINE):
        yield found[1], found[2]


def codes(values: Iterable[object]) -> str:
    return ", ".join(map(code, values))


def checks_page() -> str:
    from dynamo import checks

    documented = dict(system_checks(checks))
    used = set(re.findall(r'id="(dynamo\.\w+)"', Path(checks.__file__).read_text()))
    assert used == set(documented), f"say in a check's docstring what {used ^ set(documented)} means"
    levels = {"E": "error", "I": "information", "W": "warning"}
    rows = [(code(key), levels[key[7]], meaning) for key, meaning in sorted(documented.items())]
    return page(
        "System checks",
        "`manage.py check` runs them and says how to mend what they find. Silence one with Django's "
        "`SILENCED_SYSTEM_CHECKS`.",
        table(("Id", "Level", "Reported when"), rows),
    )


def system_checks(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Read ids and meanings from the docstrings of the checks: "dynamo.E001: unknown setting."."""
    for name, check in vars(module).items():
        if name.startswith("check_"):
            text = " ".join((check.__doc__ or "").split())
            for found in re.finditer(r"(dynamo\.[EIW]\d+): (.+?)(?= dynamo\.[EIW]\d+:|$)", text):
                yield found[1], sentence(found[2])


def commands_page() -> str:
    from django.core.management import load_command_class

    parser = load_command_class("dynamo", "dynamo").create_parser("manage.py", "dynamo")
    (choices,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in choices._choices_actions}
    sections = [
        command_section(name, summaries.get(name, ""), subparser)
        for name, subparser in choices.choices.items()
    ]
    return page(
        "Commands",
        "One command, `manage.py dynamo`, with subcommands. "
        "Exit codes: 0 ok, 1 error, 2 changes pending, 3 destructive and not confirmed.",
        *sections,
    )


def command_section(name: str, summary: str, parser: argparse.ArgumentParser) -> str:
    from django.core.management.base import DjangoHelpFormatter

    common = DjangoHelpFormatter.show_last | {"-h"}
    arguments = [a for a in parser._actions if not common & {a.dest, *a.option_strings}]
    formatter = parser._get_formatter()
    rows = [(code(usage(a)), formatter._expand_help(a) if a.help else "") for a in arguments]
    parts = [f"## `manage.py dynamo {name}`", sentence(summary)]
    return "\n\n".join([*parts, table(("Argument", "Meaning"), rows)] if rows else parts)


def usage(argument: argparse.Action) -> str:
    """Write an argument as one types it: `--limit LIMIT`, `MODEL`."""
    value = str(argument.metavar or argument.dest.upper()) if argument.nargs != 0 else ""
    if argument.choices and not argument.metavar:
        value = "{" + ",".join(map(str, argument.choices)) + "}"
    return " ".join(filter(None, [", ".join(argument.option_strings), value]))


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "attributes.md": attributes_page,
    "functions.md": functions_page,
    "fields.md": fields_page,
    "conversions.md": conversions_page,
    "signals.md": signals_page,
    "checks.md": checks_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
}

if __name__ == "__main__":
    sys.exit(main())
