from __future__ import annotations

import uuid
from typing import Any

from django.db import migrations, models

from events import guards


def install_guards(apps: Any, schema_editor: Any) -> None:
    guards.install(schema_editor.connection)


def remove_guards(apps: Any, schema_editor: Any) -> None:
    guards.remove(schema_editor.connection)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("position", models.PositiveBigIntegerField(default=0)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Head",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("registry_id", models.UUIDField(default=uuid.uuid4)),
                ("position", models.PositiveBigIntegerField(default=0)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SchemaEvent",
            fields=[
                ("position", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(unique=True)),
                ("stream_id", models.UUIDField()),
                ("stream_version", models.PositiveIntegerField()),
                ("type", models.CharField(max_length=64)),
                ("type_version", models.PositiveSmallIntegerField()),
                ("data", models.BinaryField()),
                ("batch_id", models.UUIDField(db_index=True)),
                ("correlation_id", models.CharField(blank=True, max_length=64)),
                ("causation_id", models.CharField(blank=True, max_length=64)),
                ("actor", models.CharField(blank=True, max_length=191)),
                ("source", models.CharField(max_length=32)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("recorded_at", models.CharField(max_length=32)),
                ("prev_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "schema event",
                "base_manager_name": "objects",
                "ordering": ("position",),
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("stream_id", "stream_version"), name="dynamo_events_stream"
                    )
                ],
            },
        ),
        migrations.RunPython(install_guards, remove_guards),
    ]
