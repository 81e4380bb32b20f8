"""The mailbox pool that an enrollment's mailbox was chosen from. Its index is built without blocking writers."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("sequences", "0015_sequence_goal"),
        ("emails", "0008_mailbox_pools"),
    ]

    operations = [
        migrations.AddField(
            model_name="enrollment",
            name="pool",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The mailbox pool that its mailbox was chosen from.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="enrollments",
                to="emails.mailboxpool",
            ),
        ),
        AddIndexConcurrently(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(("pool__isnull", False)), fields=["pool"], name="enrollment_pool"
            ),
        ),
    ]
