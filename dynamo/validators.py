"""What a name, a text, a flag, an option, a choice and a default may be, each by itself."""

from __future__ import annotations

import keyword
import math
import unicodedata
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from events.schema import Frozen
from projections.generated import GeneratedModel
from projections.options import IDENTIFIER

LONGEST_FIELD_NAME: Final = 59
LONGEST_MODEL_NAME: Final = 50
LONGEST_TABLE_NAME: Final = 63
LONGEST_LABEL: Final = 150
LONGEST_TEXT: Final = 10_000
LARGEST_ORDER: Final = 2**31 - 1
LARGEST_VALUE: Final = 65_536

# Columns that PostgreSQL or SQLite have of their own.
SYSTEM_COLUMNS: Final = frozenset({"oid", "rowid", "ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})
PRIMARY_KEY: Final = frozenset({"id", "pk"})
MODEL_API: Final = frozenset(dir(GeneratedModel)) | {
    "objects",
    "DoesNotExist",
    "MultipleObjectsReturned",
    "NotUpdated",
}
# `Book(self=...)` is no call, and a form's token must not be a field of the form.
TAKEN_ELSEWHERE: Final = frozenset({"self", "csrfmiddlewaretoken"})
TOMBSTONE_PREFIX: Final = "zz_"
LAYOUT: Final = frozenset("\n\r\t")
BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def field_name(value: Any) -> str:
    name = _identifier(value, LONGEST_FIELD_NAME)
    if name.lower() in PRIMARY_KEY:
        raise ValidationError(
            _("%(name)r is how Django calls the primary key, which every model has; choose another name")
            % {"name": name}
        )
    if name.lower() in SYSTEM_COLUMNS:
        raise ValidationError(
            _("%(name)r is a column that databases have of their own; choose another name") % {"name": name}
        )
    if name in MODEL_API or f"{name}_id" in MODEL_API:
        raise ValidationError(
            _("%(name)r would replace part of Django's model API; choose another name") % {"name": name}
        )
    if name in TAKEN_ELSEWHERE:
        raise ValidationError(
            _("%(name)r has a meaning for Python or for forms; choose another name") % {"name": name}
        )
    if name.lower().startswith(TOMBSTONE_PREFIX):
        raise ValidationError(
            _("names that begin with %(prefix)r are kept for retired columns") % {"prefix": TOMBSTONE_PREFIX}
        )
    return name


def model_name(value: Any) -> str:
    return _identifier(value, LONGEST_MODEL_NAME)


def app_label(value: Any) -> str:
    return _identifier(value, LONGEST_MODEL_NAME)


def _identifier(value: Any, longest: int) -> str:
    if value in (None, ""):
        raise ValidationError(_("a name is required"))
    if not isinstance(value, str):
        raise ValidationError(_("a name is text, and %(value)r is none") % {"value": value})
    if len(value) > longest:
        raise ValidationError(
            _("a name has at most %(limit)s characters, this one has %(length)s")
            % {"limit": longest, "length": len(value)}
        )
    if not IDENTIFIER.match(value):
        raise ValidationError(
            _("%(value)r is not a plain name: a letter, then letters, digits and single underscores")
            % {"value": value}
        )
    if keyword.iskeyword(value):
        raise ValidationError(
            _("%(value)r is a word of the Python language; choose another name") % {"value": value}
        )
    return value


def flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValidationError(_("%(value)r must be true or false") % {"value": value})
    return value


def order(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_ORDER:
        raise ValidationError(
            _("%(value)r must be a whole number from 0 to %(limit)s")
            % {"value": value, "limit": LARGEST_ORDER}
        )
    return value


def label(value: Any) -> str:
    """A short text of one line."""
    return _text(value, LONGEST_LABEL, frozenset())


def text(value: Any) -> str:
    return _text(value, LONGEST_TEXT, LAYOUT)


def _text(value: Any, longest: int, allowed: frozenset[str]) -> str:
    if not isinstance(value, str):
        raise ValidationError(_("%(value)r must be text") % {"value": value})
    if len(value) > longest:
        raise ValidationError(
            _("a text here has at most %(limit)s characters, this one has %(length)s")
            % {"limit": longest, "length": len(value)}
        )
    for character in value:
        odd = character in BIDI or unicodedata.category(character) in {"Cc", "Cs"}
        if odd and character not in allowed:
            raise ValidationError(
                _("the character U+%(code)s is not allowed in a text") % {"code": f"{ord(character):04X}"}
            )
    return value


def json_value(value: Any, depth: int = 0) -> Any:
    """JSON data of sane size: finite numbers, text without NUL or lone surrogates, eight levels at most."""
    if depth > 8:
        raise ValidationError(_("the value is nested too deeply"))
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _json_number(value)
    if isinstance(value, dict):
        return Frozen({_json_text(k): json_value(v, depth + 1) for k, v in value.items()})
    if isinstance(value, list | tuple):
        return tuple(json_value(item, depth + 1) for item in value)
    raise ValidationError(_("%(value)r is not JSON data") % {"value": value})


def _json_text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LARGEST_VALUE:
        raise ValidationError(_("a text here has at most %(limit)s characters") % {"limit": LARGEST_VALUE})
    if "\x00" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise ValidationError(_("the text has characters that no database stores"))
    return value


def _json_number(value: Any) -> Any:
    if not math.isfinite(value):
        raise ValidationError(_("%(value)r is not a finite number") % {"value": value})
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValidationError(_("%(value)s is too large") % {"value": value})
    return value
