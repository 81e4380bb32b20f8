from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("execution", "0018_mailbox_pools"),
    ]

    operations = [
        AddIndexConcurrently("controllog", BrinIndex(fields=["at"], name="control_log_at", autosummarize=True)),
    ]
