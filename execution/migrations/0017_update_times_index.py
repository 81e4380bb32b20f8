from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("execution", "0016_update_times"),
    ]

    operations = [
        AddIndexConcurrently(
            "deadletter", models.Index(fields=["workspace", "updated_at", "id"], name="dead_letter_updated")
        ),
    ]
