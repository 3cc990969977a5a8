"""What an option of a field may be, and how a form asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*\Z")
FOLDER: Final = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9_.%-]*(?:/[A-Za-z0-9_%-][A-Za-z0-9_.%-]*)*/?\Z")

FLAG, NUMBER, CHOICE, TEXT, OBJECT = "flag", "number", "choice", "text", "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """`check` returns the value or raises ValueError saying why not; forms ask by `kind`, with `choices`."""

    kind: str
    check: Callable[[Any], Any]
    choices: tuple[str, ...] = ()

    def __call__(self, value: Any) -> Any:
        return self.check(value)


def integer(low: int, high: int) -> Option:
    def check(value: Any) -> int:
        # bool is an int, and the number is formatted into SQL: nothing but a real int passes.
        if type(value) is not int or not low <= value <= high:
            raise ValueError(
                _("must be a whole number from %(low)s to %(high)s") % {"low": low, "high": high}
            )
        return value

    return Option(kind=NUMBER, check=check)


def one_of(*names: str) -> Option:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(_("must be one of %(names)s") % {"names": ", ".join(names)})
        return value

    return Option(kind=CHOICE, check=check, choices=names)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(_("must be true or false"))
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(_("must be a JSON object"))
    return value


def _related_name(value: Any) -> str:
    if value == "+":
        return "+"
    if not isinstance(value, str) or len(value) > 59 or not IDENTIFIER.match(value):
        raise ValueError(_('must be a name, or "+" for no way back'))
    return value


def _upload_folder(value: Any) -> str:
    if value == "":
        return ""
    return _folder(value)


def _folder(value: Any) -> str:
    """A relative folder of plain names: nothing leads out of MEDIA_ROOT."""
    if not isinstance(value, str) or len(value) > 100 or ".." in value or not FOLDER.match(value):
        raise ValueError(_("must be a relative folder without '..', such as covers/%Y"))
    return value


boolean: Final = Option(kind=FLAG, check=_boolean)
mapping: Final = Option(kind=OBJECT, check=_mapping)
related_name: Final = Option(kind=TEXT, check=_related_name)
upload_folder: Final = Option(kind=TEXT, check=_upload_folder)
folder: Final = Option(kind=TEXT, check=_folder)
