from __future__ import annotations

import uuid

import django.db.models.deletion
from django.db import migrations, models

import dynamo.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MetaModel",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Class name: letters, digits and single underscores.", max_length=50
                    ),
                ),
                (
                    "description",
                    models.TextField(blank=True, default="", help_text="For readers; changes nothing else."),
                ),
                (
                    "app",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="App label; empty for the project's default.",
                        max_length=50,
                    ),
                ),
                (
                    "admin",
                    models.BooleanField(
                        default=dynamo.models.default_admin, help_text="Whether the model has admin pages."
                    ),
                ),
                (
                    "options",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="verbose_name, verbose_name_plural, ordering, display.",
                    ),
                ),
            ],
            options={
                "verbose_name": "model",
                "base_manager_name": "objects",
                "ordering": ("app", "name"),
                "permissions": (
                    ("view_history", "Can see the schema history"),
                    ("follow_stream", "Can follow the stream"),
                ),
            },
        ),
        migrations.CreateModel(
            name="MetaField",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "name",
                    models.CharField(help_text="Letters, digits and single underscores.", max_length=59),
                ),
                (
                    "verbose_name",
                    models.CharField(blank=True, default="", help_text="Label in forms.", max_length=150),
                ),
                (
                    "type",
                    models.CharField(
                        help_text="Field type, such as CharField or ForeignKey.", max_length=100
                    ),
                ),
                (
                    "related_model",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="For relations: self, Model or app.Model.",
                        max_length=120,
                    ),
                ),
                (
                    "description",
                    models.TextField(blank=True, default="", help_text="For readers; changes nothing else."),
                ),
                ("order", models.PositiveIntegerField(blank=True, default=dynamo.models.next_free)),
                (
                    "unique_together",
                    models.BooleanField(
                        default=False, help_text="All fields with this flag are unique in combination."
                    ),
                ),
                ("unique", models.BooleanField(default=False)),
                (
                    "help",
                    models.TextField(
                        blank=True, default="", help_text="Help text in forms; shown as plain text."
                    ),
                ),
                (
                    "choices",
                    models.JSONField(blank=True, default=list, help_text="List of [value, label] pairs."),
                ),
                (
                    "default",
                    models.JSONField(
                        blank=True, default=None, help_text="JSON value; empty for none.", null=True
                    ),
                ),
                ("required", models.BooleanField(default=False)),
                (
                    "options",
                    models.JSONField(blank=True, default=dict, help_text='Such as {"max_length": 100}.'),
                ),
                (
                    "meta_model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fields",
                        to="dynamo.metamodel",
                    ),
                ),
            ],
            options={
                "verbose_name": "field",
                "base_manager_name": "objects",
                "ordering": ("meta_model", "order", "name"),
            },
        ),
    ]
