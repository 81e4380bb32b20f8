"""How tasks look."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from tasks_app.models import Task


class TaskSerializer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        fields = [
            "id", "workspace", "enrollment", "step", "contact", "assignee", "type", "title", "instructions", "priority",
            "status", "due_at", "created_at", "completed_at", "completed_by", "outcome",
        ]  # fmt: skip
        read_only_fields = fields


class CompleteSerializer(serializers.Serializer[Any]):
    outcome = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)
