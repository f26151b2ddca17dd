"""Servers that people connect, with tools for the agent."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_code_theme"),
    ]

    operations = [
        migrations.CreateModel(
            name="McpServer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Letters, digits and single hyphens: part of its tools' names.", max_length=24
                    ),
                ),
                ("url", models.CharField(max_length=500)),
                (
                    "sealed",
                    models.TextField(
                        blank=True, editable=False, help_text="The bearer token; empty: it asks for none."
                    ),
                ),
                ("last_four", models.CharField(blank=True, editable=False, max_length=4)),
                (
                    "tools",
                    models.JSONField(
                        default=list, help_text="What it offered when last asked (agents/mcp/servers.py)."
                    ),
                ),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="Why it did not say what it offers; empty: it did.", max_length=300
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("last_used", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mcp_servers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("user", "name"), name="one_mcp_server_per_name")],
            },
        ),
    ]
