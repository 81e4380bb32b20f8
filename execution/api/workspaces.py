"""`/api/workspaces`: the settings of the user's workspaces, changed by admins; enrollments are replanned by them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.logged import LoggedChanges
from execution.api.replanning import ReplansOnUpdate
from execution.choices import ControlTarget
from sequences.access.roles import require_admin
from sequences.choices import Role
from sequences.interface.api.base import ReadViewSet, StrictOrdering
from sequences.interface.api.strict import StrictModelSerializer
from sequences.models import Membership, Workspace

_SETTINGS = [field.name for field in Workspace._meta.concrete_fields if field.editable and field.name != "id"]
_READ_ONLY = ["id", "slug", "role", "created_at", "updated_at"]


class WorkspaceSerializer(StrictModelSerializer[Workspace]):
    role = serializers.SerializerMethodField(help_text="Your own; null for a superuser who is no member.")

    class Meta:
        model = Workspace
        fields = ["id", "role", *_SETTINGS, "created_at", "updated_at"]
        read_only_fields = _READ_ONLY

    def get_role(self, workspace: Workspace) -> Role | None:
        roles = self.context.get("roles")
        if roles is None:
            members = Membership.objects.filter(user=self.context["request"].user.pk)
            roles = self.context["roles"] = dict(members.values_list("workspace_id", "role"))
        return Role(roles[workspace.pk]) if workspace.pk in roles else None


class WorkspaceSettingsViewSet(LoggedChanges, ReplansOnUpdate, mixins.UpdateModelMixin, ReadViewSet):
    """The user's workspaces with their settings. Members read them; admins change them."""

    queryset = Workspace.objects.all()
    serializer_class = WorkspaceSerializer
    filter_backends = [StrictOrdering]
    ordering_fields = ("id", "name")
    http_method_names = ["get", "patch", "head", "options"]
    has_etags = True
    log_target = ControlTarget.WORKSPACE

    @extend_schema(responses=WorkspaceSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given. Another time zone or holidays replan the enrollments that wait."""
        require_admin(request.user, self.get_object().pk)
        return super().partial_update(request, *args, **kwargs)
