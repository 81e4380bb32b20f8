"""The admin of mailboxes: pause, resume, test the login, check the set-up, show the sending queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action

from common.deadlines import Deadline
from common.user_exchanges import BusyError
from emails.admin.lanes import LanePages
from emails.admin.mailbox_tests import MARKS, MailboxTestPages
from emails.admin.mailboxes import MailboxBaseAdmin
from emails.choices import MailboxStatus
from emails.mailbox.login_test import TOTAL_SECONDS, check_mailbox
from emails.mailbox.setup_check import check_setup
from emails.models import Mailbox
from execution.admin.confirm import Action, ConfirmsActions, EmptyForm, on_one, on_selected
from execution.admin.forecast import ForecastPage
from execution.admin.logged import LogsChanges, LogsInlines
from execution.admin.mailbox_connecting import ConnectPages, can_reconnect
from execution.admin.mailbox_finding import FindingPages
from execution.admin.replanning import ReplansOnSave
from execution.choices import ControlTarget
from execution.control import switches
from execution.control.enrollments import Report
from sequences.access.roles import NOT_YOURS
from sequences.interface.admin.base import label_column, name_actor, time_column


def _switch(switch: Callable[..., bool]) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        report = Report()
        for mailbox in Mailbox.objects.filter(pk__in=ids).order_by("pk"):
            changed = switch(mailbox, actor=name_actor(request), now=timezone.now(), **answers)
            (report.changed if changed else report.unchanged).append(mailbox.pk)
        return report

    return run


def _test(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
    report = Report()
    deadline = Deadline(TOTAL_SECONDS)
    for mailbox in Mailbox.objects.filter(pk__in=ids).order_by("pk"):
        if deadline.is_over:
            report.refused[mailbox.pk] = "not tested, because the time is over: test fewer mailboxes at once"
            continue
        try:
            found = check_mailbox(mailbox, deadline.remaining(TOTAL_SECONDS))
        except BusyError as error:
            report.refused[mailbox.pk] = f"not tested: {error}"
            continue
        if found.is_ok:
            report.changed.append(mailbox.pk)
        else:
            errors = (("sending", found.smtp_error), ("inbox", found.imap_error))
            report.refused[mailbox.pk] = "; ".join(f"{what}: {error}" for what, error in errors if error)
    return report


PAUSE = Action(
    "pause",
    "Pause",
    "Paused",
    "pause",
    "No emails are sent from it until it is resumed. Its enrollments stay where they are.",
    _switch(switches.pause_mailbox),
)
RESUME = Action(
    "resume",
    "Resume",
    "Resumed",
    "play_arrow",
    "Sending continues, the circuit breaker closes and the bounce counts start again from zero.",
    _switch(switches.resume_mailbox),
    EmptyForm,
)
TEST = Action(
    "test",
    "Test login",
    "Login works for",
    "key",
    "Logs in to the mail server, and to the inbox if there is one, within 15 seconds in all. Sends nothing.",
    _test,
    EmptyForm,
)


def show_lanes(self: Any, request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:emails_mailbox_lanes"))


def show_lane(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:emails_mailbox_lane", args=[object_id]))


def show_setup(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    mailbox = self.find_row(request, object_id)
    if not self.has_operate_permission(request, mailbox):
        raise PermissionDenied(NOT_YOURS)
    try:
        checks = check_setup(mailbox)
    except BusyError as error:
        messages.error(request, f"Not checked: {error}.")
        return redirect("admin:emails_mailbox_change", mailbox.pk)
    context = {
        **self.admin_site.each_context(request),
        "title": f"Set-up of {mailbox}",
        "checks": [(check, MARKS[check.status]) for check in checks],
        "back_url": reverse("admin:emails_mailbox_change", args=[mailbox.pk]),
    }
    return TemplateResponse(request, "admin/emails/mailbox/setup.html", context)


_STATUS_COLOURS = {"active": "success", "paused": "warning", "broken": "danger"}


@admin.register(Mailbox)
class MailboxAdmin(
    LogsChanges,
    LogsInlines,
    ReplansOnSave,
    LanePages,
    ForecastPage,
    FindingPages,
    ConnectPages,
    MailboxTestPages,
    ConfirmsActions,
    MailboxBaseAdmin,
):
    log_target = ControlTarget.MAILBOX
    inline_target = ControlTarget.SEND_LIMIT
    list_display = (
        "address", "owner", "show_status", "show_breaker", "transport", "inbound",
        time_column("inbox_read_at", "inbox checked"),
    )  # fmt: skip
    change_form_outer_before_template = "admin/emails/mailbox/trouble.html"
    actions = ("pause_selected", "resume_selected", "test_selected")
    actions_list = ("show_connect", "show_lanes")
    actions_detail = ("show_lane", "pause_one", "resume_one", "test_one", "send_test", "show_setup", "reconnect")

    pause_selected, pause_one = on_selected(PAUSE), on_one(PAUSE)
    resume_selected, resume_one = on_selected(RESUME), on_one(RESUME)
    test_selected, test_one = on_selected(TEST), on_one(TEST)

    show_setup = action(description="Check set-up", url_path="set-up", permissions=["operate"], icon="verified")(
        show_setup
    )
    show_lanes = action(description="Sending queues", url_path="all-lanes", permissions=["view"], icon="view_stream")(
        show_lanes
    )
    show_lane = action(description="Sending queue", url_path="its-lane", permissions=["view"], icon="view_stream")(
        show_lane
    )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        hidden = {"resume" if row is not None and row.status == MailboxStatus.ACTIVE else "pause"}
        hidden |= set() if can_reconnect(row) else {"reconnect"}
        return [each for each in super().get_actions_detail(request, object_id) if each.path not in hidden]

    def list_logged(self, form: Any) -> set[str]:
        # without an entry they are not written: a worker may have refreshed a token
        return super().list_logged(form) | ({"credentials"} if form.typed_secrets else set())

    @label_column("status", _STATUS_COLOURS, ordering="status")
    def show_status(self, row: Mailbox) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @label_column("circuit breaker", {"open": "danger", "half_open": "warning"}, ordering="breaker_state")
    def show_breaker(self, row: Mailbox) -> tuple[str, str]:
        return row.breaker_state, row.get_breaker_state_display()
