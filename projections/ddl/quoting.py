"""Names in statements. Those of ours are plain; whatever is not got past every check and stops here."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from events.exceptions import ProjectionFailed

PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def quoted(connection: Any, name: str) -> str:
    """A name that the registry gave, quoted; Django wraps names and does not escape what is in them."""
    if not PLAIN.match(name):
        raise ProjectionFailed(f"{name!r} is not a plain name, so no statement is made of it")
    return foreign(connection, name)


def foreign(connection: Any, name: str) -> str:
    """A name from a hand-written model, which its author answers for."""
    return str(connection.ops.quote_name(name))


def quoting(connection: Any) -> Callable[[str], str]:
    """`quoted` for one connection."""
    return partial(quoted, connection)
