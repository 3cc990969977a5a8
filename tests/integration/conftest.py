"""Fixtures of the integration tests."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.integration.making import foreign_keys_enforced
from tests.integration.processes import Project


@pytest.fixture(autouse=True)
def usable_connection(request):
    """No test may end inside a transaction or without enforced foreign keys."""
    yield
    if "transactional_db" in request.fixturenames and connection.connection is not None:
        assert not connection.in_atomic_block
        assert foreign_keys_enforced()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Project:
    """A project whose database is migrated and otherwise empty; copy it."""
    project = Project(folder=tmp_path_factory.mktemp("migrated"))
    done = project.manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(migrated, tmp_path) -> Project:
    """A fresh project for one test."""
    return migrated.copy(tmp_path / "project")
