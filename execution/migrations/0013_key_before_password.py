from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0012_worker_clock_and_failover"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="precedes_password",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Its user had no password when it was made.",
            ),
        ),
    ]
