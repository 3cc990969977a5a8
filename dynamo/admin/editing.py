"""A posted model with its fields: planned, judged, and told what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from dynamo import api
from dynamo.admin.forms import ModelForm
from dynamo.admin.formsets import FieldFormSet
from dynamo.admin.outcome import MODEL, Landed, Outcome, landing
from dynamo.pages import access
from dynamo.plans import Plan, Risk
from events.exceptions import DynamoError

# Buttons: show the plan; ask for a look at what is not safe; give room for more fields.
SHOW, REVIEW, ROWS = "_plan", "_review", "_rows"


class Problem(NamedTuple):
    row: str
    attribute: str
    text: str


@dataclass(slots=True, kw_only=True)
class Editing:
    """The forms of one POST. `save` is what is planned, and later done; `word` confirms what loses values."""

    form: ModelForm
    formset: FieldFormSet
    user: Any
    word: str

    def planned(self) -> Outcome:
        """Work the forms out together; nothing is done."""
        outcome = Outcome()
        if not (self.form.is_valid() & self.formset.is_valid()):
            return outcome
        try:
            plan = api.plan(self.save)
        except Landed as landed:
            outcome.refuse(landed.refusal, self.formset.prefixes(), landed.prefix)
        except (ValidationError, DynamoError) as refusal:
            outcome.refuse(refusal, self.formset.prefixes())
        else:
            access.require_for(self.user, plan)
            outcome.plan = plan
            for in_the_way in plan.refusals:
                outcome.refuse(in_the_way, self.formset.prefixes())
        return outcome

    def save(self) -> None:
        with landing(MODEL):
            self.form.save()
        self.formset.save()

    def tell(self, outcome: Outcome) -> None:
        """Let the forms know, for the piece of the page that is rendered with these very forms."""
        for form in (self.form, *self.rows()):
            form.outcome = outcome

    def rows(self) -> list[Any]:
        return [*self.formset.forms, *self.formset.restores]

    def problems(self) -> Iterator[Problem]:
        """All that is wrong, with the name of the row that it is about."""
        for text in self.formset.non_form_errors():
            yield Problem("", "", str(text))
        for form in (self.form, *self.rows()):
            about = "" if form is self.form else str(form["name"].value() or "")
            told = {} if form.outcome is None else form.outcome.errors.get(form.prefix or MODEL, {})
            for name in dict.fromkeys([*form.errors, *told]):
                label = str(form.fields[name].label or name) if name in form.fields else ""
                for text in dict.fromkeys([*map(str, form.errors.get(name, ())), *told.get(name, ())]):
                    yield Problem(about, label, text)


def token(posted: Any) -> str | None:
    """The plan that a person saw and applies; a page that shows one posts it with its other buttons too."""
    return None if REVIEW in posted else posted.get("token") or None


def may_apply(posted: Any, plan: Plan | None, word: str) -> bool:
    """Whether a POST that came to this plan may be done: safe, or seen, or confirmed by the typed word.

    That it was seen is said by its token, which nobody has who did not ask for the plan.
    """
    if plan is None or not plan.ok or SHOW in posted or ROWS in posted:
        return False
    seen = token(posted) is not None
    if plan.risk is Risk.DESTRUCTIVE:
        return seen and posted.get("confirmation", "").strip() == word
    return seen or plan.risk is Risk.SAFE


def mistyped(posted: Any) -> str | None:
    """What was typed, or not, to confirm a plan, and confirmed none; None where none was to be done."""
    applies = token(posted) is not None and SHOW not in posted and ROWS not in posted
    return posted.get("confirmation", "").strip() if applies else None
