"""`/api/mailboxes` (all but what wakes the engine), and messages and suppressions to read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db import transaction
from django.db.models import Q, QuerySet, RestrictedError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from emails.api.discovery import DiscoveryAction
from emails.api.mailbox_tests import MailboxTestActions
from emails.api.saving import InvalidMailboxError, change_mailbox, create_mailbox
from emails.api.serializers import (
    MAILBOX_STATE,
    LaneSerializer,
    LoginReportSerializer,
    MailboxCreateSerializer,
    MailboxSerializer,
    MailboxSetupSerializer,
    MessageSerializer,
)
from emails.choices import EventType, MailboxStatus, MessageStatus
from emails.facts.engagement import has_event
from emails.mailbox.login_test import check_mailbox
from emails.mailbox.own_caps import own_caps
from emails.mailbox.setup_check import check_setup
from emails.models import EmailMessage, Mailbox
from emails.sending.lane_view import read_lane
from sequences.access.roles import require_right
from sequences.interface.api.base import IdFilter, ReadViewSet, TimeFilter, UpdatedFilter, YesNoFilter
from sequences.interface.api.named import NamedRowFilter, find_named, read_named
from sequences.interface.api.parameters import only_workspace, refuses_dry_run, takes_no_body
from sequences.interface.api.problems import ConflictError

_CHANGES_NOTHING = "This call sends and changes nothing: leave dry_run out."


class MailboxFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    owner = NamedRowFilter("owner")
    status = django_filters.ChoiceFilter(choices=MailboxStatus.choices())
    address = django_filters.CharFilter(field_name="address", lookup_expr="iexact")
    updated_after = TimeFilter(method="filter_updated", label="Edited, or in another state, since then.")

    def filter_updated(self, rows: QuerySet[Mailbox], name: str, value: datetime) -> QuerySet[Mailbox]:
        return rows.filter(Q(updated_at__gt=value) | Q(status_at__gt=value))


class MailboxViewSet(
    DiscoveryAction,
    MailboxTestActions,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ReadViewSet,
):
    """Sending accounts. Every member sees those of their workspaces; owners, managers and admins change them."""

    queryset = Mailbox.objects.annotate(**own_caps())
    serializer_class = MailboxSerializer
    has_etags = True
    # `updated_at` stays: a new password is seen by it, and what the engine notes does not change it
    volatile = frozenset({*MAILBOX_STATE, "is_dry_run"})
    filterset_class = MailboxFilter
    ordering_fields = ("id", "address", "created_at", "updated_at")

    def blank_new(self, data: dict[str, Any]) -> dict[str, Any]:
        return {**super().blank_new(data), **({"webhook_urls": {}} if "webhook_urls" in data else {})}

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return MailboxCreateSerializer if self.action == "create" else super().get_serializer_class()

    @extend_schema(request=MailboxCreateSerializer, responses={201: MailboxSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        workspace = form.validated_data.get("workspace") or only_workspace(request)
        owner = form.validated_data.get("owner", request.user)
        require_right(request.user, workspace.pk, owner.pk if owner else None, is_shared_without_owner=False)
        try:
            with transaction.atomic():
                mailbox = create_mailbox({**form.validated_data, "workspace": workspace, "owner": owner})
                self.note_created(mailbox)
        except InvalidMailboxError as error:
            raise ValidationError({error.field: [str(error)]}) from None
        return Response(MailboxSerializer(mailbox).data, status=status.HTTP_201_CREATED)

    def note_created(self, mailbox: Mailbox) -> None:
        """Hook: record it in the log of controls."""

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        mailbox: Mailbox = serializer.instance  # type: ignore[assignment]
        self.require_mailbox_right(mailbox)
        owner = serializer.validated_data.get("owner", mailbox.owner)
        require_right(
            self.request.user, mailbox.workspace_id, owner.pk if owner else None, is_shared_without_owner=False
        )
        try:
            serializer.instance = change_mailbox(mailbox, serializer.validated_data, timezone.now())
        except InvalidMailboxError as error:
            raise ValidationError({error.field: [str(error)]}) from None

    def perform_destroy(self, instance: Mailbox) -> None:
        self.require_mailbox_right(instance)
        try:
            instance.delete()
        except RestrictedError:
            raise ConflictError("The mailbox is in use by enrollments or messages: pause it instead.") from None

    @takes_no_body
    @refuses_dry_run(_CHANGES_NOTHING)
    @extend_schema(request=None, responses=LoginReportSerializer)
    @action(detail=True, methods=["post"], serializer_class=LoginReportSerializer, calls_server=True)
    def test(self, request: Request, pk: str) -> Response:
        """Try the SMTP (or ESP) and IMAP logins. Sends nothing, changes nothing."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        return Response(LoginReportSerializer(check_mailbox(mailbox)).data)

    @takes_no_body
    @refuses_dry_run(_CHANGES_NOTHING)
    @extend_schema(request=None, responses=MailboxSetupSerializer)
    @action(detail=True, methods=["post"], serializer_class=MailboxSetupSerializer, calls_server=True)
    def check(self, request: Request, pk: str) -> Response:
        """Its logins, and what DNS says of its domain: MX, SPF, DKIM, DMARC, alignment. Sends nothing."""
        mailbox = self.get_object()
        self.require_mailbox_right(mailbox)
        return Response(MailboxSetupSerializer({"checks": check_setup(mailbox)}).data)

    @extend_schema(responses=LaneSerializer)
    @action(detail=True, methods=["get"], serializer_class=LaneSerializer)
    def lane(self, request: Request, pk: str) -> Response:
        """The queue with planned times, usage against each cap, the next slot and the breaker."""
        return Response(LaneSerializer(read_lane(self.get_object(), timezone.now())).data)

    def require_mailbox_right(self, mailbox: Mailbox) -> None:
        require_right(self.request.user, mailbox.workspace_id, mailbox.owner_id, is_shared_without_owner=False)


