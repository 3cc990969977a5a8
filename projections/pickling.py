"""Pickles refer to a generated class by its id: it is in no module, and its name may change."""

from __future__ import annotations

import copyreg
from typing import Any

from events.exceptions import ModelNotFound
from projections.generated import GeneratedBase
from projections.registry import registry


def class_of(dynamo_id: str) -> Any:
    """The generated class with that id, for unpickling; raises ModelNotFound."""
    registry.ensure_loaded()
    found = registry.model_class(dynamo_id)
    if found is None:
        raise ModelNotFound(f"there is no generated model {dynamo_id} any more", model=dynamo_id)
    return found


def reduce(cls: Any) -> Any:
    """Hand-written subclasses of generated classes stand in their own modules."""
    return (class_of, (cls.dynamo_id,)) if "dynamo_id" in vars(cls) and cls.dynamo_id else cls.__qualname__


def install() -> None:
    copyreg.pickle(GeneratedBase, reduce)
