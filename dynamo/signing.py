"""Signed heads: a statement, kept elsewhere, of where the log was, so that a log written anew is found out.

A hash chain only says that a log agrees with itself. Who can write the database can write another one that
does too; the signature of an earlier head is what such a log cannot have. Ed25519 by the `cryptography`
package, which is an optional extra.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dynamo import record
from events import store
from events.exceptions import DynamoError, SchemaRefused
from events.schema import canonical
from projections import conf

NAMED: Final = ("registry", "position", "hash", "signed_at", "key")
INSTALL: Final = "signing needs the cryptography package: pip install 'django-dynamo-registry[sign]'"


def new_key() -> bytes:
    """A new private key as PEM; keep it where the database's administrators cannot read it."""
    serialization, ed25519 = _cryptography()
    made: bytes = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


def public_key(private: bytes) -> bytes:
    """The public key of a private one, both as PEM."""
    serialization, _ = _cryptography()
    made: bytes = (
        _private(private)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return made


def sign(private: bytes) -> dict[str, Any]:
    """Sign where the log is now, with a private key as PEM. Raises DynamoError for what is no such key."""
    record.write_open()
    key, head = _private(private), store.head(conf.database())
    statement = {
        "registry": head.registry_id,
        "position": head.position,
        "hash": head.hash,
        "signed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "key": _fingerprint(key.public_key()),
    }
    signature = base64.b64encode(key.sign(canonical(statement))).decode()
    return {"dynamo": "head", "format": 1, **statement, "signature": signature}


def contradiction(statement: Any, public: bytes) -> tuple[str, int] | None:
    """How the log contradicts a signed statement, and at which position; None where it does not.

    Raises DynamoError where the statement is not what the holder of the key signed.
    """
    _check_signature(statement, public)
    using, position = conf.database(), statement["position"]
    head = store.head(using)
    signed = f"the head signed at {statement['signed_at']}"
    if head.registry_id != statement["registry"]:
        return f"{signed} is of the registry {statement['registry']}, this one is {head.registry_id}", 1
    if position > head.position:
        return f"{signed} is at position {position}, the log ends at {head.position}", head.position + 1
    if position == 0:
        return None
    row = next(store.raw(using, after=position - 1, upto=position), None)
    if row is None or row[-1] != statement["hash"]:
        return f"position {position} is not what it was by {signed}: the log was written anew", position
    return None


def _check_signature(statement: Any, public: bytes) -> None:
    key = _public(public)
    if (
        not isinstance(statement, Mapping)
        or statement.get("dynamo") != "head"
        or statement.get("format") != 1
    ):
        raise SchemaRefused('this is no signed head: it has no "dynamo": "head"')
    try:
        signature = base64.b64decode(statement["signature"], validate=True)
        signed = canonical({name: statement[name] for name in NAMED})
        if not isinstance(statement["position"], int):
            raise TypeError
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise SchemaRefused("this is no signed head: a part of it is missing or unreadable") from None
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, signed)
    except InvalidSignature:
        raise SchemaRefused("the signature does not fit: another key signed it, or it was changed") from None


def _private(pem: bytes) -> Any:
    serialization, ed25519 = _cryptography()
    return _key(lambda: serialization.load_pem_private_key(pem, None), ed25519.Ed25519PrivateKey, "private")


def _public(pem: bytes) -> Any:
    serialization, ed25519 = _cryptography()
    return _key(lambda: serialization.load_pem_public_key(pem), ed25519.Ed25519PublicKey, "public")


def _key(load: Any, kind: type[Any], what: str) -> Any:
    try:
        found = load()
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, kind):
        raise DynamoError(f"this is no {what} Ed25519 key without a password, as PEM")
    return found


def _fingerprint(key: Any) -> str:
    serialization, _ = _cryptography()
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise DynamoError(INSTALL) from error
    return serialization, ed25519
