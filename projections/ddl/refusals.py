"""Refusals: what stands in the way, how much of it, some of it, and the way out."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from events.exceptions import DataRefused
from events.schema import FieldSchema, ModelSchema
from projections.ddl.judging import SAMPLES, Verdict

LONGEST_SAMPLE: Final = 60


def conversion(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        _refuse(
            f"{_label(model, new)}: {counted(verdict.count, 'value does', 'values do')} not fit {new.type}, "
            f"such as {some(verdict.samples)}; correct them, or set on_error to "
            '"null", "keep", or "value" with an error_value',
            verdict.count,
            verdict.samples,
            new=new,
            asks=("on_error",),
        )


def overwritten(model: ModelSchema, former: FieldSchema, new: FieldSchema, verdict: Verdict) -> None:
    """A column that was restored under another name is to be the one of the field that had it first."""
    if verdict.count:
        _refuse(
            f"{_label(model, new)} would have its former column again, which is {former.name!r} now: "
            f"{counted(verdict.count, 'value there is', 'values there are')} written over, by such as "
            f'{some(verdict.samples)}; copy them elsewhere first, or set on_error to "null"',
            verdict.count,
            verdict.samples,
            new=new,
            asks=("on_error",),
        )


def repeated(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    """Values that differ may be the same once they are converted."""
    if verdict.repeated:
        not_unique(model, new, len(verdict.repeated), verdict.repeated[:SAMPLES])


def required(model: ModelSchema, new: FieldSchema, count: int) -> NoReturn:
    _refuse(
        f"{_label(model, new)} is required, and {counted(count, 'row has', 'rows have')} no value for it; "
        "say with backfill what they get, or give the field a default",
        count,
        new=new,
        asks=("backfill",),
    )


def same_value(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    _refuse(
        f"{_label(model, new)}: {count} rows would all get {value!r}, but the field is unique; "
        "add it without unique, fill it, then make it unique",
        count,
        [value],
        new=new,
    )


def no_row(model: ModelSchema, new: FieldSchema, value: Any, count: int) -> NoReturn:
    _refuse(
        f"{_label(model, new)}: the target has no row {value!r} for existing rows to refer to",
        count,
        [value],
        new=new,
        asks=("backfill",),
    )


def dangling(model: ModelSchema, new: FieldSchema, verdict: Verdict) -> None:
    if verdict.count:
        _refuse(
            f"{_label(model, new)}: {counted(verdict.count, 'row refers', 'rows refer')} to ids that the "
            f"new target does not have, such as {some(verdict.samples)}; correct them first, "
            'or set on_error to "null"',
            verdict.count,
            verdict.samples,
            new=new,
            asks=("on_error",),
        )


def not_unique(model: ModelSchema, new: FieldSchema, count: int, samples: list[Any]) -> NoReturn:
    _refuse(
        f"{_label(model, new)} cannot be unique: {counted(count, 'value occurs', 'values occur')} "
        f"more than once, such as {some(samples)}; make them differ first",
        count,
        samples,
        new=new,
    )


def not_together(model: ModelSchema, names: list[str], verdict: Verdict) -> None:
    if verdict.count:
        _refuse(
            f"{model.label}: {', '.join(names)} cannot be unique together: {verdict.count} pairs "
            f"occur more than once, such as {some(verdict.samples)}; make them differ first",
            verdict.count,
            verdict.samples,
        )


def counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def some(samples: list[Any]) -> str:
    """Samples for a message, each cut to a length that a line can hold."""
    return ", ".join(
        text if len(text := repr(value)) <= LONGEST_SAMPLE else f"{text[:LONGEST_SAMPLE]}…"
        for value in samples
    )


def _refuse(
    message: str,
    count: int,
    samples: list[Any] | None = None,
    *,
    new: FieldSchema | None = None,
    asks: tuple[str, ...] = (),
) -> NoReturn:
    """`asks` are the arguments of a save that would answer it."""
    raise DataRefused(
        message, count=count, samples=samples or [], field="" if new is None else new.id, asks=asks
    )


def _label(model: ModelSchema, column: FieldSchema) -> str:
    return f"{model.label}.{column.name}"
