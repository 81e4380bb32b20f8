from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("emails", "0008_mailbox_pools"),
    ]

    operations = [
        AddIndexConcurrently(
            "suppressionchange", BrinIndex(fields=["at"], name="suppression_change_at", autosummarize=True)
        ),
    ]
