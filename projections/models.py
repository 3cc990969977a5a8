"""Where Django looks for this label's models. It has none; generated classes are made on asking."""

from __future__ import annotations

from projections.generated import GeneratedModel

__all__ = ["GeneratedModel"]
