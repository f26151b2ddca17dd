"""A version notes its promises, and those of other versions are set aside, so that going back brings them back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0013_project_mcp_servers"),
    ]

    operations = [
        migrations.AddField(
            model_name="promise",
            name="aside",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Of other versions only: no run checks it, restoring one brings it back.",
            ),
        ),
        migrations.AddField(
            model_name="version",
            name="promised",
            field=models.JSONField(
                help_text="{promise: true | false | null}: those of it, and whether they held. null: not noted.",
                null=True,
            ),
        ),
    ]
