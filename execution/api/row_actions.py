"""Actions on rows of other apps that need the engine: on mailboxes, send limits, messages and tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.api.send_limits import SendLimitViewSet
from emails.api.serializers import MailboxSerializer, MessageSerializer
from emails.api.views import MailboxViewSet, MessageViewSet
from emails.models import Mailbox
from execution.api.enrollment_forms import SnoozeSerializer
from execution.api.expanding import Expands
from execution.api.logged import LoggedChanges
from execution.api.replanning import ReplansOnUpdate
from execution.api.serializers import ReasonSerializer, ResolveSerializer
from execution.choices import ControlAction, ControlTarget
from execution.control.enrollments import Report
from execution.control.switches import NotPossibleError, pause_mailbox, resolve_message, resume_mailbox
from execution.control.tasks import complete_task, reassign_tasks, snooze_tasks
from sequences.access.roles import name_actor, require_right
from sequences.interface.api.base import BIGGEST_ID
from sequences.interface.api.exports import Exports
from sequences.interface.api.problems import ConflictError
from tasks_app.api.serializers import CompleteSerializer, TaskSerializer
from tasks_app.api.views import TaskViewSet
from tasks_app.models import Task
from tasks_app.operations import TaskClosedError


class OperatedMailboxViewSet(LoggedChanges, ReplansOnUpdate, MailboxViewSet):
    __doc__ = MailboxViewSet.__doc__
    log_target = ControlTarget.MAILBOX

    def note_created(self, mailbox: Mailbox) -> None:
        self.log(mailbox, ControlAction.CREATED)

    @extend_schema(request=ReasonSerializer, responses=MailboxSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Stop its lane; its enrollments are untouched. A paused mailbox stays as it is."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        pause_mailbox(mailbox, actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"])
        return Response(MailboxSerializer(mailbox).data)

    @extend_schema(request=ReasonSerializer, responses=MailboxSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let a paused or broken mailbox send again. An active mailbox stays as it is."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        reason = form.validated_data["reason"]
        resume_mailbox(mailbox, actor=name_actor(request.user), now=timezone.now(), reason=reason)
        return Response(MailboxSerializer(mailbox).data)


class LoggedSendLimitViewSet(LoggedChanges, SendLimitViewSet):
    __doc__ = SendLimitViewSet.__doc__
    log_target = ControlTarget.SEND_LIMIT


class ResolvableMessageViewSet(Expands, Exports, MessageViewSet):
    __doc__ = MessageViewSet.__doc__
    export_name = "messages"
    expandable = {
        "contact": "contact", "account": "contact.account", "enrollment": "enrollment",
        "sequence": "enrollment.sequence", "step": "step", "mailbox": "mailbox", "owner": "owner",
    }  # fmt: skip

    @extend_schema(request=ResolveSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Resolve an unknown outcome: it was `sent`, or send it again (`resend`). 409 when it is not unknown."""
        message = self.get_object()
        owner_id = message.enrollment.owner_id
        require_right(request.user, message.workspace_id, owner_id, is_shared_without_owner=False)
        form = ResolveSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            resolve_message(
                message,
                values["as"],
                actor=name_actor(request.user),
                now=timezone.now(),
                reason=values["reason"],
            )
        except NotPossibleError as error:
            raise ConflictError(f"Not possible: {error}.") from None
        return Response(MessageSerializer(message).data)


class TaskSnoozeSerializer(SnoozeSerializer):
    """Due then instead."""


class ReassignSerializer(ReasonSerializer):
    assignee = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID, help_text="A member of its workspace.")


class CompletableTaskViewSet(Expands, Exports, TaskViewSet):
    __doc__ = TaskViewSet.__doc__
    export_name = "tasks"
    expandable = {
        "contact": "contact", "account": "contact.account", "enrollment": "enrollment",
        "sequence": "enrollment.sequence", "step": "step", "assignee": "assignee",
    }  # fmt: skip

    @extend_schema(request=TaskSnoozeSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        """It is due at `until` instead. 409 when it is closed."""
        task = self._find_own()
        form = TaskSnoozeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._change(task, snooze_tasks, **form.validated_data)

    @extend_schema(request=ReassignSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        """Assign it to another member of the workspace. 409 when it is closed."""
        task = self._find_own()
        form = ReassignSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        members = get_user_model().objects.filter(memberships__workspace=task.workspace_id, is_active=True)
        assignee = members.filter(pk=form.validated_data["assignee"]).first()
        if assignee is None:
            raise ValidationError({"assignee": ["The workspace of the task has no such member."]})
        return self._change(task, reassign_tasks, assignee=assignee, reason=form.validated_data["reason"])

    def _find_own(self) -> Task:
        task: Task = self.get_object()
        require_right(self.request.user, task.workspace_id, task.assignee_id, is_shared_without_owner=True)
        return task

    def _change(self, task: Task, change: Callable[..., Report], **values: Any) -> Response:
        report = change([task.pk], actor=name_actor(self.request.user), now=timezone.now(), **values)
        task.refresh_from_db()
        if report.refused:
            raise ConflictError(f"The task is {task.status}: only an open one can be changed.")
        return Response(TaskSerializer(task).data)

    @extend_schema(request=CompleteSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Record that the work is done; its enrollment goes on. 409 when it was closed before."""
        task = self._find_own()
        form = CompleteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        outcome = form.validated_data["outcome"]
        try:
            complete_task(task, actor=name_actor(request.user), now=timezone.now(), outcome=outcome)
        except TaskClosedError:
            task.refresh_from_db(fields=["status"])
            raise ConflictError(f"The task is {task.status}: only an open one can be completed.") from None
        task.refresh_from_db()
        return Response(TaskSerializer(task).data)
