"""A dictionary with changes laid over it: a change among thousands of entries copies none of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

# So many entries may lie over a dictionary before both become one. Each change copies those that do, and the
# dictionary is copied once in so many changes: for 10,000 entries the sum is least near this number.
MOST: Final = 128
MISSING: Final[Any] = object()


class Layers(Mapping[str, V], Generic[V]):
    """A mapping that is not changed: `changed` makes another one, which shares what they have in common.

    No value is None, which stands for an entry that is gone.
    """

    __slots__ = ("_count", "_over", "_under")

    def __init__(self, under: dict[str, V] | None = None) -> None:
        self._under: dict[str, V] = {} if under is None else under
        self._over: dict[str, V | None] = {}
        self._count = len(self._under)

    def __getitem__(self, key: str) -> V:
        found: V | None = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: str, default: Any = None) -> Any:
        found = self._over.get(key, MISSING)
        if found is MISSING:
            return self._under.get(key, default)
        return default if found is None else found

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None  # type: ignore[arg-type]  # what is no text is no key

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        """Entries in no certain order."""
        over = self._over
        yield from (key for key in self._under if key not in over or over[key] is not None)
        yield from (key for key, value in over.items() if value is not None and key not in self._under)

    def __repr__(self) -> str:
        return f"Layers({dict(self)!r})"

    def changed(self, changes: Mapping[str, V | None]) -> Layers[V]:
        """A mapping with these entries set; None takes an entry away."""
        made = Layers(self._under)
        made._over = {**self._over, **changes}
        made._count = self._count
        for key, value in changes.items():
            made._count += (value is not None) - (key in self)
        return made._flat() if len(made._over) > MOST else made

    def replace(self, key: str, value: V) -> None:
        """Put a value in the place of one that means the same, here and in all that share it."""
        layer: dict[str, Any] = self._over if key in self._over else self._under
        layer[key] = value

    def _flat(self) -> Layers[V]:
        return Layers({key: self[key] for key in self})
