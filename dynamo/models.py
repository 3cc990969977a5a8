"""MetaModel and MetaField: what people edit. Saving or deleting a row records events and runs the chain."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from dynamo import intent, saving
from dynamo.record import change_set
from dynamo.rollbacks import rollback_model
from events.diff import Handling
from events.exceptions import SchemaRefused
from events.schema import ModelSchema
from projections import conf


def next_free() -> int:
    return intent.NEXT_FREE


def default_admin() -> bool:
    return bool(conf.get("DYNAMO_DEFAULT_ADMIN"))


class MetaQuerySet(models.QuerySet[Any]):
    """Bulk operations take the same door as `save`, in one change set."""

    def update(self, **attributes: Any) -> int:
        with change_set():
            found = list(self)
            for row in found:
                for name, value in attributes.items():
                    setattr(row, name, value)
                row.save()
        return len(found)

    def delete(self) -> tuple[int, dict[str, int]]:
        with change_set():
            counts = [row.delete() for row in self]
        return sum(n for n, _ in counts), {self.model._meta.label: len(counts)}

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            raise SchemaRefused("bulk_create of meta rows cannot ignore or update conflicts; save() them")
        found = list(objs)
        with change_set():
            for row in found:
                row.save(force_insert=True)
        return found

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        found = list(objs)
        with change_set():
            for row in found:
                row.save(update_fields=list(fields))
        return len(found)

    def get_or_create(self, *args: Any, **kwargs: Any) -> Any:
        """In a change set of its own: MariaDB changes nothing inside the `atomic()` that Django opens."""
        with change_set():
            return super().get_or_create(*args, **kwargs)

    def update_or_create(self, *args: Any, **kwargs: Any) -> Any:
        with change_set():
            return super().update_or_create(*args, **kwargs)

    # Names that Django's own code uses.
    update.alters_data = delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class MetaRow(models.Model):
    """What both have in common: a stable key, and the values that were loaded, to see what changed."""

    ATTRIBUTES: ClassVar[tuple[str, ...]] = ()

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    objects = MetaQuerySet.as_manager()

    class Meta:
        abstract = True

    loaded: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.loaded = {}

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:  # type: ignore[override]  # later stubs
        row = super().from_db(db, field_names, values)
        row.loaded = saving.snapshot(row)
        return row

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Only what is read anew counts as loaded; Django calls this for each deferred attribute."""
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        now = saving.snapshot(self)
        self.loaded |= {name: now[name] for name in now if fields is None or name in fields}

    def full_clean(
        self, exclude: Any = None, validate_unique: bool = True, validate_constraints: bool = True
    ) -> None:
        """What a form or a column has refused already is not judged by what is left of it."""
        try:
            super().full_clean(exclude, validate_unique, validate_constraints)
        except ValidationError as error:
            found = {name: each for name, each in error.error_dict.items() if name not in (exclude or ())}
            first = {name: each if name == NON_FIELD_ERRORS else each[:1] for name, each in found.items()}
            if first:
                raise ValidationError(first) from None


def refuse_unrecorded(sender: Any, **kwargs: Any) -> None:
    """Fixtures write rows directly, past `save`, and would make rows that the log knows nothing of."""
    raise SchemaRefused(
        f"{sender._meta.verbose_name} rows cannot be loaded from a fixture; "
        "exclude dynamo and dynamo_events from it and create models with save()"
    )


