"""`/api/workspaces`: the settings of the user's workspaces, changed by admins; managers pause their sending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from execution.api.logged import LoggedChanges
from execution.api.replanning import ReplansOnUpdate
from execution.api.serializers import ReasonSerializer
from execution.choices import ControlAction, ControlTarget
from execution.control.members import note_second_factor_rule
from execution.control.switches import pause_workspace, resume_workspace
from sequences.access.roles import name_actor, require_admin, require_manager_of
from sequences.choices import Role
from sequences.interface.api.base import ReadViewSet, StrictOrdering
from sequences.interface.api.strict import StrictModelSerializer
from sequences.models import Membership, Workspace

_SETTINGS = [field.name for field in Workspace._meta.concrete_fields if field.editable and field.name != "id"]
_PAUSE = ["sending_paused_at", "sending_paused_by", "sending_paused_reason"]
_READ_ONLY = ["id", "slug", "role", *_PAUSE, "created_at", "updated_at"]


class WorkspaceSerializer(StrictModelSerializer[Workspace]):
    role = serializers.SerializerMethodField(help_text="Your own; null for a superuser who is no member.")

    class Meta:
        model = Workspace
        fields = ["id", "role", *_SETTINGS, *_PAUSE, "created_at", "updated_at"]
        read_only_fields = _READ_ONLY

    def get_role(self, workspace: Workspace) -> Role | None:
        roles = self.context.get("roles")
        if roles is None:
            members = Membership.objects.filter(user=self.context["request"].user.pk)
            roles = self.context["roles"] = dict(members.values_list("workspace_id", "role"))
        return Role(roles[workspace.pk]) if workspace.pk in roles else None


class WorkspaceSettingsViewSet(LoggedChanges, ReplansOnUpdate, mixins.UpdateModelMixin, ReadViewSet):
    """The user's workspaces with their settings. Members read them, admins change them, managers pause sending."""

    queryset = Workspace.objects.all()
    serializer_class = WorkspaceSerializer
    filter_backends = [StrictOrdering]
    ordering_fields = ("id", "name")
    http_method_names = ["get", "patch", "post", "head", "options"]
    has_etags = True
    log_target = ControlTarget.WORKSPACE

    def log(self, row: Any, action: ControlAction, changes: Iterable[Mapping[str, object]] = ()) -> None:
        found = list(changes)
        super().log(row, action, found)
        note_second_factor_rule(row, found, self.request.user, timezone.now(), self.request._request)

    @extend_schema(responses=WorkspaceSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given. Another time zone or holidays replan the enrollments that wait."""
        require_admin(request.user, self.get_object().pk)
        return super().partial_update(request, *args, **kwargs)

    @extend_schema(request=ReasonSerializer, responses=WorkspaceSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Send no email of the workspace until resumed; steps go on, and their emails wait. Pausing twice is once."""
        return self._switch(request, pause_workspace)

    @extend_schema(request=ReasonSerializer, responses=WorkspaceSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let it send again, inside windows, pace and limits. Resuming what sends changes nothing."""
        return self._switch(request, resume_workspace)

    def _switch(self, request: Request, switch: Callable[..., bool]) -> Response:
        workspace = self.get_object()
        require_manager_of(request.user, workspace.pk)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        switch(workspace, actor=name_actor(request.user), now=timezone.now(), reason=form.validated_data["reason"])
        return Response(self.get_serializer(workspace).data)
