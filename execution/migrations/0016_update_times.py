import django.db.models.functions.datetime
from django.db import migrations, models

from common.update_times import keep_update_times


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0015_agent_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="deadletter",
            name="updated_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                editable=False,
                help_text="Kept by the database.",
            ),
        ),
        keep_update_times("execution_deadletter"),
    ]
