"""Type changes as pure functions: which pairs of types have a meaning, and what becomes of one value.

Nothing here asks a database, so the verdict over a value is the same on all of them.
"""

from __future__ import annotations

from projections.conversions.converting import Converter, converter, empties
from projections.conversions.groups import KEYS, TEXT, limits
from projections.conversions.modes import FITS, REFUSE, REPLACE, SAME, mode, sentence
from projections.conversions.overview import Pair, table
from projections.conversions.rules import CONVERT, LINK, UNLINK

__all__ = [
    "CONVERT",
    "FITS",
    "KEYS",
    "LINK",
    "REFUSE",
    "REPLACE",
    "SAME",
    "TEXT",
    "UNLINK",
    "Converter",
    "Pair",
    "converter",
    "empties",
    "limits",
    "mode",
    "sentence",
    "table",
]
