from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Snapshots are written in another form again. They are a cache, so their tables are made anew."""

    dependencies = [
        ("dynamo_events", "0004_outlines"),
    ]

    operations = [
        migrations.DeleteModel("SnapshotModel"),
        migrations.DeleteModel("Snapshot"),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("position", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
                ("names", models.BinaryField(default=b"")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SnapshotModel",
            fields=[
                ("model_id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("position", models.PositiveBigIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SnapshotFormer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model_id", models.CharField(max_length=36)),
                ("position", models.PositiveBigIntegerField()),
                ("until", models.PositiveBigIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_id", "position"), name="dynamo_events_snapshot_once"
                    ),
                ],
            },
        ),
    ]
