"""Every field type under every change that keeps the type: values, other columns and other rows."""

from __future__ import annotations

import pytest

from projections.field_types import STOCK
from tests.integration.agreement import naming
from tests.integration.field_changes import CHANGES, applies
from tests.integration.held import hold_samples
from tests.integration.samples import ON_POSTGRESQL, SAMPLES, STOCK_SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)

# Types that share a model, each in a column of its own, so that a flush serves several.
GROUPS = {
    "text": ("CharField", "TextField", "EmailField", "SlugField", "URLField"),
    "files": ("FileField", "ImageField", "FilePathField"),
    "whole numbers": tuple(name for name, row in STOCK.items() if row.limits),
    "other numbers": ("FloatField", "DecimalField", "BooleanField"),
    "moments": ("DateField", "DateTimeField", "TimeField", "DurationField"),
    "others": ("UUIDField", "JSONField", "BinaryField", "GenericIPAddressField"),
}
if ON_POSTGRESQL:
    GROUPS["PostgreSQL's"] = tuple(SAMPLES.keys() - STOCK_SAMPLES.keys())


def test_every_type_has_samples_and_is_in_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(SAMPLES)
    assert {name for name, row in STOCK.items() if not row.is_relation} == set(STOCK_SAMPLES)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_field_does_what_it_says_and_nothing_else(change, group):
    held = hold_samples(*GROUPS[group])
    held.check()
    for type_name in GROUPS[group]:
        if applies(change, type_name):
            with naming(type_name):
                CHANGES[change](held, type_name)
                held.check()
