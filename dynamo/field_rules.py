"""What a field's type, its options, choices and default may be, together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils.translation import gettext as _

from dynamo.validators import json_value, label
from events.schema import FieldSchema, Frozen, freeze
from projections import conf, fields
from projections.fields import FieldType

MOST_CHOICES: Final = 1_000


def field_type(value: Any) -> FieldType:
    found = fields.field_type(value)
    if found is None:
        raise ValidationError(
            _("%(value)r is not a field type; there are %(names)s")
            % {"value": value, "names": ", ".join(sorted(fields.field_types()))}
        )
    if found.name == "ImageField":
        _require_pillow()
    _require_backend(found)
    if found.name == "HStoreField":
        _require_hstore()
    return found


def _require_backend(row: FieldType) -> None:
    if not row.exists_here:
        display_name = connections[conf.database()].display_name
        raise ValidationError(
            _("%(type)s exists on PostgreSQL only; this registry's database is %(database)s")
            % {"type": row.name, "database": display_name}
        )


def _require_hstore() -> None:
    """Without the app, connections give hstore values back as text."""
    if not apps.is_installed("django.contrib.postgres"):
        raise ValidationError(_("HStoreField needs 'django.contrib.postgres' in INSTALLED_APPS"))
    with connections[conf.database()].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'hstore'")
        if cursor.fetchone() is None:
            raise ValidationError(
                _(
                    "HStoreField needs PostgreSQL's extension hstore: run CREATE EXTENSION hstore, or a "
                    "migration with django.contrib.postgres.operations.HStoreExtension, and restart the "
                    "servers"
                )
            )


def _require_pillow() -> None:
    try:
        import PIL  # noqa: F401  # asked for its presence only
    except ImportError:
        raise ValidationError(
            _("ImageField needs Pillow: pip install 'django-dynamo-registry[images]'")
        ) from None


def options(value: Any, row: FieldType, *, required: bool) -> Frozen:
    """Check each option by the type's row and add the defaults, so that replay never depends on them."""
    given = {} if value in (None, "") else value
    if not isinstance(given, dict):
        raise ValidationError(_("%(value)r must be a JSON object of options") % {"value": value})
    allowed = row.all_options
    out = dict(row.defaults)
    if row.is_relation and "on_delete" in allowed:
        out["on_delete"] = default_on_delete(required=required)
    for name, option in given.items():
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise ValidationError(
                _("%(type)s has no option %(name)r; it has: %(known)s")
                % {"type": row.name, "name": name, "known": known}
            )
        out[name] = _option(name, option, allowed[name])
    _check_options(out, row, required=required)
    if "base_field" in out:
        out["base_options"] = _element_options(out["base_field"], out["base_options"])
    return Frozen(out)


def _element_options(name: str, given: Any) -> Frozen:
    with naming_option("base_options"):
        return options(given, fields.element_type(name), required=True)


@contextmanager
def naming_option(name: str) -> Iterator[None]:
    """Say of which option a message is."""
    try:
        yield
    except ValidationError as error:
        raise ValidationError([f"option {name!r}: {message}" for message in error.messages]) from None


def default_on_delete(*, required: bool) -> str:
    return "PROTECT" if required else "SET_NULL"


def _option(name: str, value: Any, check: Callable[[Any], Any]) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValidationError(
            _("option %(name)r: %(value)r %(error)s") % {"name": name, "value": value, "error": error}
        ) from None


def _check_options(given: dict[str, Any], row: FieldType, *, required: bool) -> None:
    for name in row.needs:
        if name not in given:
            raise ValidationError(_("%(type)s needs the option %(name)r") % {"type": row.name, "name": name})
    if given.get("decimal_places", 0) > given.get("max_digits", 0):
        raise ValidationError(_("option 'decimal_places' cannot be larger than 'max_digits'"))
    if sum(bool(given.get(n)) for n in ("auto_now", "auto_now_add", "default_factory")) > 1:
        raise ValidationError(_("auto_now, auto_now_add and default_factory exclude each other"))
    if given.get("on_delete") == "SET_NULL" and required:
        raise ValidationError(
            _("on_delete SET_NULL needs required to be false: a required relation is never empty")
        )
    if given.get("unpack_ipv4") and given.get("protocol", "both") != "both":
        raise ValidationError(_("unpack_ipv4 needs the protocol 'both'"))


