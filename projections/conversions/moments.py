"""Dates, times and durations. All results are text that the field of the type reads."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.duration import duration_string

# Python cuts off what is smaller than a microsecond.
TOO_FINE: Final = re.compile(r"[.,][0-9]{6}0*[1-9]")
# Django drops the zone of a time of day.
ZONE: Final = re.compile(r"(?:[zZ]|[+-][0-9]{2}(?::?[0-9]{2})?)$")


def written(value: date | time | timedelta) -> str:
    """ISO 8601, moments in UTC; durations as Django's forms write them."""
    if isinstance(value, timedelta):
        return duration_string(value)
    if isinstance(value, datetime) and timezone.is_aware(value):
        return value.astimezone(UTC).isoformat()
    return value.isoformat()


def exact(text: str) -> str:
    """Text of a date, a time or a duration, unless the field would read more or less than it says."""
    # Django takes "P" and the empty text for a duration of nothing.
    if not any(character.isdigit() for character in text):
        raise ValidationError(f"{text!r} is neither a date nor a time nor a duration")
    if TOO_FINE.search(text):
        raise ValidationError(f"{text!r} is finer than a microsecond")
    return text.strip()


def time_of_text(text: str) -> str:
    if ZONE.search(text.strip()):
        raise ValidationError(f"{text!r} has a time zone, which a time of day cannot keep")
    return exact(text)


def moment_of_text(text: str) -> str:
    found = parse_datetime(exact(text))
    if found is None:
        raise ValidationError(f"{text!r} is not a date and time")
    return _in_project(found).isoformat()


def start_of_day(day: date) -> str:
    return _in_project(datetime(day.year, day.month, day.day)).isoformat()  # noqa: DTZ001  # made local


def day_of_moment(moment: datetime) -> str:
    local = _naive(moment) if timezone.is_aware(moment) else moment
    if local.time() != time(0):
        raise ValidationError(f"{moment.isoformat()} is not the start of a day")
    return local.date().isoformat()


def _in_project(moment: datetime) -> datetime:
    """A time without a zone is local in the project's TIME_ZONE, never in the zone of who changes it."""
    if timezone.is_aware(moment):
        return moment if settings.USE_TZ else _naive(moment)
    return _local(moment) if settings.USE_TZ else moment


def _naive(moment: datetime) -> datetime:
    return timezone.make_naive(moment, timezone.get_default_timezone())


def _local(moment: datetime) -> datetime:
    aware = moment.replace(tzinfo=timezone.get_default_timezone())
    if aware.utcoffset() != aware.replace(fold=1).utcoffset():
        raise ValidationError(f"{moment.isoformat()} happens twice or never where clocks change")
    return aware.astimezone(UTC)
