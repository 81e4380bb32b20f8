"""The work of people. A task is made by its step and completed here; its place in the sequence is the engine's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from execution.admin.asking import AsksFirst, Deed, on_one, on_selected
from execution.controls import Report
from execution.tasks import complete_tasks
from sequences.admin_base import (
    ScopedFilter,
    WorkspaceAdmin,
    by_choice,
    exact_name,
    label_column,
    name_actor,
    time_column,
)
from tasks_app.choices import TaskStatus
from tasks_app.models import Task


class OutcomeForm(forms.Form):
    outcome = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}))


def _complete(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return complete_tasks(ids, actor=name_actor(request), now=timezone.now(), **answers)


COMPLETE = Deed(
    "complete",
    "Complete",
    "Completed",
    "check",
    "The work is done; if the sequence waits for it, it goes on.",
    _complete,
    OutcomeForm,
)


class AssigneeFilter(ScopedFilter):
    title = "assignee"
    parameter_name = "assignee"
    order_by = "email"


@admin.register(Task)
class TaskAdmin(AsksFirst, WorkspaceAdmin):
    list_display = (
        "title", "type", "contact", "show_score", "assignee", "show_status", "priority", time_column("due_at", "due"),
    )  # fmt: skip
    list_filter = (*by_choice("status", "type", "priority"), AssigneeFilter)
    list_select_related = ("contact", "assignee")
    search_fields = ("title", "contact__email")
    # The hot first: who has just shown interest is called before the others.
    ordering = ("-contact__engagement_score", "due_at", "pk")
    actions = ("complete_selected",)
    actions_detail = ("complete_one",)
    readonly_fields = (
        "contact", "enrollment", "type", "status", exact_name("completed_at"), "completed_by", "outcome",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("title", ("contact", "type"), ("assignee", "priority"), "due_at", "instructions")}),
        (
            "State",
            {"fields": ("workspace", "enrollment", ("status", exact_name("completed_at"), "completed_by"), "outcome")},
        ),
    )

    complete_selected, complete_one = on_selected(COMPLETE), on_one(COMPLETE)

    @admin.display(description="score", ordering="-contact__engagement_score")
    def show_score(self, task: Task) -> int:
        return task.contact.engagement_score

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        is_open = row is not None and row.status == TaskStatus.OPEN
        return super().get_actions_detail(request, object_id) if is_open else []

    @label_column("status", {"open": "info", "completed": "success"}, ordering="status")
    def show_status(self, row: Task) -> tuple[str, str]:
        return row.status, row.get_status_display()
