"""Facts of runs that are over, and the index that sums over them go through."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_follows")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="facts",
            field=models.JSONField(
                null=True, blank=True, help_text="What it took, counted from its log when it ended (agents/figures.py)."
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["finished"], name="run_finished", condition=models.Q(finished__isnull=False)),
        ),
    ]
