"""What every integration test leaves behind is checked: a connection that can be used as before."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.integration.making import foreign_keys_enforced


@pytest.fixture(autouse=True)
def usable_connection(request):
    """No test may end inside a transaction or without enforced foreign keys."""
    yield
    if "transactional_db" in request.fixturenames and connection.connection is not None:
        assert not connection.in_atomic_block
        assert foreign_keys_enforced()
