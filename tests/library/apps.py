from __future__ import annotations

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """A hand-written app, as a project that installs Dynamo has them."""

    name = "tests.library"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"
