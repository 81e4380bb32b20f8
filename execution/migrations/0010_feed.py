"""Rows know the transaction that stored them; in two steps, since a default that differs by row would rewrite the table."""

from django.db import migrations, models

import common.transaction_ids


class Migration(migrations.Migration):
    dependencies = [
        ("execution", "0009_reporting_views"),
    ]

    operations = [
        migrations.AddField("executionlog", "stored_in", models.BigIntegerField(editable=False, null=True)),
        migrations.AlterField(
            "executionlog",
            "stored_in",
            models.BigIntegerField(db_default=common.transaction_ids.CurrentTransactionId(), editable=False, null=True),
        ),
        migrations.AddField("controllog", "stored_in", models.BigIntegerField(editable=False, null=True)),
        migrations.AlterField(
            "controllog",
            "stored_in",
            models.BigIntegerField(db_default=common.transaction_ids.CurrentTransactionId(), editable=False, null=True),
        ),
    ]
