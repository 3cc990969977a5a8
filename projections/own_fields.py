"""Django's fields, where a generated model needs them to do something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.db import models


class ManyToManyField(models.ManyToManyField):  # type: ignore[type-arg]  # generic only in the stubs
    """A many-to-many whose help is put on its form field.

    `tests/conformance.py` holds every field against one that Django builds without help for relations of
    this kind, so the help is not part of the field itself.
    """

    form_help: str = ""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"help_text": self.form_help, **kwargs})


class FileField(models.FileField):
    """For no file Django writes '' even where NULL is allowed, and '' could be unique only once."""

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value) or (None if self.null else "")


class ImageField(models.ImageField):
    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(value) or (None if self.null else "")


class FilePathField(models.FilePathField):  # type: ignore[type-arg]
    """`path` is a folder below MEDIA_ROOT. A missing one has no files, and does not fail the form."""

    def formfield(self, **kwargs: Any) -> Any:
        if Path(str(self.path)).is_dir():
            return super().formfield(**kwargs)
        empty = {"form_class": forms.ChoiceField, "choices": [("", "---------")]}
        return models.Field.formfield(self, **{**kwargs, **empty})


class URLField(models.URLField):  # type: ignore[type-arg]
    """Its form takes an address without a scheme for https, as Django will from version 6 on."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"assume_scheme": "https", **kwargs})