class MetaModel(MetaRow):
    """A model described at runtime."""

    ATTRIBUTES = intent.MODEL_ATTRIBUTES

    name = models.CharField(
        _("name"), max_length=50, help_text=_("Class name: letters, digits and single underscores.")
    )
    description = models.TextField(
        _("description"), blank=True, default="", help_text=_("For readers; changes nothing else.")
    )
    app = models.CharField(
        _("app"),
        max_length=50,
        blank=True,
        default="",
        help_text=_("App label; empty for the project's default."),
    )
    admin = models.BooleanField(
        _("admin"), default=default_admin, help_text=_("Whether the model has admin pages.")
    )
    options = models.JSONField(
        _("options"),
        blank=True,
        default=dict,
        help_text=_("verbose_name, verbose_name_plural, ordering, display."),
    )

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        base_manager_name = "objects"
        ordering = ("app", "name")
        permissions = (
            ("view_history", "Can see the schema history"),
            ("follow_stream", "Can follow the stream"),
            ("rollback_schema", "Can return the schema to an earlier moment"),
            ("purge_schema", "Can drop retired models and fields for good"),
        )

    def __str__(self) -> str:
        return f"{self.app or conf.default_app()}.{self.name}"

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Record the change and run the chain. Raises ValidationError or a DynamoError, leaving no trace."""
        saving.save_model(self, update_fields)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Retire the model: its table stays under another name until it is purged."""
        saving.delete_model(self)
        return 1, {self._meta.label: 1}

    def clean(self) -> None:
        saving.clean_model(self)

    def get_model(self) -> type[models.Model]:
        """The generated class, with all that was saved so far; raises ModelNotFound."""
        found: type[models.Model] = saving.get_model(self)
        return found

    @property
    def schema(self) -> ModelSchema | None:
        return saving.schema(self)

    @property
    def version(self) -> int:
        schema = self.schema
        return 0 if schema is None else schema.version

    def history(self) -> list[Any]:
        """The model's recorded events, oldest first."""
        return saving.history(self)

    def rollback(self, to: int, **said: Any) -> tuple[Any, ...]:
        """Return to a version of this model; see `dynamo.rollback` for what may be said about rows."""
        done: tuple[Any, ...] = rollback_model(self, to, **said)
        return done


class MetaField(MetaRow):
    """A field of a model described at runtime."""

    ATTRIBUTES = intent.FIELD_ATTRIBUTES

    meta_model = models.ForeignKey(
        MetaModel, on_delete=models.CASCADE, related_name="fields", verbose_name=_("model")
    )
    name = models.CharField(_("name"), max_length=59, help_text=_("Letters, digits and single underscores."))
    verbose_name = models.CharField(
        _("verbose name"), max_length=150, blank=True, default="", help_text=_("Label in forms.")
    )
    type = models.CharField(
        _("type"), max_length=100, help_text=_("Field type, such as CharField or ForeignKey.")
    )
    related_model = models.CharField(
        _("related model"),
        max_length=120,
        blank=True,
        default="",
        help_text=_("For relations: self, Model or app.Model."),
    )
    description = models.TextField(
        _("description"), blank=True, default="", help_text=_("For readers; changes nothing else.")
    )
    order = models.PositiveIntegerField(_("order"), default=next_free, blank=True)
    unique_together = models.BooleanField(
        _("unique together"),
        default=False,
        help_text=_("All fields with this flag are unique in combination."),
    )
    unique = models.BooleanField(_("unique"), default=False)
    help = models.TextField(
        _("help"), blank=True, default="", help_text=_("Help text in forms; shown as plain text.")
    )
    choices = models.JSONField(
        _("choices"), blank=True, default=list, help_text=_("List of [value, label] pairs.")
    )
    default = models.JSONField(
        _("default"), blank=True, null=True, default=None, help_text=_("JSON value; empty for none.")
    )
    required = models.BooleanField(_("required"), default=False)
    options = models.JSONField(
        _("options"), blank=True, default=dict, help_text=_('Such as {"max_length": 100}.')
    )

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        base_manager_name = "objects"
        ordering = ("meta_model", "order", "name")

    def __str__(self) -> str:
        return self.name

    def save(
        self,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
        *,
        backfill: Any = None,
        on_error: str = "fail",
        error_value: Any = None,
    ) -> None:
        """Record the change and run the chain.

        `backfill` is the value for existing rows that have none. `on_error` says what becomes of values
        that do not convert to a new type: "fail" refuses, "null" empties them, "value" takes `error_value`,
        "keep" starts empty and keeps the old column retired. Raises ValidationError or a DynamoError.
        """
        said = Handling(backfill=backfill, on_error=on_error, error_value=error_value)
        saving.save_field(self, update_fields, said)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Retire the field: its values stay in a tombstone column until it is purged."""
        saving.delete_field(self)
        return 1, {self._meta.label: 1}

    def clean_fields(self, exclude: Any = None) -> None:
        """A field without an order has no number to check yet."""
        skipped = set(exclude or ())
        if isinstance(self.order, intent.NextFree):
            skipped.add("order")
        super().clean_fields(exclude=skipped)

    def clean(self) -> None:
        saving.clean_field(self)


for meta_row in (MetaModel, MetaField):
    models.signals.pre_save.connect(refuse_unrecorded, sender=meta_row)
