"""Beginning anew in a process that knows something already, as if it had just started."""

from __future__ import annotations

from projections import pipeline
from projections.catalogue import Catalogue
from projections.registry import registry


def begin() -> None:
    """What a new process does first, having seen no schema and made no class."""
    with registry.lock:
        registry.catalogue = Catalogue()
        for known in (registry._classes, registry._links, registry._retired):
            known.clear()
    pipeline.reset()
