"""The stream: schema events as server-sent frames, in the log's order. Importing this starts nothing."""

from __future__ import annotations

from projections.stream.following import follow
from projections.stream.wakes import wake

__all__ = ["follow", "wake"]
