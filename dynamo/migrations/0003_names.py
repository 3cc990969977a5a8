from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("dynamo", "0002_permissions"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="metafield",
            options={
                "base_manager_name": "objects",
                "ordering": ("meta_model", "order", "name"),
                "verbose_name": "field",
                "verbose_name_plural": "fields",
            },
        ),
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
                "verbose_name_plural": "models",
            },
        ),
    ]
