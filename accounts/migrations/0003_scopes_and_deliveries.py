"""Scopes and ends of API tokens, users that other systems know, and the events they sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_provider_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="providerkey",
            name="last_used",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="expires",
            field=models.DateTimeField(blank=True, help_text="Empty: never.", null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                choices=[("write", "Read and write"), ("read", "Read only")],
                db_default="write",
                default="write",
                max_length=5,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="external_at",
            field=models.DateTimeField(blank=True, help_text="When the newest event about them was made.", null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="external_id",
            field=models.CharField(
                blank=True,
                help_text="Who this is to the system that sends us events.",
                max_length=120,
                null=True,
                unique=True,
            ),
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=200)),
                ("type", models.CharField(max_length=80)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "constraints": [models.UniqueConstraint(fields=("source", "key"), name="one_effect_per_delivery")],
            },
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(condition=models.Q(("is_active", False)), fields=["id"], name="suspended_users"),
        ),
    ]
