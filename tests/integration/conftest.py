"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.integration.homes import Home
from tests.integration.making import foreign_keys_enforced
from tests.integration.processes import Project

# What these say when they fail is what a test says.
pytest.register_assert_rewrite(
    *(f"tests.integration.{name}" for name in ("agreement", "field_changes", "held", "returns"))
)


@pytest.fixture(autouse=True)
def usable_connection(request):
    """No test may end inside a transaction or without enforced foreign keys."""
    yield
    if "transactional_db" in request.fixturenames and connection.connection is not None:
        assert not connection.in_atomic_block
        assert foreign_keys_enforced()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory, django_db_blocker) -> Iterator[Project]:
    """A project whose database is migrated and otherwise empty; copy it."""
    with django_db_blocker.unblock():
        project = Project.create(tmp_path_factory.mktemp("migrated"))
    done = project.manage("migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    yield project
    with django_db_blocker.unblock():
        project.drop()


@pytest.fixture
def project(migrated, tmp_path, django_db_blocker) -> Iterator[Project]:
    """A fresh project for one test."""
    with django_db_blocker.unblock():
        project = migrated.copy(tmp_path / "project")
    yield project
    with django_db_blocker.unblock():
        project.drop()


@pytest.fixture
def home(tmp_path, django_db_blocker) -> Iterator[Home]:
    """A project of its own with an empty database."""
    with django_db_blocker.unblock():
        home = Home(tmp_path)
    yield home
    with django_db_blocker.unblock():
        home.drop()
