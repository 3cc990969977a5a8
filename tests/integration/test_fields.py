"""Every stock field type, in every way that the contract allows it to be used."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, models, transaction
from django.forms import modelform_factory
from django.utils import timezone

import dynamo
from dynamo.models import MetaField
from projections.fields import STOCK
from tests.integration.making import NEEDED, add, alter, columns, make
from tests.integration.values import sample

# The matrix is large, so each test is a plain one that rolls back where it can; test_transactions commits.
pytestmark = pytest.mark.django_db(transaction=not connection.features.can_rollback_ddl)

PLAIN = sorted(name for name, row in STOCK.items() if not row.is_relation)
WITHOUT_CHOICES = {"JSONField", "BinaryField"}
# A default as JSON, and what the field makes of it.
DEFAULTS = {
    "BooleanField": (False, False),
    "DateField": ("2024-02-29", datetime.date(2024, 2, 29)),
    "DateTimeField": ("2024-02-29T12:00:00Z", datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)),
    "TimeField": ("12:30:00", datetime.time(12, 30)),
    "DurationField": ("1 02:00:00", datetime.timedelta(days=1, hours=2)),
    "UUIDField": (str(uuid.UUID(int=5)), uuid.UUID(int=5)),
    "JSONField": ({"a": [1]}, {"a": [1]}),
    "BinaryField": ("AP8=", b"\x00\xff"),
    "GenericIPAddressField": ("2001:db8::1", "2001:db8::1"),
    "DecimalField": ("1.50", Decimal("1.50")),
    "FloatField": (0.5, 0.5),
    "EmailField": ("a@example.org", "a@example.org"),
    "URLField": ("https://example.org/%20", "https://example.org/%20"),
    "SlugField": ("a-b", "a-b"),
    "CharField": ("O'B %s 100%%", "O'B %s 100%%"),
    "TextField": ('"quoted"\n%d', '"quoted"\n%d'),
}
FILES = {"FileField", "ImageField", "FilePathField"}


def default_of(type_name: str):
    return DEFAULTS.get(type_name, ("a.png", "a.png") if type_name in FILES else (7, 7))


def made(type_name: str, **attributes):
    """A class with one field "x" of that type."""
    return make("Thing", x={"type": type_name, **attributes}).get_model()


@pytest.mark.parametrize("type_name", PLAIN)
@pytest.mark.parametrize("required", [True, False])
def test_values_are_written_and_read_back(type_name, required):
    cls = made(type_name, required=required)
    field = cls._meta.get_field("x")
    for n in (0, 1):
        row = cls.objects.create(x=sample(field, n))
        assert cls.objects.get(pk=row.pk).x == sample(field, n)
        if type_name != "JSONField":
            assert cls.objects.filter(x=sample(field, n)).get() == row


@pytest.mark.parametrize("type_name", PLAIN)
def test_a_required_field_is_never_null_or_blank(type_name):
    cls = made(type_name, required=True)
    field = cls._meta.get_field("x")
    assert (field.null, field.blank, columns("dynamic_thing")["x"]) == (False, False, True)


@pytest.mark.parametrize("type_name", sorted(set(PLAIN) - FILES - {"CharField", "TextField", "BinaryField"}))
def test_a_missing_required_value_is_never_filled_silently(type_name):
    cls = made(type_name, required=True)
    text = STOCK[type_name].cls.empty_strings_allowed
    with pytest.raises(ValidationError if text else IntegrityError), transaction.atomic():
        cls().full_clean() if text else cls.objects.create()


@pytest.mark.parametrize("type_name", PLAIN)
def test_an_optional_field_is_empty_in_the_way_of_its_type(type_name):
    cls = made(type_name)
    field = cls._meta.get_field("x")
    nullable = not type(field).empty_strings_allowed
    assert (field.null, field.blank, columns("dynamic_thing")["x"]) == (nullable, True, not nullable)
    row = cls.objects.get(pk=cls.objects.create().pk)
    assert not row.x
    assert (row.x is None) == nullable


@pytest.mark.parametrize("type_name", sorted(name for name in PLAIN if STOCK[name].indexable))
def test_a_unique_field_takes_each_value_once_and_nothing_often(type_name):
    cls = made(type_name, unique=True)
    field = cls._meta.get_field("x")
    assert (field.unique, field.null) == (True, True)
    cls.objects.create(x=sample(field))
    cls.objects.create(x=None)
    cls.objects.create(x=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        cls.objects.create(x=sample(field))


@pytest.mark.parametrize("type_name", sorted(name for name in PLAIN if not STOCK[name].indexable))
@pytest.mark.parametrize("flag", ["unique", "unique_together"])
def test_types_that_some_database_cannot_index_are_refused_as_unique(type_name, flag):
    with pytest.raises(ValidationError):
        made(type_name, **{flag: True})


@pytest.mark.parametrize("type_name", PLAIN)
@pytest.mark.parametrize("required", [True, False])
def test_a_default_is_used_for_new_and_for_existing_rows(type_name, required):
    meta = make("Thing")
    cls, (raw, value) = meta.get_model(), default_of(type_name)
    old = cls.objects.create()
    add(meta, "x", type_name, default=raw, required=required)
    new = cls.objects.create()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.x, new.x, cls().x) == (value, value, value)
    assert MetaField.objects.get().default == raw


@pytest.mark.parametrize("type_name", sorted(set(PLAIN) - WITHOUT_CHOICES - FILES))
def test_choices_are_offered_as_the_types_own_values(type_name):
    raw, value = default_of(type_name)
    cls = made(type_name, choices=[[raw, "The one"]], default=raw)
    field = cls._meta.get_field("x")
    assert (list(field.flatchoices), cls().x) == ([(value, "The one")], value)
    row = cls.objects.get(pk=cls.objects.create(x=value).pk)
    assert row.get_x_display() == "The one"
    row.full_clean()


@pytest.mark.parametrize("type_name", sorted(WITHOUT_CHOICES))
def test_types_whose_values_are_no_choices_refuse_them(type_name):
    with pytest.raises(ValidationError, match="choices"):
        made(type_name, choices=[["a", "A"]])


def test_grouped_choices_and_the_comma_text_are_normalised():
    grouped = [["Fruit", [["a", "Apple"], ["b", "Banana"]]], ["c", "Carrot"]]
    meta = make(
        "Thing", x={"type": "CharField", "choices": grouped}, y={"type": "CharField", "choices": "red, green"}
    )
    cls = meta.get_model()
    assert list(cls._meta.get_field("x").flatchoices) == [("a", "Apple"), ("b", "Banana"), ("c", "Carrot")]
    assert meta.fields.get(name="y").choices == [["red", "red"], ["green", "green"]]
    with pytest.raises(ValidationError):
        cls(x="z").full_clean()


def test_a_default_that_is_none_of_the_choices_is_refused():
    with pytest.raises(ValidationError, match="choices"):
        made("IntegerField", choices=[[1, "one"]], default=2)


@pytest.mark.filterwarnings("ignore:The default scheme will be changed")
@pytest.mark.parametrize("type_name", sorted(set(PLAIN) - FILES - {"BinaryField"}))
def test_a_form_shows_and_saves_the_value(type_name):
    cls = made(type_name, required=type_name != "BooleanField")
    value = sample(cls._meta.get_field("x"), 1 if type_name == "DateTimeField" else 0)
    value = value.replace(microsecond=0) if type_name == "TimeField" else value
    form_class = modelform_factory(cls, fields=["x"])
    shown = form_class(instance=cls(x=value))["x"]
    text = shown.field.widget.format_value(shown.value()) if type_name != "BooleanField" else value
    form = form_class({"x": text})
    assert form.is_valid(), form.errors
    assert form.save().x == value


@pytest.mark.parametrize(
    ("factory", "type_name", "kind"),
    [
        ("now", "DateTimeField", datetime.datetime),
        ("today", "DateField", datetime.date),
        ("uuid4", "UUIDField", uuid.UUID),
        ("list", "JSONField", list),
        ("dict", "JSONField", dict),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_computed_defaults_fill_new_and_existing_rows(factory, type_name, kind, required):
    meta = make("Thing")
    cls = meta.get_model()
    for _ in range(3):
        cls.objects.create()
    add(meta, "x", type_name, required=required, options={"default_factory": factory})
    cls.objects.create()
    values = [row.x for row in cls.objects.all()]
    assert all(isinstance(value, kind) for value in values)
    assert cls().x is not cls().x or kind is datetime.date
    assert len(set(map(str, values))) == 4 or factory != "uuid4"


def test_a_required_unique_uuid_gets_a_value_of_its_own_for_every_row():
    meta = make("Thing")
    for _ in range(3):
        meta.get_model().objects.create()
    add(meta, "x", "UUIDField", required=True, unique=True, options={"default_factory": "uuid4"})
    assert meta.get_model().objects.values("x").distinct().count() == 3


def test_fields_that_are_described_alike_are_fields_of_their_own():
    one, other = (make(name, a="CharField", b="CharField") for name in ("One", "Other"))
    fields = [one.get_model()._meta.local_fields[1], *other.get_model()._meta.local_fields[1:]]
    assert len(set(fields)) == 3
    assert fields[1] < fields[2]
    said = {"help": "h", "verbose_name": "v", "choices": [["x", "X"]], "default": "x"}
    alter(one.fields.get(name="a"), **said)
    for field in fields[1:]:
        assert (field.help_text, field.choices, field.has_default()) == ("", None, False)
        assert field.verbose_name == field.name


def test_rows_do_not_share_a_mutable_default():
    cls = made("JSONField", default={"a": []})
    cls().x["a"].append(1)
    assert cls().x == {"a": []}


def test_stamps_are_set_when_a_row_is_made_and_when_it_is_saved():
    meta = make("Thing", label="CharField")
    add(meta, "made", "DateTimeField", options={"auto_now_add": True})
    add(meta, "changed", "DateTimeField", options={"auto_now": True})
    row = meta.get_model().objects.create()
    first = row.changed
    row.save()
    assert row.made <= first < row.changed <= timezone.now()


def test_a_file_is_stored_below_the_media_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    cls = made("FileField", options={"upload_to": "docs"})
    row = cls.objects.create()
    row.x.save("a.txt", ContentFile(b"hello"))
    with cls.objects.get().x.open() as stored:
        assert stored.read() == b"hello"
    assert (tmp_path / "docs" / "a.txt").is_file()


@pytest.mark.parametrize("type_name", sorted(name for name, row in STOCK.items() if row.limits))
def test_whole_numbers_have_the_same_limits_everywhere(type_name):
    low, high = STOCK[type_name].limits
    cls = made(type_name)
    for value in (low, high):
        assert cls.objects.get(pk=cls.objects.create(x=value).pk).x == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValidationError):
            alter(MetaField.objects.get(), default=value)


def test_decimals_keep_their_digits():
    cls = made("DecimalField", options={"max_digits": 15, "decimal_places": 3})
    row = cls.objects.create(x=Decimal("123456789012.345"))
    assert cls.objects.get(pk=row.pk).x == Decimal("123456789012.345")


def test_help_is_shown_as_text_and_never_as_markup():
    cls = made("CharField", help="<script>alert(1)</script>", verbose_name="<b>bold</b>")
    page = str(modelform_factory(cls, fields=["x"])())
    assert "<script>" not in page
    assert "<b>" not in page


def test_help_of_a_many_to_many_is_text_too():
    cls = make(
        "Thing", xs={"type": "ManyToManyField", "related_model": "self", "help": "<script>"}
    ).get_model()
    assert "<script>" not in str(modelform_factory(cls, fields=["xs"])())


@pytest.mark.parametrize("type_name", sorted(STOCK))
def test_every_type_can_be_retired_with_its_rows(type_name):
    relation = {"related_model": "self"} if STOCK[type_name].is_relation else {}
    meta = make("Thing", label="CharField", x={"type": type_name, **relation})
    meta.get_model().objects.create(label="kept")
    meta.fields.get(name="x").delete()
    assert [row.label for row in meta.get_model().objects.all()] == ["kept"]
    assert "x" not in columns("dynamic_thing")
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("type_name", PLAIN)
def test_every_type_can_become_optional_and_required_again(type_name):
    meta = make("Thing", x={"type": type_name, "required": True})
    cls, field = meta.get_model(), MetaField.objects.get()
    value = sample(cls._meta.get_field("x"))
    filled = cls.objects.create(x=value)
    field = alter(field, required=False)
    empty = cls.objects.create()
    alter(field, required=True, backfill=default_of(type_name)[0])
    filled.refresh_from_db()
    assert filled.x == value
    assert cls.objects.get(pk=empty.pk).x is not None
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("type_name", PLAIN)
def test_every_type_can_be_renamed_with_its_values(type_name):
    meta = make("Thing", x={"type": type_name})
    cls = meta.get_model()
    value = sample(cls._meta.get_field("x"))
    cls.objects.create(x=value)
    alter(meta.fields.get(), name="y")
    assert cls.objects.get().y == value
    assert isinstance(cls._meta.get_field("y"), getattr(models, type_name))


def test_the_table_names_every_option_that_a_type_needs():
    assert {name for name, row in STOCK.items() if row.needs} <= set(NEEDED)
