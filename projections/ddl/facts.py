"""Facts about tables, asked by introspection: whether a statement that may have run has done its work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db import connections

QUERIES: Final = {
    "table": "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
    "column": "SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() "
    "AND table_name = %s AND column_name = %s",
    "index": "SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() "
    "AND table_name = %s AND index_name = %s",
    "reference": "SELECT 1 FROM information_schema.table_constraints WHERE table_schema = DATABASE() "
    "AND table_name = %s AND constraint_name = %s AND constraint_type = 'FOREIGN KEY'",
}


def hold(using: str, facts: Iterable[Any]) -> bool:
    """Whether all of them hold; a statement that leaves no facts can be done again and is never done."""
    found = [_is_there(using, *fact[:3]) == fact[3] for fact in facts]
    return bool(found) and all(found)


def hold_not(using: str, facts: Iterable[Any]) -> bool:
    """Whether none of them holds, so that there is nothing to take back."""
    found = [_is_there(using, *fact[:3]) == fact[3] for fact in facts]
    return bool(found) and not any(found)


def _is_there(using: str, kind: str, table: str, name: str) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute(QUERIES[kind], [table, name] if name else [table])
        return cursor.fetchone() is not None
