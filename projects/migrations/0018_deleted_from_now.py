"""What was deleted before there was a list of it has its thirty days from now on."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0017_message_aside"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE projects_project SET deleted = now() WHERE deleted IS NOT NULL", migrations.RunSQL.noop
        ),
    ]
