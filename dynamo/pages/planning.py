"""What pages show of a plan before they do it, and how they tell what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo import retired
from dynamo.plans import Plan, Risk
from events.exceptions import DynamoError

Refusal = (ValidationError, DynamoError)
# What becomes of values, in the order in which a person wants to know it.
LISTS: Final = {
    "returns": gettext_lazy("Comes back with its values"),
    "empty": gettext_lazy("Comes back empty, as its values were purged"),
    "retired": gettext_lazy("Goes away, and is kept"),
    "dropped": gettext_lazy("Is dropped for good"),
    "kept": gettext_lazy("Changes, and keeps its values"),
}


def planned(plan: Plan) -> dict[str, Any]:
    operations = [o for o in plan.operations if not o.type.startswith("registry.")]
    return {
        "plan": plan,
        "lists": [(fate, text, [o for o in operations if o.fate == fate]) for fate, text in LISTS.items()],
        "kept_until": retired.kept_until(datetime.now(UTC)),
        "statements": plan.sql.get(plan.vendor, []),
        "typed": plan.risk is Risk.DESTRUCTIVE,
    }


def confirm(plan: Plan, typed: str, word: str) -> None:
    """Where values would be lost, the word has to be typed."""
    if plan.risk is Risk.DESTRUCTIVE and typed != word:
        raise ValidationError(_("Values would be lost: type %(word)s to confirm.") % {"word": word})


def text(error: Exception) -> str:
    return "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
