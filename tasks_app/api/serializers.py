"""How tasks look."""

from __future__ import annotations

from rest_framework import serializers

from sequences.interface.api.expanded import Expandable
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from tasks_app.models import Task


class TaskSerializer(Expandable, StrictModelSerializer[Task]):
    class Meta:
        model = Task
        fields = [
            "id", "workspace", "enrollment", "step", "contact", "assignee", "type", "title", "instructions", "priority",
            "status", "due_at", "created_at", "completed_at", "completed_by", "outcome", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class CompleteSerializer(StrictSerializer):
    outcome = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
