"""`/api/tasks`: read. Completing one needs the engine's log: execution.api adds it."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from sequences.choices import TaskPriority, TaskType
from sequences.interface.api.base import IdFilter, ReadViewSet, TimeFilter, UpdatedFilter, YesNoFilter
from tasks_app.api.serializers import TaskSerializer
from tasks_app.choices import TaskStatus
from tasks_app.models import Task


class TaskFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    enrollment = IdFilter(field_name="enrollment_id")
    contact = IdFilter(field_name="contact_id")
    assignee = IdFilter(field_name="assignee_id")
    mine = YesNoFilter(method="filter_mine", label="Assigned to you.")
    status = django_filters.ChoiceFilter(choices=TaskStatus.choices())
    type = django_filters.ChoiceFilter(choices=TaskType.choices())
    priority = django_filters.ChoiceFilter(choices=TaskPriority.choices())
    due_before = TimeFilter(field_name="due_at", lookup_expr="lt")

    def filter_mine(self, rows: QuerySet[Task], name: str, value: bool) -> QuerySet[Task]:
        own = {"assignee_id": self.request.user.pk}
        return rows.filter(**own) if value else rows.exclude(**own)


class TaskViewSet(ReadViewSet):
    """Manual work for users, the earliest due first."""

    queryset = Task.objects.select_related("contact")
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    ordering = ("due_at",)
    ordering_fields = ("id", "due_at", "created_at", "updated_at", "contact__engagement_score")
