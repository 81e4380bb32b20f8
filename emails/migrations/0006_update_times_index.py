from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("emails", "0005_update_times"),
    ]

    operations = [
        AddIndexConcurrently(
            "emailmessage", models.Index(fields=["workspace", "updated_at", "id"], name="message_updated")
        ),
        AddIndexConcurrently(
            "reply", models.Index(fields=["workspace", "updated_at", "id"], name="reply_updated")
        ),
        AddIndexConcurrently(
            "suppression", models.Index(fields=["workspace", "updated_at", "id"], name="suppression_updated")
        ),
    ]
