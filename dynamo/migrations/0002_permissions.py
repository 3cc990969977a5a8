from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("dynamo", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="metamodel",
            options={
                "base_manager_name": "objects",
                "ordering": ("app", "name"),
                "permissions": (
                    ("view_history", "Can see the schema history"),
                    ("follow_stream", "Can follow the stream"),
                    ("rollback_schema", "Can return the schema to an earlier moment"),
                    ("purge_schema", "Can drop retired models and fields for good"),
                ),
                "verbose_name": "model",
            },
        ),
    ]
