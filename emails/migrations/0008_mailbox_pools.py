"""Mailbox pools: named sets of mailboxes."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0007_external_event"),
        ("sequences", "0015_sequence_goal"),
    ]

    operations = [
        migrations.CreateModel(
            name="MailboxPool",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "mailboxes",
                    models.ManyToManyField(
                        blank=True,
                        help_text="New enrollments are spread over those that can send.",
                        related_name="pools",
                        to="emails.mailbox",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mailbox_pools",
                        to="sequences.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("workspace"),
                        django.db.models.functions.text.Lower("name"),
                        name="mailbox_pool_name_once",
                    )
                ],
            },
        ),
    ]
