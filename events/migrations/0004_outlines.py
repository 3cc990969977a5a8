from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Snapshots are written in another form now. They are a cache, so those of before are let go."""

    dependencies = [
        ("dynamo_events", "0003_snapshots"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM dynamo_events_snapshotmodel", migrations.RunSQL.noop),
        migrations.RunSQL("DELETE FROM dynamo_events_snapshot", migrations.RunSQL.noop),
        migrations.AddField("snapshotmodel", "outline", models.TextField(default="")),
    ]
