# A run's own cap stays with it: with a key of one's own there is no reservation to keep it.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0007_sandbox_retired"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="cap",
            field=models.BigIntegerField(
                blank=True, help_text="Most that it may cost, where its message said so.", null=True
            ),
        ),
    ]
