"""The admin of workspaces: settings and members for admins, the pause of its sending for managers too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from execution.admin.confirm import Action, ConfirmsActions, on_one
from execution.admin.logged import LogsChanges
from execution.admin.members.memberships import LogsMembers
from execution.admin.replanning import ReplansOnSave
from execution.choices import ControlAction, ControlTarget
from execution.control import switches
from execution.control.enrollments import Report
from execution.control.members import note_second_factor_rule
from sequences.access.roles import is_manager
from sequences.admin import WorkspaceBaseAdmin
from sequences.interface.admin.base import name_actor
from sequences.models import Workspace


def _switch(switch: Callable[..., bool]) -> Callable[..., Report]:
    def run(ids: Sequence[Any], answers: dict[str, Any], request: HttpRequest) -> Report:
        report = Report()
        for workspace in Workspace.objects.filter(pk__in=ids):
            changed = switch(workspace, actor=name_actor(request), now=timezone.now(), **answers)
            (report.changed if changed else report.unchanged).append(workspace.pk)
        return report

    return run


PAUSE = Action(
    "pause",
    "Pause sending",
    "Paused the sending of",
    "pause",
    "No email of this workspace is sent until it is resumed. Steps continue, and their emails wait in the queue.",
    _switch(switches.pause_workspace),
    is_danger=True,
)
RESUME = Action(
    "resume",
    "Resume sending",
    "Resumed the sending of",
    "play_arrow",
    "Waiting emails are sent inside their sending windows, at the pace and within the limits of their mailboxes.",
    _switch(switches.resume_workspace),
)


@admin.register(Workspace)
class WorkspaceOwnAdmin(ConfirmsActions, LogsChanges, ReplansOnSave, LogsMembers, WorkspaceBaseAdmin):
    log_target = ControlTarget.WORKSPACE
    actions_detail = ("pause_one", "resume_one")
    pause_one, resume_one = on_one(PAUSE), on_one(RESUME)

    def _log(self, request: HttpRequest, row: Any, action: ControlAction, changes: Any = ()) -> None:
        super()._log(request, row, action, changes)
        note_second_factor_rule(row, changes, request.user, timezone.now(), request)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Managers too, who change no setting."""
        workspace_id = obj.pk if isinstance(obj, Workspace) else obj
        return workspace_id is None or is_manager(request.user, int(workspace_id))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row = self.get_object(request, str(object_id))
        offered = "resume" if row is not None and row.sending_paused_at is not None else "pause"
        return [each for each in super().get_actions_detail(request, object_id) if each.path == offered]
