"""What a posted form comes to: errors where they belong, what rows ask for, or the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from dynamo.plans import Plan
from events.exceptions import DataRefused, DynamoError, SchemaBusy

Refusal: TypeAlias = ValidationError | DynamoError
Messages: TypeAlias = dict[str, list[str]]

# The prefix of the model's own form.
MODEL: Final = ""


class Landed(Exception):
    """A refusal, with the prefix of the form that it is about."""

    def __init__(self, prefix: str, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.prefix = prefix
        self.refusal = refusal


@dataclass(kw_only=True)
class Outcome:
    """By the prefix of each form: its errors, and what existing rows need to be told (`asks`)."""

    errors: dict[str, Messages] = field(default_factory=dict)
    asks: dict[str, set[str]] = field(default_factory=dict)
    plan: Plan | None = None
    # What somebody typed instead of the word that confirms the plan.
    mistyped: str | None = None

    def refuse(self, refusal: Refusal, prefixes: Mapping[str, str], about: str = MODEL) -> None:
        """Put a refusal where it belongs; `prefixes` are those of the forms by field id."""
        if not isinstance(refusal, DataRefused):
            self._add(about, by_attribute(refusal))
            return
        for one in refusal.data.get("refusals", [refusal]):
            place = prefixes.get(one.data.get("field", ""), about)
            asked = set(one.data.get("asks", ()))
            self.asks.setdefault(place, set()).update(asked)
            self._add(place, {NON_FIELD_ERRORS: [_for_people(one)]})

    def _add(self, prefix: str, found: Messages) -> None:
        known = self.errors.setdefault(prefix, {})
        for name, messages in found.items():
            known.setdefault(name, []).extend(messages)


@contextmanager
def landing(prefix: str) -> Iterator[None]:
    """Say of a refusal which form it is about. That the schema is busy is about none, and is tried again."""
    try:
        yield
    except SchemaBusy:
        raise
    except (ValidationError, DynamoError) as refusal:
        raise Landed(prefix, refusal) from refusal


def _for_people(refusal: DataRefused) -> str:
    """What the form has inputs for is asked there, and needs no names of arguments."""
    problem = refusal.data.get("problem")
    if not problem or not refusal.data.get("asks"):
        return str(refusal)
    return _("%(problem)s. The plan asks what becomes of these rows.") % {"problem": problem}


def by_attribute(refusal: Refusal) -> Messages:
    if not isinstance(refusal, ValidationError):
        return {NON_FIELD_ERRORS: [str(refusal)]}
    if hasattr(refusal, "error_dict"):
        return {name: list(messages) for name, messages in refusal.message_dict.items()}
    return {NON_FIELD_ERRORS: list(refusal.messages)}


def known_to(form_fields: Mapping[str, object], messages: Messages) -> Messages:
    """What the form has no field for goes above it."""
    out: Messages = {}
    for name, texts in messages.items():
        out.setdefault(name if name in form_fields else NON_FIELD_ERRORS, []).extend(texts)
    return out