class _HappenedFilter(YesNoFilter):
    """Whether a message has a fact of a kind."""

    def __init__(self, kind: EventType, **kwargs: Any) -> None:
        self._kind = kind
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: bool | None) -> QuerySet[Any]:
        if value is None:
            return qs
        return qs.filter(has_event(self._kind)) if value else qs.exclude(has_event(self._kind))


class MessageFilter(UpdatedFilter):
    workspace = IdFilter(field_name="workspace_id")
    enrollment = IdFilter(field_name="enrollment_id")
    contact = IdFilter(field_name="contact_id")
    mailbox = NamedRowFilter("mailbox", method="filter_mailbox")
    sequence = NamedRowFilter("enrollment__sequence")
    step = IdFilter(field_name="step_id")
    status = django_filters.ChoiceFilter(choices=MessageStatus.choices())
    sent_after = TimeFilter(field_name="sent_at", lookup_expr="gt")
    sent_before = TimeFilter(field_name="sent_at", lookup_expr="lt")
    delivered = _HappenedFilter(EventType.DELIVERED, label="Delivery was confirmed by the provider.")
    opened = _HappenedFilter(EventType.OPENED, label="By a person.")
    clicked = _HappenedFilter(EventType.CLICKED, label="By a person.")
    replied = _HappenedFilter(EventType.REPLIED, label="A person answered it.")
    bounced = _HappenedFilter(EventType.BOUNCED)
    complained = _HappenedFilter(EventType.COMPLAINED)
    unsubscribed = _HappenedFilter(EventType.UNSUBSCRIBED)

    def filter_mailbox(self, rows: QuerySet[EmailMessage], name: str, value: str) -> QuerySet[EmailMessage]:
        """The newest are read along the index of its workspace, instead of those of all workspaces."""
        self.filters[name].refuse_unknown(EmailMessage, value)
        mailbox = find_named(Mailbox.objects.for_user(self.request.user), "mailbox", read_named(value))
        return rows.filter(mailbox=mailbox, workspace_id=mailbox.workspace_id) if mailbox else rows.none()


class MessageViewSet(ReadViewSet):
    """Every email, queued or sent, as it was rendered."""

    queryset = EmailMessage.objects.all()
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    ordering_fields = ("id", "updated_at")
