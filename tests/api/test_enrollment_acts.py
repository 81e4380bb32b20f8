"""Exit, retry and why of one enrollment by the API."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from execution.models import ExecutionLog
from tests.factories import (
    CompletedEnrollmentFactory,
    MembershipFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
)

pytestmark = pytest.mark.django_db


def manager_of(enrollment: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(MembershipFactory(workspace=enrollment.workspace, role="manager").user)
    return client


def test_exiting_ends_it_with_actor_and_reason() -> None:
    paused = PausedEnrollmentFactory()
    answer = manager_of(paused).post(f"/api/sequence-enrollments/{paused.pk}/exit", {"reason": "customer now"})
    assert answer.status_code == 200
    assert (answer.data["enrollment"]["status"], answer.data["enrollment"]["auto_exit_reason"]) == (
        "auto_exited",
        "manual",
    )
    entry = ExecutionLog.objects.get(action="exited")
    assert (entry.message, "@" in entry.actor) == ("customer now", True)


def test_what_has_ended_cannot_be_exited_or_retried() -> None:
    ended = CompletedEnrollmentFactory()
    for verb in ("exit", "retry"):
        answer = manager_of(ended).post(f"/api/sequence-enrollments/{ended.pk}/{verb}", {})
        assert answer.status_code == 409
        assert "completed" in answer.json()["detail"]


def test_retrying_releases_from_quarantine() -> None:
    held = QuarantinedEnrollmentFactory()
    answer = manager_of(held).post(f"/api/sequence-enrollments/{held.pk}/retry", {})
    assert answer.data["enrollment"]["status"] == "active"


def test_why_says_what_holds_it() -> None:
    paused = PausedEnrollmentFactory(pause_reason="on holiday")
    (hold,) = manager_of(paused).get(f"/api/sequence-enrollments/{paused.pk}/why").data["why"][:1]
    assert "on holiday" in hold["detail"]
