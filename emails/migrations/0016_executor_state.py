"""Takes over the executor's pause from `execution`: the model moves, the table and its row stay."""

from django.db import migrations, models

_RENAME = """
UPDATE django_content_type SET app_label = '{to}' WHERE app_label = '{origin}' AND model = 'executorstate'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("emails", "0015_address_forms"),
        ("execution", "0010_log_actions"),
    ]
    operations = [
        # the permissions that groups hold follow the model
        migrations.RunSQL(
            _RENAME.format(origin="execution", to="emails"), _RENAME.format(origin="emails", to="execution")
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ExecutorState",
                    fields=[
                        ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                        ("is_paused", models.BooleanField(default=False)),
                        ("paused_by", models.CharField(blank=True, max_length=200)),
                        ("paused_reason", models.CharField(blank=True, max_length=500)),
                        ("changed_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "executor state",
                        "db_table": "execution_executorstate",
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("id", 1)), name="executor_state_single"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("is_paused", False), models.Q(("paused_reason", ""), _negated=True), _connector="OR"
                                ),
                                name="executor_paused_has_reason",
                            ),
                        ],
                    },
                ),
            ],
        ),
    ]
