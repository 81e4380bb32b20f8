from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("emails", "0002_feed"),
    ]

    operations = [
        AddIndexConcurrently(
            "emailevent", models.Index("workspace", Coalesce("stored_in", 0), "id", name="event_feed")
        ),
        AddIndexConcurrently(
            "suppressionchange", models.Index("workspace", Coalesce("stored_in", 0), "id", name="suppression_change_feed")
        ),
    ]
