"""Rows know the transaction that stored them; in two steps, since a default that differs by row would rewrite the table."""

from django.db import migrations, models

import common.transaction_ids


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0001_initial"),
    ]

    operations = [
        migrations.AddField("emailevent", "stored_in", models.BigIntegerField(editable=False, null=True)),
        migrations.AlterField(
            "emailevent",
            "stored_in",
            models.BigIntegerField(db_default=common.transaction_ids.CurrentTransactionId(), editable=False, null=True),
        ),
        migrations.AddField("suppressionchange", "stored_in", models.BigIntegerField(editable=False, null=True)),
        migrations.AlterField(
            "suppressionchange",
            "stored_in",
            models.BigIntegerField(db_default=common.transaction_ids.CurrentTransactionId(), editable=False, null=True),
        ),
    ]
