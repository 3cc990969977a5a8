"""Parent module of the app labels that a project declares in DYNAMO_APPS; they have no files of their own."""

from __future__ import annotations

__path__: list[str] = []
