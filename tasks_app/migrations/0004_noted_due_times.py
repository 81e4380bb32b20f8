from django.db import migrations, models

# What fell due before there was such an event is no news.
_NOTED = "UPDATE tasks_app_task SET noted_due_at = due_at WHERE status = 'open' AND due_at <= now()"


class Migration(migrations.Migration):
    dependencies = [
        ("tasks_app", "0003_update_times_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="noted_due_at",
            field=models.DateTimeField(
                editable=False,
                help_text="The due time that has come and was logged; another one is logged again.",
                null=True,
            ),
        ),
        migrations.RunSQL(_NOTED, migrations.RunSQL.noop),
    ]
