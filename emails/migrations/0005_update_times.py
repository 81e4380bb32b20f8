import django.db.models.functions.datetime
from django.db import migrations, models

from common.update_times import keep_update_times


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0004_trusted_server"),
    ]

    operations = [
        migrations.AddField(
            model_name="emailmessage",
            name="updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                editable=False,
                help_text="Kept by the database.",
            ),
        ),
        keep_update_times("emails_emailmessage"),
        migrations.AddField(
            model_name="reply",
            name="updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                editable=False,
                help_text="Kept by the database.",
            ),
        ),
        keep_update_times("emails_reply"),
        migrations.AddField(
            model_name="suppression",
            name="updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                editable=False,
                help_text="Kept by the database.",
            ),
        ),
        keep_update_times("emails_suppression"),
    ]
