"""Names of indexes and constraints that no later table can collide with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

LONGEST: Final = 60


class UniqueNames:
    """Mixin for schema editors: derive index names from the log position as well.

    Django derives them from table and column. A renamed or retired table keeps its indexes' names, so a
    new table of the old name would collide with them.
    """

    salt: str = ""

    def _create_index_name(self, table_name: str, column_names: Sequence[str], suffix: str = "") -> str:
        text = ":".join((self.salt, table_name, *column_names, suffix))
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        readable = f"{table_name}_{'_'.join(column_names)}".replace('"', "")
        return f"{readable[: LONGEST - len(suffix) - 13]}_{key}{suffix}"


def salted(editor: Any, position: int) -> Any:
    editor.salt = str(position)
    return editor
