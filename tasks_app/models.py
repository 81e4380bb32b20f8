"""Manual work for a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from sequences.choices import TaskPriority, TaskType
from sequences.models import Contact, Enrollment, Step, Workspace
from sequences.models.scope import WorkspaceQuerySet
from tasks_app.choices import TaskStatus


class Task(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tasks")
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, null=True, blank=True, related_name="tasks", db_index=False
    )
    step = models.ForeignKey(
        Step, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False, db_index=False
    )
    visit = models.PositiveIntegerField(default=0)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="tasks")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="sequence_tasks"
    )
    type = models.CharField(max_length=16, choices=TaskType.choices(), default=TaskType.GENERIC.value)
    title = models.CharField(max_length=300)
    instructions = models.TextField(blank=True)
    priority = models.CharField(max_length=16, choices=TaskPriority.choices(), default=TaskPriority.NORMAL.value)
    status = models.CharField(max_length=16, choices=TaskStatus.choices(), default=TaskStatus.OPEN.value)
    due_at = models.DateTimeField()
    noted_due_at = models.DateTimeField(
        null=True, editable=False, help_text="The due time that has come and was logged; another one is logged again."
    )
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    completed_by = models.CharField(max_length=200, blank=True)
    outcome = models.TextField(blank=True)
    updated_at = models.DateTimeField(db_default=Now(), editable=False, help_text="Kept by the database.")

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "step", "visit"], name="task_once_per_step_run"),
            models.CheckConstraint(
                condition=Q(status="open") | Q(completed_at__isnull=False), name="task_closed_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["assignee", "due_at"], name="task_open", condition=Q(status="open")),
            # the list of the API, page by page
            models.Index(fields=["workspace", "due_at", "id"], name="task_due"),
            models.Index(fields=["workspace", "updated_at", "id"], name="task_updated"),
            models.Index(
                fields=["due_at"],
                name="task_becomes_due",
                condition=Q(status="open") & ~Q(noted_due_at=F("due_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.title
