from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("tasks_app", "0002_update_times"),
    ]

    operations = [
        AddIndexConcurrently(
            "task", models.Index(fields=["workspace", "updated_at", "id"], name="task_updated")
        ),
    ]
