"""`/api/tasks`: read and complete."""

from __future__ import annotations

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sequences.api.base import IdFilter, ReadViewSet
from sequences.api.problems import ConflictError
from sequences.api.roles import name_actor, require_right
from sequences.choices import TaskPriority, TaskType
from sequences.wakeup import notify_engine
from tasks_app.api.serializers import CompleteSerializer, TaskSerializer
from tasks_app.choices import TaskStatus
from tasks_app.models import Task
from tasks_app.operations import TaskClosedError, complete_task


class TaskFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    enrollment = IdFilter(field_name="enrollment_id")
    contact = IdFilter(field_name="contact_id")
    assignee = IdFilter(field_name="assignee_id")
    mine = django_filters.BooleanFilter(method="filter_mine", label="Assigned to whoever asks.")
    status = django_filters.ChoiceFilter(choices=TaskStatus.choices())
    type = django_filters.ChoiceFilter(choices=TaskType.choices())
    priority = django_filters.ChoiceFilter(choices=TaskPriority.choices())
    due_before = django_filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")

    def filter_mine(self, rows: QuerySet[Task], name: str, value: bool) -> QuerySet[Task]:
        own = {"assignee_id": self.request.user.pk}
        return rows.filter(**own) if value else rows.exclude(**own)


class TaskViewSet(ReadViewSet):
    """Manual work for people, the one due first on top."""

    queryset = Task.objects.all()
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    ordering = ("due_at",)
    ordering_fields = ("id", "due_at", "created_at")

    @extend_schema(request=CompleteSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Record that the work is done; its enrollment goes on. 409 when it was closed before."""
        task = self.get_object()
        require_right(request.user, task.workspace_id, task.assignee_id, is_shared_without_owner=True)
        form = CompleteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                complete_task(task, name_actor(request.user), timezone.now(), form.validated_data["outcome"])
                notify_engine()
        except TaskClosedError:
            task.refresh_from_db(fields=["status"])
            raise ConflictError(f"The task is {task.status}: only an open one can be completed.") from None
        task.refresh_from_db()
        return Response(TaskSerializer(task).data)
