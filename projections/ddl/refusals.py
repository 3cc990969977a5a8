"""Refusals: what stands in the way, how much of it, some of it, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.exceptions import DataRefused
from events.schema import FieldSchema, ModelSchema
from projections.ddl.judging import SAMPLES, Verdict

LONGEST_SAMPLE: Final = 60


def conversion(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        message = ngettext(
            "%(field)s: %(count)d value does not fit %(type)s, such as %(samples)s; correct them, or set "
            'on_error to "null", "keep", or "value" with an error_value',
            "%(field)s: %(count)d values do not fit %(type)s, such as %(samples)s; correct them, or set "
            'on_error to "null", "keep", or "value" with an error_value',
            verdict.count,
        )
        _refuse(message, model, new, verdict.count, verdict.samples, asks=("on_error",), type=new.type)


def overwritten(model: ModelSchema, former: FieldSchema, new: FieldSchema, verdict: Verdict) -> None:
    """A column that was restored under another name is to be the one of the field that had it first."""
    if verdict.count:
        message = ngettext(
            "%(field)s would have its former column again, which is %(former)r now: %(count)d value there "
            'is written over, by such as %(samples)s; copy them elsewhere first, or set on_error to "null"',
            "%(field)s would have its former column again, which is %(former)r now: %(count)d values there "
            'are written over, by such as %(samples)s; copy them elsewhere first, or set on_error to "null"',
            verdict.count,
        )
        _refuse(message, model, new, verdict.count, verdict.samples, asks=("on_error",), former=former.name)


def repeated(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    """Values that differ may be the same once they are converted."""
    if verdict.repeated:
        not_unique(model, new, len(verdict.repeated), verdict.repeated[:SAMPLES])


def required(model: ModelSchema, new: FieldSchema, count: int) -> NoReturn:
    message = ngettext(
        "%(field)s is required, and %(count)d row has no value for it; say with backfill what they get, or "
        "give the field a default",
        "%(field)s is required, and %(count)d rows have no value for it; say with backfill what they get, or "
        "give the field a default",
        count,
    )
    _refuse(message, model, new, count, asks=("backfill",))


def same_value(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    message = _(
        "%(field)s: %(count)d rows would all get %(value)r, but the field is unique; add it without unique, "
        "fill it, then make it unique"
    )
    _refuse(message, model, new, count, [value], value=value)


def no_row(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    message = _("%(field)s: the target has no row %(value)r for existing rows to refer to")
    _refuse(message, model, new, count, [value], asks=("backfill",), value=value)


def dangling(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        message = ngettext(
            "%(field)s: %(count)d row refers to ids that the new target does not have, such as %(samples)s; "
            'correct them first, or set on_error to "null"',
            "%(field)s: %(count)d rows refer to ids that the new target does not have, such as %(samples)s; "
            'correct them first, or set on_error to "null"',
            verdict.count,
        )
        _refuse(message, model, new, verdict.count, verdict.samples, asks=("on_error",))


def not_unique(model: ModelSchema, new: FieldSchema, count: int, samples: list[Any]) -> NoReturn:
    message = ngettext(
        "%(field)s cannot be unique: %(count)d value occurs more than once, such as %(samples)s; make them "
        "differ first",
        "%(field)s cannot be unique: %(count)d values occur more than once, such as %(samples)s; make them "
        "differ first",
        count,
    )
    _refuse(message, model, new, count, samples)


def not_together(model: ModelSchema, names: list[str], verdict: Verdict) -> None:
    if verdict.count:
        message = _(
            "%(model)s: %(names)s cannot be unique together: %(count)d pairs occur more than once, such as "
            "%(samples)s; make them differ first"
        )
        _refuse(message, model, None, verdict.count, verdict.samples, names=", ".join(names))


def some(samples: Sequence[Any]) -> str:
    """Samples for a message, each cut to a length that a line can hold."""
    return ", ".join(
        text if len(text := repr(value)) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"
        for value in samples
    )


def _refuse(
    message: str,
    model: ModelSchema,
    new: FieldSchema | None,
    count: int,
    samples: Sequence[Any] = (),
    *,
    asks: tuple[str, ...] = (),
    **told: Any,
) -> NoReturn:
    """`asks` are the arguments of a save that would answer it, `told` what the message says besides."""
    said = {"model": model.label, "count": count, "samples": some(samples), **told}
    key = ""
    if new is not None:
        key, said["field"] = new.id, f"{model.label}.{new.name}"
    raise DataRefused(message % said, count=count, samples=list(samples), field=key, asks=asks)
