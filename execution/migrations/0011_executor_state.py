"""Gives the executor's pause to `emails`: the model moves, the table and its row stay."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0016_executor_state"),
        ("execution", "0010_log_actions"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("ExecutorState")]),
    ]
