"""Hand-written models for generated ones to refer to."""

from __future__ import annotations

from django.db import models


class Publisher(models.Model):
    """A plain model with a migration of its own."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Country(models.Model):
    """A model whose key is text."""

    code = models.CharField(max_length=20, primary_key=True)

    def __str__(self) -> str:
        return self.code


class Parcel(models.Model):
    """A model whose key is a UUID."""

    number = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return str(self.number)
