"""Where a subscriber keeps how far it has come."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Protocol


class Place(Protocol):
    def load(self) -> int | None:
        """The last position that was done with; None if there is none yet."""

    def save(self, position: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """Kept by somebody else, who is told of each position."""

    after: int | None
    tell: Callable[[int], object]

    def load(self) -> int | None:
        return self.after

    def save(self, position: int) -> None:
        self.tell(position)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file with the position in it. It is replaced and never half written."""

    path: Path
    after: int | None

    def load(self) -> int | None:
        try:
            text = self.path.read_text().strip()
        except FileNotFoundError:
            return self.after
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{self.path} holds {text[:40]!r} and no position; correct or remove it")
        return int(text)

    def save(self, position: int) -> None:
        new = self.path.with_name(f"{self.path.name}.new")
        with new.open("w") as file:
            file.write(f"{position}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)


def place_of(given: str | PathLike[str] | Callable[[int], object] | None, after: int | None) -> Place:
    if after is not None and (type(after) is not int or after < 0):
        raise ValueError(
            f"after must be a position, 0 for all history, or None for what comes from now on; not {after!r}"
        )
    if given is None:
        return Told(after, lambda position: None)
    if callable(given):
        return Told(after, given)
    return Kept(Path(given), after)
