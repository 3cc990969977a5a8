"""What an option of a field may be: each checker returns the value or raises ValueError saying why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Option: TypeAlias = Callable[[Any], Any]

IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*\Z")
FOLDER: Final = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9_.%-]*(?:/[A-Za-z0-9_%-][A-Za-z0-9_.%-]*)*/?\Z")


def boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def integer(low: int, high: int) -> Option:
    def check(value: Any) -> int:
        # bool is an int, and the number is formatted into SQL: nothing but a real int passes.
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    return value


def one_of(*names: str) -> Option:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return value

    return check


def related_name(value: Any) -> str:
    if value == "+":
        return "+"
    if not isinstance(value, str) or len(value) > 59 or not IDENTIFIER.match(value):
        raise ValueError('must be a name, or "+" for no way back')
    return value


def upload_folder(value: Any) -> str:
    if value == "":
        return ""
    return folder(value)


def folder(value: Any) -> str:
    """A relative folder of plain names: nothing leads out of MEDIA_ROOT."""
    if not isinstance(value, str) or len(value) > 100 or ".." in value or not FOLDER.match(value):
        raise ValueError("must be a relative folder without '..', such as covers/%Y")
    return value
