# A sandbox whose project is gone is kept in mind until it is ended.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0005_created"),
        ("projects", "0013_project_mcp_servers"),
    ]

    operations = [
        migrations.AlterField(
            model_name="sandbox",
            name="project",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="sandbox", to="projects.project"
            ),
        ),
    ]
