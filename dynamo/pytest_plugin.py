"""pytest plugin: fixtures for projects that make models in their tests.

Loaded through its entry point; it imports Django only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def dynamo_registry(db: None) -> Any:
    """Make models inside the test's transaction; all of it is gone when the test ends."""
    from projections import pipeline
    from projections.registry import registry

    pipeline.catch_up()
    return registry


@pytest.fixture
def transactional_dynamo_registry(transactional_db: None) -> Any:
    """Make models that are committed; the test's flush removes tables, rows, log and classes."""
    from projections import pipeline
    from projections.registry import registry

    pipeline.catch_up()
    return registry


@pytest.fixture
def make_model() -> Callable[..., Any]:
    """A function that makes a model: `make_model("Book", title="CharField", pages="IntegerField")`.

    It takes one of the two registry fixtures beside it, and returns the generated class.
    """

    def make(name: str, /, **fields: Any) -> Any:
        import dynamo
        from dynamo.models import MetaField, MetaModel

        with dynamo.batch():
            model = MetaModel.objects.create(name=name)
            for field_name, description in fields.items():
                given = {"type": description} if isinstance(description, str) else dict(description)
                MetaField.objects.create(meta_model=model, name=field_name, **given)
        return model.get_model()

    return make
