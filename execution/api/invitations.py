"""`/api/invitations`: admins invite colleagues to their workspace, see who has joined, and withdraw invitations."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.idempotency import follow_up
from execution.control.invitations import NotInvitableError, invite, link_of, renew, send_invitation, withdraw
from sequences.access.roles import administered_workspaces, name_actor, require_admin, require_any_admin
from sequences.choices import InvitationStatus, Role
from sequences.interface.api.addresses import AddressField
from sequences.interface.api.base import BIGGEST_ID, IdFilter, ReadViewSet
from sequences.interface.api.dry_run import is_dry_run
from sequences.interface.api.parameters import takes_no_body
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Invitation, Workspace


class InvitationFormSerializer(StrictSerializer):
    email = AddressField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices())
    workspace = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        help_text="Optional when you are an admin of one workspace only.",
    )


class InvitationSerializer(StrictModelSerializer[Invitation]):
    status = serializers.SerializerMethodField()
    role = serializers.ChoiceField(choices=Role.choices(), read_only=True)

    class Meta:
        model = Invitation
        fields = [
            "id", "workspace", "email", "role", "status", "invited_by", "created_at", "expires_at", "emailed_at",
            "accepted_at", "accepted_by",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=InvitationStatus.choices()))
    def get_status(self, invitation: Invitation) -> str:
        return invitation.status_at(timezone.now()).value


class SentInvitationSerializer(InvitationSerializer):
    link = serializers.CharField(read_only=True, help_text="Shown this once: pass it on if the email does not arrive.")
    is_emailed = serializers.BooleanField(read_only=True, help_text="Whether a mail server accepted the email.")

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link", "is_emailed"]
        read_only_fields = fields


class InvitationFilter(django_filters.FilterSet):
    workspace = IdFilter(field_name="workspace_id")
    email = django_filters.CharFilter(lookup_expr="iexact")


class InvitationViewSet(ReadViewSet):
    """Invitations to the workspaces that you are an admin of, without the withdrawn ones."""

    queryset = Invitation.objects.filter(withdrawn_at=None)
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    answers_secret = True

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if self.detail:
            return rows
        require_any_admin(self.request.user)
        return rows.filter(workspace__in=administered_workspaces(self.request.user))

    def get_object(self) -> Invitation:
        row: Invitation = super().get_object()
        require_admin(self.request.user, row.workspace_id)
        return row

    @extend_schema(request=InvitationFormSerializer, responses={201: SentInvitationSerializer})
    def create(self, request: Request) -> Response:
        """Email a link that makes its reader a member, for 7 days. An earlier invitation of the address ends.

        409 for an address that is a member.
        """
        require_any_admin(request.user)
        form = InvitationFormSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        email, role = form.validated_data["email"], Role(form.validated_data["role"])
        workspace = self._find_workspace(form.validated_data.get("workspace"))
        try:
            invitation = invite(workspace, email, role, actor=name_actor(request.user), now=timezone.now())
        except NotInvitableError as error:
            raise ConflictError(str(error)) from None
        return self._answer(invitation, status.HTTP_201_CREATED)

    @takes_no_body
    @extend_schema(request=None, responses=SentInvitationSerializer)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """Email a new link, valid for 7 days; the old one ends. 409 when it was accepted."""
        invitation = self.get_object()
        try:
            renew(invitation, actor=name_actor(request.user), now=timezone.now())
        except NotInvitableError as error:
            raise ConflictError(str(error)) from None
        return self._answer(invitation, status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw it: its link ends. 409 when it was accepted."""
        try:
            withdraw(self.get_object(), actor=name_actor(request.user), now=timezone.now())
        except NotInvitableError as error:
            raise ConflictError(str(error)) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _find_workspace(self, pk: int | None) -> Workspace:
        own = administered_workspaces(self.request.user)
        if pk is None:
            only = list(own[:2])
            if len(only) != 1:
                raise ValidationError({"workspace": ["You are an admin of several workspaces: name one."]})
            return only[0]
        workspace = Workspace.objects.for_user(self.request.user).filter(pk=pk).first()
        if workspace is None:
            raise NotFound
        require_admin(self.request.user, workspace.pk)
        return workspace

    def _answer(self, invitation: Invitation, code: int) -> Response:
        """The invitation, whose email is sent once it is stored."""

        def send() -> dict[str, Any]:
            is_emailed = send_invitation(invitation, now=timezone.now())
            return {**InvitationSerializer(invitation).data, "is_emailed": is_emailed}

        is_real = not is_dry_run(self.request)
        shown = {"link": link_of(invitation) if is_real else None, "is_emailed": False}
        response = Response({**InvitationSerializer(invitation).data, **shown}, status=code)
        return follow_up(response, send) if is_real else response
