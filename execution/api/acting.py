"""What needs the engine on rows of other apps: mailboxes paused and resumed, messages resolved, tasks completed; and
dead letters.
"""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from emails.api.serializers import MailboxSerializer, MessageSerializer
from emails.api.views import MailboxViewSet, MessageViewSet
from execution.api.serializers import DeadLetterSerializer, ReasonSerializer, ResolveSerializer
from execution.choices import Resolution
from execution.models import DeadLetter
from execution.switches import NotPossibleError, pause_mailbox, resolve_message, resume_mailbox
from execution.tasks import complete_task
from sequences.api.base import IdFilter, ReadViewSet
from sequences.api.problems import ConflictError
from sequences.api.roles import name_actor, require_right
from tasks_app.api.serializers import CompleteSerializer, TaskSerializer
from tasks_app.api.views import TaskViewSet
from tasks_app.operations import TaskClosedError


class OperatedMailboxViewSet(MailboxViewSet):
    __doc__ = MailboxViewSet.__doc__

    @extend_schema(request=ReasonSerializer, responses=MailboxSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Stop its lane; its enrollments are untouched. What is stopped stays as it is."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        pause_mailbox(mailbox, actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"])
        return Response(MailboxSerializer(mailbox).data)

    @extend_schema(request=None, responses=MailboxSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Set a paused or broken mailbox going. What is active stays as it is."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        resume_mailbox(mailbox, actor=name_actor(request.user), now=timezone.now())
        return Response(MailboxSerializer(mailbox).data)


class ResolvableMessageViewSet(MessageViewSet):
    __doc__ = MessageViewSet.__doc__

    @extend_schema(request=ResolveSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Settle an unknown outcome: it was `sent`, or shall be `resend`. 409 when it is not unknown."""
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


class CompletableTaskViewSet(TaskViewSet):
    __doc__ = TaskViewSet.__doc__

    @extend_schema(request=CompleteSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, pk: str) -> Response:
        """Record that the work is done; its enrollment goes on. 409 when it was closed before."""
        task = self.get_object()
        require_right(request.user, task.workspace_id, task.assignee_id, is_shared_without_owner=True)
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


class DeadLetterFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    enrollment = IdFilter(field_name="enrollment_id")
    error_class = django_filters.CharFilter(field_name="error_class")
    resolution = django_filters.ChoiceFilter(choices=Resolution.choices())
    is_open = django_filters.BooleanFilter(method="filter_open", label="Not resolved yet.")

    def filter_open(self, rows: QuerySet[DeadLetter], name: str, value: bool) -> QuerySet[DeadLetter]:
        return rows.filter(resolved_at__isnull=value)


class DeadLetterViewSet(ReadViewSet):
    """Why enrollments are quarantined, and how that was resolved."""

    queryset = DeadLetter.objects.all()
    serializer_class = DeadLetterSerializer
    filterset_class = DeadLetterFilter
    ordering_fields = ("id", "created_at")
