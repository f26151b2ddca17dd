"""The colours of the editor, kept with the account."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_scopes_and_deliveries"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="code_theme",
            field=models.CharField(
                choices=[
                    ("site", "Site"),
                    ("light", "Light"),
                    ("dark", "Dark"),
                    ("warm", "Warm"),
                    ("contrast", "Contrast"),
                ],
                db_default="site",
                default="site",
                max_length=8,
            ),
        ),
    ]
