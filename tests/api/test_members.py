"""The calling user, the members, and the settings of a workspace."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from execution.models import ControlLog
from sequences.choices import Role
from sequences.models import Enrollment, Workspace
from tests.api.conftest import join, log_in
from tests.factories import NOW, UserFactory, WorkspaceFactory


@pytest.fixture
def admin_api(workspace: Workspace) -> APIClient:
    return log_in(join(workspace, Role.ADMIN))


def test_me_names_the_user_and_the_role_in_each_workspace(api: APIClient, sdr: Any, workspace: Workspace) -> None:
    second = WorkspaceFactory()
    second.memberships.create(user=sdr, role=Role.MANAGER.value)
    me = api.get("/api/me").json()
    assert (me["id"], me["email"], me["is_operator"]) == (sdr.pk, sdr.email, False)
    assert [(row["workspace"], row["role"]) for row in me["workspaces"]] == [
        (workspace.pk, "sdr"), (second.pk, "manager"),
    ]  # fmt: skip


def test_users_are_the_members_of_own_workspaces_with_their_roles_there(
    api: APIClient, sdr: Any, workspace: Workspace
) -> None:
    colleague = join(workspace, Role.MANAGER)
    WorkspaceFactory().memberships.create(user=colleague, role=Role.ADMIN.value)
    join(WorkspaceFactory())
    UserFactory()
    rows = api.get("/api/users?ordering=id").json()["results"]
    assert [row["id"] for row in rows] == [sdr.pk, colleague.pk]
    assert [membership["role"] for membership in rows[1]["workspaces"]] == ["manager"]
    found = api.get("/api/users", {"email": colleague.email.upper()}).json()["results"]
    assert [row["id"] for row in found] == [colleague.pk]


def test_lists_of_users_take_the_same_statements_for_many(
    api: APIClient, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        join(workspace)
    with django_assert_max_num_queries(6):
        assert len(api.get("/api/users").json()["results"]) == 13


def test_an_admin_changes_settings_and_the_log_says_so(admin_api: APIClient, workspace: Workspace) -> None:
    path = f"/api/workspaces/{workspace.pk}"
    stored = admin_api.get(path)
    assert (stored.json()["role"], stored.json()["slug"]) == ("admin", workspace.slug)
    body = {"cool_down_days": 14, "parallel_sequences": True, "postal_address": "Acme, 1 Main Street"}
    changed = admin_api.patch(path, body, headers={"If-Match": stored.headers["ETag"]})
    assert changed.status_code == 200, changed.json()
    assert {name: changed.json()[name] for name in body} == body
    log = ControlLog.objects.get(target="workspace")
    assert (log.workspace_id, log.target_id, log.action) == (workspace.pk, workspace.pk, "edited")
    assert {change["field"] for change in log.changes} == set(body)
    stale = admin_api.patch(path, {"cool_down_days": 1}, headers={"If-Match": stored.headers["ETag"]})
    assert stale.status_code == 412


def test_another_time_zone_replans_the_enrollments_that_wait(
    admin_api: APIClient, workspace: Workspace, enrollment: Enrollment
) -> None:
    enrollment.sequence.window = {"timezone": "contact", "mon-fri": ["09:00-17:00"]}
    enrollment.sequence.save()
    workspace.timezone = "UTC"
    workspace.save()
    Enrollment.objects.update(next_step_at=NOW.replace(hour=16), wake_at=NOW.replace(hour=16))
    answer = admin_api.patch(f"/api/workspaces/{workspace.pk}", {"timezone": "Asia/Tokyo"})
    assert answer.status_code == 200, answer.json()
    planned = Enrollment.objects.get(pk=enrollment.pk).next_step_at
    assert planned is not None
    assert planned.isoformat() == "2026-03-03T00:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"slug": "other"}, "slug"),
        ({"coolDownDays": 3}, "coolDownDays"),
        ({"cool_down_days": -1}, "cool_down_days"),
        ({"account_reply_policy": "shout"}, "account_reply_policy"),
        ({"retained_at": None}, "retained_at"),
    ],
)
def test_invalid_settings_are_refused(
    admin_api: APIClient, workspace: Workspace, body: dict[str, Any], field: str
) -> None:
    answer = admin_api.patch(f"/api/workspaces/{workspace.pk}", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_only_admins_of_the_workspace_change_it(
    api: APIClient, manager_api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    path, body = f"/api/workspaces/{workspace.pk}", {"cool_down_days": 3}
    statuses = [client.patch(path, body).status_code for client in (api, manager_api, stranger_api)]
    assert statuses == [403, 403, 404]
    assert manager_api.put(path, body).status_code == 405
    assert [row["id"] for row in api.get("/api/workspaces").json()["results"]] == [workspace.pk]


def test_a_user_chooses_when_to_be_told_of_replies(api: APIClient) -> None:
    assert api.get("/api/me").json()["reply_notices"] == "at_once"
    assert api.patch("/api/me", {"reply_notices": "daily"}, format="json").json()["reply_notices"] == "daily"
    assert api.get("/api/me").json()["reply_notices"] == "daily"
    assert api.patch("/api/me", {"reply_notices": "hourly"}, format="json").status_code == 400
