"""Short-lived signed tokens, by which a service follows the stream as a user without logging in.

A token is good for the stream only, until its time is over, and no longer than the user's password: it is
signed with the project's SECRET_KEY over the user's key, the end of its time, and the user's session hash.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

# Tells our tokens from those of others in the same header, and lets scanners for leaked secrets find them.
PREFIX: Final = "dynamo_"
SALT: Final = "dynamo.stream"
SECONDS: Final = 3600


class BadToken(Exception):
    """It is none, its time is over, or its user may not log in any more. The text says which of these."""


def stream_token(user: Any, *, seconds: float = SECONDS) -> str:
    """A token by which the bearer follows the stream as that user, for so many seconds.

    Raises ValueError for a user who may not log in, or a time that is none.
    """
    if not user.is_active:
        raise ValueError(f"{user} is not active; a token would open nothing")
    if not seconds > 0:
        raise ValueError(f"a token is good for more than 0 seconds, not {seconds!r}")
    said = {"user": _key(user), "until": time.time() + seconds, "hash": user.get_session_auth_hash()}
    return PREFIX + signing.dumps(said, salt=SALT)


def bearer(token: str) -> Any:
    """The user of a token, as the database has it now. Raises BadToken."""
    try:
        said = signing.loads(token.removeprefix(PREFIX), salt=SALT)
    except signing.BadSignature:
        raise BadToken("The token is none of this server's.") from None
    if time.time() >= said["until"]:
        raise BadToken("The token's time is over; get a new one.")
    user = _user(said["user"])
    if user is None or not user.is_active or not constant_time_compare(said["hash"], _hash(user)):
        raise BadToken("The token's user may not log in any more, or has another password now.")
    return user


def _user(key: str) -> Any:
    model = get_user_model()
    try:
        return model._default_manager.filter(pk=model._meta.pk.to_python(key)).first()
    except ValidationError:
        return None


def _key(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))


def _hash(user: Any) -> str:
    return str(user.get_session_auth_hash())
