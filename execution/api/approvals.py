"""`/api/messages`: read, approve, reject and edit emails that wait for an approval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emails.api.serializers import MessageSerializer
from emails.api.views import MessageFilter
from emails.facts.approvals import is_awaiting
from emails.models import EmailMessage
from emails.sending.approvals import render_held
from execution.api.enrollment_forms import BulkAnswerSerializer, present_bulk
from execution.api.row_actions import ResolvableMessageViewSet
from execution.control.approvals import MOST_AT_ONCE, approve_emails, edit_email, filter_decidable, reject_emails
from execution.control.bulk import BulkReport
from execution.control.enrollments import Report
from execution.control.switches import NotPossibleError
from sequences.access.roles import name_actor, require_right
from sequences.interface.api.base import BIGGEST_ID, YesNoFilter
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictSerializer

_REJECTIONS = [("skip", "Go on with the next step"), ("exit", "Leave the sequence")]
_LONGEST_BODY = 100_000


class ApprovableMessageFilter(MessageFilter):
    awaiting_approval = YesNoFilter(method="filter_awaiting")

    def filter_awaiting(self, rows: QuerySet[EmailMessage], name: str, value: bool) -> QuerySet[EmailMessage]:
        """Those that a user must approve before they leave."""
        waiting = is_awaiting(timezone.now())
        return rows.filter(waiting) if value else rows.exclude(pk__in=EmailMessage.objects.filter(waiting))


class ApproveSerializer(StrictSerializer):
    hash = serializers.CharField(max_length=64, help_text="`approval_hash` of the email that was read.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class RejectSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=450)
    then = serializers.ChoiceField(
        required=False, choices=_REJECTIONS, default="skip", help_text="What its enrollment does: by default `skip`."
    )
    hash = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)


class EditEmailSerializer(StrictSerializer):
    subject = serializers.CharField(
        max_length=500, allow_blank=True, help_text="Liquid. Empty: a reply in the thread of the email before."
    )
    body = serializers.CharField(max_length=_LONGEST_BODY, help_text="Liquid, in the format of the step.")


class ReadEmailSerializer(StrictSerializer):
    id = serializers.IntegerField(min_value=1, max_value=BIGGEST_ID)
    hash = serializers.CharField(max_length=64, help_text="`approval_hash` of the email that was read.")


class BulkApprovalSerializer(StrictSerializer):
    action = serializers.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
    messages = ReadEmailSerializer(many=True, allow_empty=False, max_length=MOST_AT_ONCE)  # type: ignore[call-arg]
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=450)
    then = serializers.ChoiceField(required=False, choices=_REJECTIONS, default="skip")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] == "reject" and not attrs["reason"]:
            raise serializers.ValidationError({"reason": ["A rejection needs a reason."]})
        if len({each["id"] for each in attrs["messages"]}) < len(attrs["messages"]):
            raise serializers.ValidationError({"messages": ["Name each message once."]})
        return attrs


class ApprovableMessageViewSet(ResolvableMessageViewSet):
    __doc__ = ResolvableMessageViewSet.__doc__
    # apart, so that the page of messages is read in the order of its index
    queryset = EmailMessage.objects.prefetch_related("approval")
    filterset_class = ApprovableMessageFilter

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        if page and self.action == "list":
            show_held(page)
        return page

    def get_object(self) -> Any:
        message = super().get_object()
        if self.action == "retrieve":
            show_held([message])
        return message

    @extend_schema(request=ApproveSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Let it leave exactly as it was read. 409 when it has changed since, or waits for no approval."""
        message, form = self._find_own(), ApproveSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        report = approve_emails(
            {message.pk: values["hash"]},
            actor=name_actor(request.user),
            now=timezone.now(),
            reason=values["reason"],
        )
        return self._answer(message, report)

    @extend_schema(request=RejectSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Send it not at all; its enrollment goes on with the next step, or exits. 409 when it waits no more."""
        message, form = self._find_own(), RejectSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        report = reject_emails(
            {message.pk: values["hash"]},
            then=values["then"],
            actor=name_actor(request.user),
            now=timezone.now(),
            reason=values["reason"],
        )
        return self._answer(message, report)

    @extend_schema(request=EditEmailSerializer, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def edit(self, request: Request, pk: str) -> Response:
        """Give this one email a subject and body of its own. It waits for an approval again."""
        message, form = self._find_own(), EditEmailSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            edit_email(
                message,
                form.validated_data["subject"],
                form.validated_data["body"],
                actor=name_actor(request.user),
                now=timezone.now(),
            )
        except NotPossibleError as error:
            raise ConflictError(f"Not possible: {error}.") from None
        except ValueError as error:
            raise ValidationError({"body": [str(error)]}) from None
        return self._answer(message, Report())

    @extend_schema(request=BulkApprovalSerializer, responses=BulkAnswerSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Approve or reject up to 200 emails that were read. What has changed since is refused, the others are done."""
        form = BulkApprovalSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        hashes = {each["id"]: each["hash"] for each in values["messages"]}
        seen = set(self.get_queryset().filter(pk__in=hashes).values_list("pk", flat=True))
        own = set(filter_decidable(EmailMessage.objects.filter(pk__in=seen), request.user).values_list("pk", flat=True))
        chosen = {pk: given for pk, given in hashes.items() if pk in own}
        who = {"actor": name_actor(request.user), "now": timezone.now(), "reason": values["reason"]}
        if values["action"] == "approve":
            report = approve_emails(chosen, **who)
        else:
            report = reject_emails(chosen, then=values["then"], **who)
        total = BulkReport()
        total.add(sorted(seen), own, report)
        return Response(BulkAnswerSerializer(present_bulk(total, is_dry_run=is_dry_run(request))).data)

    def _find_own(self) -> EmailMessage:
        message: EmailMessage = self.get_object()
        owner_id = message.enrollment.owner_id
        require_right(self.request.user, message.workspace_id, owner_id, is_shared_without_owner=False)
        return message

    def _answer(self, message: EmailMessage, report: Report) -> Response:
        for reason in report.refused.values():
            raise ConflictError(f"Not possible: {reason}.")
        shown = EmailMessage.objects.select_related("approval").get(pk=message.pk)
        show_held([shown])
        return Response(MessageSerializer(shown).data)


def show_held(messages: Sequence[EmailMessage]) -> None:
    """Let those that wait for an approval show what leaves if they are approved now, and the hash that names it."""
    now = timezone.now()
    ids = [message.pk for message in messages if message.status == "queued"]
    waiting = (
        list(EmailMessage.objects.filter(is_awaiting(now), pk__in=ids).values_list("pk", flat=True)) if ids else []
    )
    held = render_held(waiting, now) if waiting else {}
    for message in messages:
        if email := held.get(message.pk):
            message.awaits_approval = True  # type: ignore[attr-defined]
            message.approval_hash = email.digest  # type: ignore[attr-defined]
            message.approval_error = email.error  # type: ignore[attr-defined]
            message.subject, message.text, message.html = email.subject, email.text, email.html
