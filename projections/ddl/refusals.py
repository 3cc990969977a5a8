"""Refusals: what stands in the way, how much of it, some of it, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.exceptions import DataRefused
from events.schema import FieldSchema, ModelSchema
from projections.ddl.judging import SAMPLES, Verdict

LONGEST_SAMPLE: Final = 60


class Asks(NamedTuple):
    """The arguments of a save that would answer a refusal, and how that is said to code.

    A form has inputs for them, and words of its own.
    """

    arguments: tuple[str, ...] = ()
    remedy: str = ""


NOTHING: Final = Asks()


def conversion(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        message = ngettext(
            "%(field)s: %(count)d value does not fit %(type)s, such as %(samples)s",
            "%(field)s: %(count)d values do not fit %(type)s, such as %(samples)s",
            verdict.count,
        )
        remedy = _('correct them, or set on_error to "null", "keep", or "value" with an error_value')
        asks = Asks(("on_error",), remedy)
        _refuse(message, model, new, verdict.count, verdict.samples, asks=asks, type=new.type)


def overwritten(model: ModelSchema, former: FieldSchema, new: FieldSchema, verdict: Verdict) -> None:
    """A column that was restored under another name is to be the one of the field that had it first."""
    if verdict.count:
        message = ngettext(
            "%(field)s would have its former column again, which is %(former)r now: %(count)d value there "
            "is written over, by such as %(samples)s",
            "%(field)s would have its former column again, which is %(former)r now: %(count)d values there "
            "are written over, by such as %(samples)s",
            verdict.count,
        )
        asks = Asks(("on_error",), _('copy them elsewhere first, or set on_error to "null"'))
        _refuse(message, model, new, verdict.count, verdict.samples, asks=asks, former=former.name)


def repeated(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    """Values that differ may be the same once they are converted."""
    if verdict.repeated:
        not_unique(model, new, len(verdict.repeated), verdict.repeated[:SAMPLES])


def required(model: ModelSchema, new: FieldSchema, count: int) -> NoReturn:
    message = ngettext(
        "%(field)s is required, and %(count)d row has no value for it",
        "%(field)s is required, and %(count)d rows have no value for it",
        count,
    )
    remedy = _("say with backfill what they get, or give the field a default")
    _refuse(message, model, new, count, asks=Asks(("backfill",), remedy))


def same_value(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    message = _(
        "%(field)s: %(count)d rows would all get %(value)r, but the field is unique; add it without unique, "
        "fill it, then make it unique"
    )
    _refuse(message, model, new, count, [value], value=value)


def no_row(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    message = _("%(field)s: the target has no row %(value)r for existing rows to refer to")
    _refuse(message, model, new, count, [value], asks=Asks(("backfill",)), value=value)


def dangling(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        message = ngettext(
            "%(field)s: %(count)d row refers to ids that the new target does not have, such as %(samples)s",
            "%(field)s: %(count)d rows refer to ids that the new target does not have, such as %(samples)s",
            verdict.count,
        )
        asks = Asks(("on_error",), _('correct them first, or set on_error to "null"'))
        _refuse(message, model, new, verdict.count, verdict.samples, asks=asks)


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
    asks: Asks = NOTHING,
    **told: Any,
) -> NoReturn:
    """`told` is what the message says besides. What stands in the way is in the data as `problem` too."""
    said = {"model": model.label, "count": count, "samples": some(samples), **told}
    key = ""
    if new is not None:
        key, said["field"] = new.id, f"{model.label}.{new.name}"
    problem = message % said
    text = f"{problem}; {asks.remedy}" if asks.remedy else problem
    data = {"count": count, "samples": list(samples), "field": key, "asks": asks.arguments}
    raise DataRefused(text, problem=problem, **data)
