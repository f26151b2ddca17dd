"""Which of its owner's MCP servers the runs of a project may use."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_mcpserver"),
        ("projects", "0012_references"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="mcp_servers",
            field=models.ManyToManyField(
                blank=True,
                help_text="Those of its owner that its runs may use.",
                related_name="projects",
                to="accounts.mcpserver",
            ),
        ),
    ]
