from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0016_github"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="aside",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="It or one before it was edited: the chat shows it folded, no later run is told of it.",
            ),
        ),
    ]
