"""Who acted, as people know them: the log has opaque ids only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

USER: Final = "user:"


def of(user: object) -> str:
    """The id under which a user's changes are recorded."""
    return f"{USER}{getattr(user, 'pk', '')}"


def names(actors: Iterable[str]) -> dict[str, str]:
    """A name for each, with one query: that of the user where there still is one, else the id itself."""
    wanted = set(actors)
    keys = [key for one in wanted if one.startswith(USER) and (key := _key(one)) is not None]
    users = get_user_model()._default_manager.in_bulk(keys) if keys else {}
    known = {of(user): user.get_username() for user in users.values()}
    return {one: known.get(one, one) for one in wanted}


def _key(actor: str) -> object:
    field: Any = get_user_model()._meta.pk
    try:
        found: object = field.to_python(actor.removeprefix(USER))
    except ValidationError:
        return None
    return found
