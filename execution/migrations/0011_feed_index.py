from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("execution", "0010_feed"),
    ]

    operations = [
        AddIndexConcurrently(
            "executionlog", models.Index("workspace", Coalesce("stored_in", 0), "id", name="log_feed")
        ),
        AddIndexConcurrently(
            "controllog", models.Index("workspace", Coalesce("stored_in", 0), "id", name="control_log_feed")
        ),
    ]
