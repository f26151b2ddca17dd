"""What Stripe knows of accounts: customers, subscriptions and top-ups."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0003_plans_and_promo_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="customer",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Who this is to Stripe.", max_length=80
            ),
        ),
        migrations.CreateModel(
            name="Purchase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_id", models.CharField(max_length=120, unique=True)),
                ("payment_intent", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                ("credits", models.BigIntegerField(help_text="Micro-credits.")),
                ("paid", models.BooleanField(default=False)),
                ("taken_back", models.BigIntegerField(default=0, help_text="Micro-credits.")),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="purchases", to="usage.account"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("status", models.CharField(max_length=30)),
                ("plan", models.CharField(blank=True, help_text="Empty: a price that is none of ours.", max_length=4)),
                ("until", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="subscriptions", to="usage.account"
                    ),
                ),
            ],
        ),
    ]
