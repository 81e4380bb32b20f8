"""The role of a member, changed by admins of the workspace; and the open alerts of one's workspaces."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from execution.choices import ControlAction, ControlTarget
from execution.engine.logs import log_control
from execution.models import Alert
from sequences.access.members import LastAdminError, change_role
from sequences.access.roles import administered_workspaces, is_operator, name_actor
from sequences.api.users import UserSerializer, UserViewSet
from sequences.choices import Role
from sequences.interface.api.base import ReadViewSet
from sequences.interface.api.parameters import OwnWorkspaceField
from sequences.interface.api.problems import ConflictError
from sequences.interface.api.strict import StrictModelSerializer, StrictSerializer
from sequences.models import Membership


class RoleSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices())
    workspace = OwnWorkspaceField(help_text="Optional when you are an admin of one workspace of the user only.")


class ManagedUserViewSet(UserViewSet):
    """Members of your workspaces. Every member reads them; admins change roles."""

    @extend_schema(request=RoleSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the role in a workspace that you are an admin of. A workspace keeps its last admin (409)."""
        user = self.get_object()
        own = administered_workspaces(request.user)
        found = Membership.objects.filter(user=user.pk, workspace__in=own).select_related("workspace")
        if not found.exists():
            raise PermissionDenied("Only an admin of the workspace may do this.")
        form = RoleSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        self._change(list(found), form.validated_data)
        return Response(UserSerializer(self.get_object()).data)

    def _change(self, found: list[Membership], values: dict[str, Any]) -> None:
        workspace, role = values.get("workspace"), Role(values["role"])
        chosen = [row for row in found if workspace is None or row.workspace_id == workspace.pk]
        if not chosen:
            raise PermissionDenied("Only an admin of the workspace may do this.")
        if len(chosen) > 1:
            raise ValidationError({"workspace": ["The user is a member of several of your workspaces: name one."]})
        member, actor = chosen[0], name_actor(self.request.user)
        change = {"what": member.user.email, "field": "role", "before": member.role, "after": role.value}
        with transaction.atomic():
            try:
                is_changed = change_role(member, role)
            except LastAdminError as error:
                raise ConflictError(str(error)) from None
            if is_changed:
                workspace, now = member.workspace, timezone.now()
                log_control(ControlTarget.WORKSPACE, workspace, ControlAction.EDITED, actor, "", now, [change])


class AlertSerializer(StrictModelSerializer[Alert]):
    class Meta:
        model = Alert
        fields = ["id", "workspace", "title", "remedy", "link", "raised_at", "seen_at"]
        read_only_fields = fields


class AlertViewSet(ReadViewSet):
    """Open alerts: what is wrong, since when, and what to do (`remedy`). Operators also see the installation's."""

    queryset = Alert.objects.filter(cleared_at=None)
    serializer_class = AlertSerializer
    ordering_fields = ("id", "raised_at")

    def get_queryset(self) -> QuerySet[Any]:
        if not is_operator(self.request.user):
            return super().get_queryset()
        own = Alert.objects.for_user(self.request.user).order_by().values("pk")
        return Alert.objects.filter(cleared_at=None).filter(Q(workspace=None) | Q(pk__in=own))
