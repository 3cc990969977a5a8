"""How values get from one shape of a field to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from events.schema import FieldSchema
from projections.conversions.groups import (
    ADDRESS,
    ANY_TEXT,
    ARRAY,
    DECIMAL,
    LINKS,
    OTHER,
    RANGE,
    REFERENCE,
    WHOLE,
    element,
    group,
    limits,
)
from projections.conversions.rules import BY_PAIR, CONVERT, LINK, UNLINK

SAME, FITS, REPLACE, REFUSE = "same", "fits", "replace", "refuse"

# What each mode means, in the order in which the docs list them.
MODES: Final = {
    SAME: "Every value fits as it is.",
    FITS: "The values stay in their column, if each of them fits.",
    CONVERT: "The values go into a new column, each converted. The old column is kept, hidden.",
    LINK: "Each reference becomes one link of a new link table. The old column is kept, hidden.",
    UNLINK: "Each row's only link becomes its reference. The old link table is kept, hidden.",
    REPLACE: "The field starts empty. The old values are kept, hidden.",
    REFUSE: "There is no meaning. Add a new field and retire this one.",
}


def mode(old: FieldSchema, new: FieldSchema) -> str:
    """One of the keys of `MODES`."""
    pair = group(old), group(new)
    if pair[0] == pair[1]:
        within = WITHIN.get(pair[0])
        return SAME if within is None else within(old, new)
    rule = BY_PAIR.get(pair)
    if rule is None:
        return REFUSE
    if rule.mode in (LINK, UNLINK) and old.related_model != new.related_model:
        return REFUSE
    return rule.mode


def sentence(old: FieldSchema, new: FieldSchema) -> str:
    """Say for a reader what a change from one shape to the other does with values."""
    how = mode(old, new)
    rule = BY_PAIR.get((group(old), group(new)))
    if rule is not None:
        return rule.says
    if how in (FITS, SAME):
        return SAYS_WITHIN.get(group(old), MODES[SAME])
    return MODES[how]


def _fits_unless(wider: bool) -> str:
    return SAME if wider else FITS


def _text(old: FieldSchema, new: FieldSchema) -> str:
    return _fits_unless(length(new) >= length(old))


def _whole(old: FieldSchema, new: FieldSchema) -> str:
    (old_low, old_high), (new_low, new_high) = limits(old) or (0, 0), limits(new) or (0, 0)
    return _fits_unless(new_low <= old_low and old_high <= new_high)


def _decimal(old: FieldSchema, new: FieldSchema) -> str:
    scale, old_scale = new.options["decimal_places"], old.options["decimal_places"]
    digits, old_digits = new.options["max_digits"] - scale, old.options["max_digits"] - old_scale
    return _fits_unless(scale >= old_scale and digits >= old_digits)


def _address(old: FieldSchema, new: FieldSchema) -> str:
    was, becomes = (f.options.get("protocol", "both").lower() for f in (old, new))
    return _fits_unless(becomes in (was, "both"))


def _reference(old: FieldSchema, new: FieldSchema) -> str:
    return _fits_unless(old.related_model == new.related_model)


def _links(old: FieldSchema, new: FieldSchema) -> str:
    return SAME if old.related_model == new.related_model else REPLACE


def _array(old: FieldSchema, new: FieldSchema) -> str:
    """Elements stay where they are, or the whole has no meaning: arrays have no column per element."""
    elements = mode(element(old), element(new))
    if elements not in (SAME, FITS):
        return REFUSE
    size = float(new.options.get("size", "inf"))
    return _fits_unless(elements == SAME and size >= float(old.options.get("size", "inf")))


def _range(old: FieldSchema, new: FieldSchema) -> str:
    if old.type == new.type:
        return SAME
    both = {old.type, new.type}
    return CONVERT if both == {"IntegerRangeField", "BigIntegerRangeField"} else REFUSE


def _third_party(old: FieldSchema, new: FieldSchema) -> str:
    if old.type != new.type:
        return REFUSE
    narrower = _text(old, new) == FITS or ("max_digits" in new.options and _decimal(old, new) == FITS)
    return _fits_unless(not narrower)


def length(column: FieldSchema) -> float:
    return float(column.options.get("max_length", "inf"))


WITHIN: Final[dict[str, Callable[[FieldSchema, FieldSchema], str]]] = {
    ANY_TEXT: _text,
    WHOLE: _whole,
    DECIMAL: _decimal,
    ADDRESS: _address,
    REFERENCE: _reference,
    LINKS: _links,
    ARRAY: _array,
    RANGE: _range,
    OTHER: _third_party,
}

SAYS_WITHIN: Final = {
    ANY_TEXT: "The same if the new type is as long, else if no value is longer. Values are not held "
    "against what an email, URL or slug has to look like; forms do that when a row is next edited.",
    WHOLE: "The same if the new limits are wider, else if every value is within them.",
    DECIMAL: "The same if there are as many digits before and after the point, else if every value has room; "
    "1.50 fits one decimal place, 1.55 does not.",
    ADDRESS: "The same, or if every address is of the protocol that is left.",
    REFERENCE: "The same with the same target. With another one, if it has a row of each key.",
    LINKS: "The same with the same target. With another one the field starts empty.",
    ARRAY: "As the element types are to each other; types that need a conversion are refused.",
    RANGE: "The same within one type. The two ranges of whole numbers convert into each other.",
    OTHER: "The same within one type, or if every value fits the narrower field.",
}
