"""Roles changed by API, and who sees which alerts."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from execution.models import ControlLog
from sequences.models import Membership, Workspace
from tests.api.conftest import log_in
from tests.factories import NOW, AlertFactory, OperatorFactory


def test_an_admin_changes_a_role_and_it_is_logged(admin_api: APIClient, workspace: Workspace, sdr: Any) -> None:
    answer = admin_api.patch(f"/api/users/{sdr.pk}", {"role": "manager"})
    assert answer.json()["workspaces"][0]["role"] == "manager"
    assert ControlLog.objects.get().changes == [
        {"what": sdr.email, "field": "role", "before": "sdr", "after": "manager"}
    ]
    assert admin_api.patch(f"/api/users/{sdr.pk}", {"role": "boss"}).status_code == 400


def test_the_last_admin_stays(admin_api: APIClient, manager_api: APIClient, workspace: Workspace) -> None:
    admin = Membership.objects.get(role="admin")
    answer = admin_api.patch(f"/api/users/{admin.user_id}", {"role": "sdr"})
    assert (answer.status_code, "last admin" in answer.json()["detail"]) == (409, True)
    assert manager_api.patch(f"/api/users/{admin.user_id}", {"role": "sdr"}).status_code == 403
    admin.refresh_from_db()
    assert admin.role == "admin"


def test_alerts_are_those_of_ones_workspaces_and_for_operators_of_the_installation(
    api: APIClient, stranger_api: APIClient, workspace: Workspace
) -> None:
    own = AlertFactory(workspace=workspace, remedy="Check the password.")
    AlertFactory(workspace=workspace, cleared_at=NOW)
    shared = AlertFactory(workspace=None)
    found = api.get("/api/alerts").json()["results"]
    assert [(row["id"], row["remedy"]) for row in found] == [(own.pk, "Check the password.")]
    assert stranger_api.get("/api/alerts").json()["results"] == []
    operators = log_in(OperatorFactory()).get("/api/alerts").json()["results"]
    assert [row["id"] for row in operators] == [shared.pk]
