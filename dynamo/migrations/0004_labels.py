from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import dynamo.models


class Migration(migrations.Migration):
    dependencies = [
        ("dynamo", "0003_names"),
        # What a first model needs, so that `migrate dynamo` is enough for a schema to be applied.
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("dynamo_events", "0005_snapshot_names"),
    ]

    operations = [
        migrations.AlterField(
            model_name="metafield",
            name="choices",
            field=models.JSONField(
                blank=True, default=list, help_text="List of [value, label] pairs.", verbose_name="choices"
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="default",
            field=models.JSONField(
                blank=True,
                default=None,
                help_text="JSON value; empty for none.",
                null=True,
                verbose_name="default",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="description",
            field=models.TextField(
                blank=True,
                default="",
                help_text="For readers; changes nothing else.",
                verbose_name="description",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="help",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Help text in forms; shown as plain text.",
                verbose_name="help",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="meta_model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="fields",
                to="dynamo.metamodel",
                verbose_name="model",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="name",
            field=models.CharField(
                help_text="Letters, digits and single underscores.", max_length=59, verbose_name="name"
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="options",
            field=models.JSONField(
                blank=True, default=dict, help_text='Such as {"max_length": 100}.', verbose_name="options"
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="order",
            field=models.PositiveIntegerField(
                blank=True, default=dynamo.models.next_free, verbose_name="order"
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="related_model",
            field=models.CharField(
                blank=True,
                default="",
                help_text="For relations: self, Model or app.Model.",
                max_length=120,
                verbose_name="related model",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="required",
            field=models.BooleanField(default=False, verbose_name="required"),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="type",
            field=models.CharField(
                help_text="Field type, such as CharField or ForeignKey.", max_length=100, verbose_name="type"
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="unique",
            field=models.BooleanField(default=False, verbose_name="unique"),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="unique_together",
            field=models.BooleanField(
                default=False,
                help_text="All fields with this flag are unique in combination.",
                verbose_name="unique together",
            ),
        ),
        migrations.AlterField(
            model_name="metafield",
            name="verbose_name",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Label in forms.",
                max_length=150,
                verbose_name="verbose name",
            ),
        ),
        migrations.AlterField(
            model_name="metamodel",
            name="admin",
            field=models.BooleanField(
                default=dynamo.models.default_admin,
                help_text="Whether the model has admin pages.",
                verbose_name="admin",
            ),
        ),
        migrations.AlterField(
            model_name="metamodel",
            name="app",
            field=models.CharField(
                blank=True,
                default="",
                help_text="App label; empty for the project's default.",
                max_length=50,
                verbose_name="app",
            ),
        ),
        migrations.AlterField(
            model_name="metamodel",
            name="description",
            field=models.TextField(
                blank=True,
                default="",
                help_text="For readers; changes nothing else.",
                verbose_name="description",
            ),
        ),
        migrations.AlterField(
            model_name="metamodel",
            name="name",
            field=models.CharField(
                help_text="Class name: letters, digits and single underscores.",
                max_length=50,
                verbose_name="name",
            ),
        ),
        migrations.AlterField(
            model_name="metamodel",
            name="options",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="verbose_name, verbose_name_plural, ordering, display.",
                verbose_name="options",
            ),
        ),
    ]
