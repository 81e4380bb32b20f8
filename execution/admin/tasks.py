"""The admin of tasks: complete, snooze, reassign. Task steps create them; the engine moves their enrollments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from execution.admin.confirm import Action, ActionForm, ConfirmsActions, ReasonForm, SnoozeForm, on_one, on_selected
from execution.control.enrollments import Report
from execution.control.tasks import complete_tasks, reassign_tasks, snooze_tasks
from sequences.access.admin_rights import Right
from sequences.interface.admin.base import (
    ScopedFilter,
    WorkspaceAdmin,
    by_choice,
    exact_name,
    label_column,
    name_actor,
    scope_rows,
    time_column,
)
from sequences.interface.admin.quick_filters import HasQuickFilters, QuickFilter
from sequences.interface.admin.times import show_breakable
from tasks_app.choices import TaskStatus
from tasks_app.models import Task


class OutcomeForm(ActionForm):
    outcome = forms.CharField(required=False, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}))


def _complete(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return complete_tasks(ids, actor=name_actor(request), now=timezone.now(), **answers)


COMPLETE = Action(
    "complete",
    "Complete",
    "Completed",
    "check",
    "Marks the task as completed. If the sequence waits for it, the enrollment continues.",
    _complete,
    OutcomeForm,
)


class ReassignForm(ReasonForm):
    assignee = forms.ModelChoiceField(
        queryset=get_user_model().objects.none(),
        widget=UnfoldAdminSelectWidget,
        help_text="A member of the task's workspace.",
    )

    def scope(self, request: HttpRequest) -> None:
        active = get_user_model().objects.filter(is_active=True)
        self.fields["assignee"].queryset = scope_rows(active, request).order_by("email")  # type: ignore[attr-defined]


def _snooze(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return snooze_tasks(ids, actor=name_actor(request), now=timezone.now(), **answers)


def _reassign(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    return reassign_tasks(ids, actor=name_actor(request), now=timezone.now(), **answers)


SNOOZE = Action("snooze", "Snooze", "Snoozed", "snooze", "Moves the due time.", _snooze, SnoozeForm)
REASSIGN = Action(
    "reassign", "Reassign", "Reassigned", "person", "Assigns the task to another user.", _reassign, ReassignForm
)


class AssigneeFilter(ScopedFilter):
    title = "assignee"
    parameter_name = "assignee"
    order_by = "email"


class InboxFilter(DropdownFilter):
    """The open tasks of the user, or without an assignee."""

    title = "inbox"
    parameter_name = "inbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "My open tasks"), ("due", "My tasks due now"), ("unassigned", "Unassigned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        is_open = queryset.filter(status=TaskStatus.OPEN.value)
        match self.value():
            case "mine":
                return is_open.filter(assignee=request.user.pk)
            case "due":
                return is_open.filter(assignee=request.user.pk, due_at__lte=timezone.now())
            case "unassigned":
                return is_open.filter(assignee=None)
            case _:
                return queryset


@admin.register(Task)
class TaskAdmin(HasQuickFilters, ConfirmsActions, WorkspaceAdmin):
    right = Right("assignee_id", is_shared=True)
    quick_filters = (
        QuickFilter("All"),
        QuickFilter("Open", (("status__exact", "open"),)),
        QuickFilter("Mine", (("inbox", "mine"),)),
        QuickFilter("Mine, due now", (("inbox", "due"),)),
        QuickFilter("Unassigned", (("inbox", "unassigned"),)),
        QuickFilter("Completed", (("status__exact", "completed"),)),
    )
    empty_text = "A task is added when an enrollment reaches a task step."
    list_display = (
        "show_title", "show_contact", "show_score", "show_assignee", "show_status", "priority",
        time_column("due_at", "due"),
    )  # fmt: skip
    list_display_links = ("show_title",)
    list_fullwidth = True
    list_filter = (InboxFilter, *by_choice("status", "type", "priority"), AssigneeFilter)
    list_select_related = ("contact", "assignee")
    search_fields = ("title", "contact__email")
    # Open tasks first, then by engagement score: contacts who have just shown interest come first.
    ordering = (Case(When(status=TaskStatus.OPEN, then=0), default=1), "-contact__engagement_score", "due_at", "pk")
    actions = ("complete_selected", "snooze_selected", "reassign_selected")
    actions_detail = ("complete_one", "snooze_one", "reassign_one")
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
    snooze_selected, snooze_one = on_selected(SNOOZE), on_one(SNOOZE)
    reassign_selected, reassign_one = on_selected(REASSIGN), on_one(REASSIGN)

    @admin.display(description="task", ordering="title")
    def show_title(self, task: Task) -> SafeString:
        return format_html('{} <span class="se-second">{}</span>', task.title, task.get_type_display())

    @admin.display(description="contact", ordering="contact__email")
    def show_contact(self, task: Task) -> SafeString:
        return show_breakable(task.contact.email)

    @admin.display(description="assignee", ordering="assignee__email")
    def show_assignee(self, task: Task) -> SafeString | str:
        return show_breakable(str(task.assignee)) if task.assignee else "–"

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
