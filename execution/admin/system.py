"""The admin of the executor: its global pause, workers, logs and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.paginator import InfinitePaginator

from emails.models import ExecutorState
from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, on_one
from execution.control import switches
from execution.control.enrollments import Report
from execution.models import Alert, ControlLog, ExecutionLog, IdempotencyKey, Worker
from sequences.access.roles import is_operator
from sequences.interface.admin.base import FactsAdmin, by_choice, label_column, name_actor, time_column
from sequences.interface.admin.search import SearchesContacts


def _switch(switch: Callable[..., bool]) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        changed = switch(actor=name_actor(request), now=timezone.now(), **answers)
        return Report(changed=list(ids)) if changed else Report(unchanged=list(ids))

    return run


PAUSE = Action(
    "pause",
    "Pause",
    "Paused",
    "pause",
    "No steps run and no emails are sent, in all workspaces, until it is resumed.",
    _switch(switches.pause_executor),
    is_danger=True,
)
RESUME = Action(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "Due steps run and queued emails are sent, inside their sending windows and limits.",
    _switch(switches.resume_executor),
    EmptyForm,
)


@admin.register(ExecutorState)
class ExecutorStateAdmin(ConfirmsActions, FactsAdmin):
    hidden_fields = ("id",)
    actions_detail = ("pause_one", "resume_one")
    pause_one, resume_one = on_one(PAUSE), on_one(RESUME)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Operators only: it stops the sending of all workspaces."""
        return is_operator(request.user)

    def name_subjects(self, queryset: QuerySet[Any]) -> Iterable[str]:
        return ["the executor"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:emails_executorstate_change", args=[1]))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = "resume" if row is not None and row.is_paused else "pause"
        return [each for each in super().get_actions_detail(request, object_id) if each.path == offered]


@admin.register(Worker)
class WorkerAdmin(FactsAdmin):
    list_display = (
        "name", "kind", time_column("heartbeat_at", "last heartbeat"), time_column("started_at", "started"),
        time_column("stopped_at", "stopped"), "decided", "delivered",
    )  # fmt: skip
    search_fields = ("name",)


@admin.register(Alert)
class AlertAdmin(FactsAdmin):
    list_display = (
        "title", "show_state", "number", "remedy", time_column("raised_at", "raised"),
        time_column("notified_at", "last sent"), "workspace",
    )  # fmt: skip
    list_select_related = ("workspace",)
    search_fields = ("title", "key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of the user's workspaces; operators also see those of the installation."""
        own = super().get_queryset(request)
        if not is_operator(request.user):
            return own
        return Alert.objects.filter(Q(workspace=None) | Q(pk__in=own.order_by().values("pk")))

    @label_column("state", {"open": "danger", "cleared": "success"})
    def show_state(self, row: Alert) -> str:
        return "cleared" if row.cleared_at else "open"


@admin.register(ExecutionLog)
class ExecutionLogAdmin(SearchesContacts, FactsAdmin):
    list_display = (time_column("at", "when"), "show_action", "show_contact", "step_number", "message", "actor")
    list_display_links = ("show_action",)
    list_filter = by_choice("action", "status")
    list_select_related = ("enrollment__contact",)
    search_fields = ("enrollment__contact__email",)
    contact_field, is_of_enrollment = "enrollment", True
    # The newest rows by primary key, without a count or a sort: the table is large.
    ordering = ("-id",)
    paginator = InfinitePaginator
    hidden_fields = ("id", "stored_in")

    @label_column("action", {"ok": "info", "waiting": "warning", "error": "danger"}, ordering="action")
    def show_action(self, row: ExecutionLog) -> tuple[str, str]:
        return row.status, row.get_action_display()

    @admin.display(description="contact")
    def show_contact(self, row: ExecutionLog) -> str:
        return row.enrollment.contact.email


@admin.register(ControlLog)
class ControlLogAdmin(FactsAdmin):
    list_display = (time_column("at", "when"), "label", "target", "action", "reason", "actor")
    list_display_links = ("label",)
    list_filter = by_choice("target", "action")
    search_fields = ("label", "actor", "reason")
    hidden_fields = ("id", "stored_in")


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(FactsAdmin):
    list_display = ("key", "user", "path", "status_code", time_column("created_at", "created"))
    list_select_related = ("user",)
    # A response can contain data that only its owner can see.
    hidden_fields = ("id", "body_hash", "response")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if getattr(request.user, "is_superuser", False) else rows.filter(user=request.user.pk)
