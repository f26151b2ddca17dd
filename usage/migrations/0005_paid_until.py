"""Until when a subscription is paid for; null for what Stripe told before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0004_payments"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="paid_until",
            field=models.DateTimeField(
                blank=True, help_text="A month that begins then or later gives nothing.", null=True
            ),
        ),
    ]
