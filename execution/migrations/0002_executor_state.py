"""The one row that says whether the executor is paused."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("execution", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "INSERT INTO execution_executorstate (id, is_paused, paused_by, paused_reason) VALUES (1, false, '', '')",
            "DELETE FROM execution_executorstate",
        ),
    ]
