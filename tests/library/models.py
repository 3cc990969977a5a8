"""Hand-written models for generated ones to refer to."""

from __future__ import annotations

from django.db import models


class Publisher(models.Model):
    """A plain model with a migration of its own."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name
