"""The roles of members and their removal, by admins of the workspace; and the open alerts of one's workspaces."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.control.members import remove_member, set_role
from execution.models import Alert
from sequences.access.members import LastAdminError
from sequences.access.roles import administered_workspaces, is_operator, name_actor
from sequences.access.second_factor import may_reset_second_factor, switch_off
from sequences.api.users import UserSerializer, UserViewSet
from sequences.choices import Role
from sequences.interface.api.base import ReadViewSet
from sequences.interface.api.parameters import (
    OwnWorkspaceField,
    read_query_and_body,
    takes_body,
    takes_no_body,
    takes_parameters,
)
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Membership


class RoleSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices())
    workspace = OwnWorkspaceField(help_text="Optional when you are an admin of one workspace of the user only.")


class RemovalSerializer(StrictSerializer):
    workspace = OwnWorkspaceField(help_text="Optional when you are an admin of one workspace of the user only.")


class ManagedUserViewSet(UserViewSet):
    """Members of your workspaces. Every member reads them; admins change roles and remove members."""

    @extend_schema(request=RoleSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the role in a workspace that you are an admin of. A workspace keeps its last admin (409)."""
        user = self.get_object()
        found = self._find_administered(user)
        form = RoleSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        member, role = self._choose(found, form.validated_data), Role(form.validated_data["role"])
        try:
            set_role(member, role, actor=name_actor(request.user), now=timezone.now())
        except LastAdminError as error:
            raise ConflictError(str(error)) from None
        return Response(UserSerializer(self.get_object()).data)

    @takes_body
    @takes_parameters(RemovalSerializer)
    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove the user from a workspace that you are an admin of. A workspace keeps its last admin (409)."""
        found = self._find_administered(self.get_object())
        form = RemovalSerializer(data=read_query_and_body(request), context={"request": request})
        form.is_valid(raise_exception=True)
        member = self._choose(found, form.validated_data)
        try:
            remove_member(member, actor=name_actor(request.user), now=timezone.now())
        except LastAdminError as error:
            raise ConflictError(str(error)) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @takes_no_body
    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="reset-second-factor")
    def reset_second_factor(self, request: Request, pk: str) -> Response:
        """Switch off the second factor of a member who has lost it. Nothing happens when it is off."""
        user = self.get_object()
        if not may_reset_second_factor(request.user, user):
            raise PermissionDenied("Only an admin of the workspace may do this.")
        switch_off(user, timezone.now(), actor=name_actor(request.user), request=request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _find_administered(self, user: Any) -> list[Membership]:
        own = administered_workspaces(self.request.user)
        found = Membership.objects.filter(user=user.pk, workspace__in=own).select_related("workspace", "user")
        if not found:
            raise PermissionDenied("Only an admin of the workspace may do this.")
        return list(found)

    def _choose(self, found: list[Membership], values: dict[str, Any]) -> Membership:
        workspace = values.get("workspace")
        chosen = [row for row in found if workspace is None or row.workspace_id == workspace.pk]
        if not chosen:
            raise PermissionDenied("Only an admin of the workspace may do this.")
        if len(chosen) > 1:
            raise ValidationError({"workspace": ["The user is a member of several of your workspaces: name one."]})
        return chosen[0]


class AlertSerializer(StrictModelSerializer[Alert]):
    class Meta:
        model = Alert
        fields = [
            "id", "workspace", "title", "remedy", "link", "number", "news", "recipients", "raised_at", "seen_at",
            "notified_at",
        ]  # fmt: skip
        read_only_fields = fields


class AlertViewSet(ReadViewSet):
    """Open alerts: what is wrong, since when, what to do (`remedy`), what was new when it was last sent (`news`).

    `number`: how many things it concerns. Operators also see the installation's alerts.
    """

    queryset = Alert.objects.filter(cleared_at=None)
    serializer_class = AlertSerializer
    ordering_fields = ("id", "raised_at")

    def get_queryset(self) -> QuerySet[Any]:
        if not is_operator(self.request.user):
            return super().get_queryset()
        own = Alert.objects.for_user(self.request.user).order_by().values("pk")
        return Alert.objects.filter(cleared_at=None).filter(Q(workspace=None) | Q(pk__in=own))