def choices(value: Any) -> tuple[Any, ...]:
    """[value, label] pairs, optionally in groups of one level; a comma-separated text is accepted."""
    if value in (None, "", (), []):
        return ()
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        value = [[part, part] for part in parts if part]
    if not isinstance(value, list | tuple) or len(value) > MOST_CHOICES:
        raise ValidationError(
            _("choices are a list of at most %(limit)s [value, label] pairs") % {"limit": MOST_CHOICES}
        )
    pairs = tuple(_pair(item, nested=False) for item in value)
    values = [v for v, _ in flat(pairs)]
    if len(set(values)) != len(values):
        raise ValidationError(_("a value occurs more than once among the choices"))
    return pairs


def flat(pairs: tuple[Any, ...]) -> Iterator[tuple[Any, str]]:
    for value, name in pairs:
        if isinstance(name, tuple):
            yield from flat(name)
        else:
            yield value, name


def _pair(item: Any, *, nested: bool) -> tuple[Any, Any]:
    if not isinstance(item, list | tuple) or len(item) != 2:
        raise ValidationError(_("%(item)r is not a [value, label] pair") % {"item": item})
    first, second = item
    if isinstance(second, list | tuple):
        if nested:
            raise ValidationError(_("groups of choices have one level"))
        return label(first), tuple(_pair(inner, nested=True) for inner in second)
    if isinstance(first, dict | list | tuple):
        raise ValidationError(_("%(first)r cannot be the value of a choice") % {"first": first})
    return json_value(first), label(second)


def values(field: FieldSchema, row: FieldType) -> None:
    """Parse default and choices by the field itself; raise ValidationError by attribute."""
    if field.choices and (row.is_relation or (row.name in {"JSONField", "BinaryField"} or row.backend)):
        raise ValidationError({"choices": _("%(type)s takes no choices") % {"type": row.name}})
    if field.default is not None and row.is_relation:
        raise ValidationError({"default": _("%(type)s takes no default") % {"type": row.name}})
    if row.is_relation:
        return
    built = fields.build(replace(field, default=None, choices=()))
    for value, _name in flat(field.choices):
        _parse(built, value, "choices")
    if field.default is not None:
        _default(built, field)


def _default(built: Any, field: FieldSchema) -> None:
    stamps = [name for name in ("auto_now", "auto_now_add", "default_factory") if field.options.get(name)]
    if stamps:
        raise ValidationError(
            {"default": _("a default and %(option)s exclude each other") % {"option": stamps[0]}}
        )
    known = {value for value, _ in flat(field.choices)}
    if field.choices and field.default not in known and field.default != "":
        raise ValidationError(
            {"default": _("%(default)r is not one of the choices") % {"default": field.default}}
        )
    if field.default != "" or not built.empty_strings_allowed:
        _parse(built, field.default, "default")


def _parse(built: Any, value: Any, attribute: str) -> None:
    try:
        fields.parse(built, freeze(value))
    except ValidationError as error:
        said = [m if m.startswith((repr(value), f"“{value}”")) else f"{value!r}: {m}" for m in error.messages]
        raise ValidationError({attribute: said}) from None
    except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
        raise ValidationError({attribute: f"{value!r}: {error}"}) from None


def constraints(field: FieldSchema, row: FieldType) -> None:
    """Uniqueness and indexes that every database can hold."""
    if field.is_many_to_many and (field.unique or field.unique_together):
        raise ValidationError({"unique": _("a many-to-many cannot be unique")})
    indexed = field.unique or field.unique_together
    if indexed and not row.indexable:
        raise ValidationError(
            {
                "unique": _("%(type)s cannot be unique on every database; use CharField with a max_length")
                % {"type": row.name}
            }
        )
    length = field.options.get("max_length", 0)
    if (indexed or field.options.get("db_index")) and length > fields.INDEXABLE_LENGTH:
        raise ValidationError(
            {
                "options": _("an indexed text has at most %(limit)s characters, not %(length)s")
                % {"limit": fields.INDEXABLE_LENGTH, "length": length}
            }
        )
