from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dynamo_events", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("payload", models.BinaryField()),
                ("state", models.CharField(default="pending", max_length=8)),
            ],
            options={
                "ordering": ("id",),
                "default_permissions": (),
            },
        ),
    ]
