from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("tasks_app", "0004_noted_due_times"),
    ]

    operations = [
        AddIndexConcurrently(
            "task",
            models.Index(
                fields=["due_at"],
                name="task_becomes_due",
                condition=Q(status="open") & ~Q(noted_due_at=F("due_at")),
            ),
        ),
    ]
