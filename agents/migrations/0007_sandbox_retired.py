# A sandbox whose share link was withdrawn gives its place to another, at another address.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0006_sandbox_without_project"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandbox",
            name="retired",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Others know its address and shall not: another takes its place.",
            ),
        ),
    ]
