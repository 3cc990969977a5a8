from __future__ import annotations

from django.db import migrations, models

MODELS = "DELETE FROM dynamo_events_snapshotmodel"
PASSES = "DELETE FROM dynamo_events_snapshot"


class Migration(migrations.Migration):
    """Snapshots are written in another form now. They are a cache, so either way the others are let go."""

    dependencies = [
        ("dynamo_events", "0003_snapshots"),
    ]

    operations = [
        migrations.RunSQL(MODELS, MODELS),
        migrations.RunSQL(PASSES, PASSES),
        migrations.AddField("snapshotmodel", "outline", models.TextField(default="")),
    ]
