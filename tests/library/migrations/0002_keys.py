from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Country",
            fields=[("code", models.CharField(max_length=20, primary_key=True, serialize=False))],
        ),
        migrations.CreateModel(
            name="Parcel",
            fields=[("number", models.UUIDField(primary_key=True, serialize=False))],
        ),
    ]
