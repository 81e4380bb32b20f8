"""A colleague replied: the other enrollments pause, and one action resumes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from emails.choices import EventType
from emails.facts.events import NewEvent, record_events
from execution.control.colleagues import find_held
from execution.control.enrollments import pause_enrollments
from execution.engine.backoff import Policy
from execution.models import ExecutionLog
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.models import Account, Enrollment
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    EnrollmentFactory,
    MembershipFactory,
    SentMessageFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.support.admin_pages import log_in_staff

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def decide(at: object) -> None:
    run_until_idle(Options(policy=Policy(), stage="decide"), lambda: at)  # type: ignore[arg-type,return-value]


@pytest.fixture(params=["pause", "delay"])
def account(request: pytest.FixtureRequest) -> Account:
    """Three colleagues: one answers, one waits, one was paused by a person before."""
    workspace = WorkspaceFactory(account_reply_policy=request.param)
    account: Account = AccountFactory(workspace=workspace)
    step = StepFactory(sequence__workspace=workspace)
    StepFactory(sequence=step.sequence, delay_days=30)
    for name in ("answers", "waits", "rests"):
        contact = ContactFactory(workspace=workspace, account=account, email=f"{name}@acme.example")
        enrollment = EnrollmentFactory(sequence=step.sequence, contact=contact)
        SentMessageFactory(enrollment=enrollment)
    pause_enrollments([person("rests").pk], actor="sam", now=NOW, reason="on holiday")
    record_events([NewEvent(EventType.REPLIED, "t", "1", LATER, contact_id=person("answers").contact_id)], LATER)
    decide(LATER)
    return account


def person(name: str) -> Enrollment:
    return Enrollment.objects.get(contact__email=f"{name}@acme.example")


def test_one_action_resumes_enrollments_paused_by_a_colleagues_reply_only(account: Account) -> None:
    assert [person(name).status for name in ("answers", "waits", "rests")] == ["replied", "paused", "paused"]
    assert find_held([account.pk]) == [person("waits").pk]
    client = log_in_staff(account.workspace)
    answer = client.post(reverse("admin:sequences_account_release_one", args=[account.pk]), {"reason": "another team"})
    assert answer.status_code == 302
    assert [person(name).status for name in ("answers", "waits", "rests")] == ["replied", "active", "paused"]
    entry = ExecutionLog.objects.get(action="resumed")
    assert entry.message == "another team" and "@" in entry.actor
    decide(LATER + timedelta(days=1))
    assert person("waits").status == "active"


def test_the_api_releases_too_and_only_for_managers(account: Account) -> None:
    api = APIClient()
    for role, code in (("sdr", 403), ("manager", 200)):
        api.force_authenticate(MembershipFactory(workspace=account.workspace, role=role).user)
        answer = api.post(f"/api/accounts/{account.pk}/release", {})
        assert answer.status_code == code
    assert answer.data == {"released": [person("waits").pk]}
    assert person("waits").status == "active"


def test_an_automatic_answer_of_a_colleague_pauses_no_enrollment() -> None:
    workspace = WorkspaceFactory(account_reply_policy="pause")
    account = AccountFactory(workspace=workspace)
    step = StepFactory(sequence__workspace=workspace)
    StepFactory(sequence=step.sequence, delay_days=30)
    people = [
        EnrollmentFactory(sequence=step.sequence, contact=ContactFactory(workspace=workspace, account=account))
        for _ in range(2)
    ]
    for enrollment in people:
        SentMessageFactory(enrollment=enrollment)
    new = NewEvent(EventType.AUTO_REPLIED, "t", "2", LATER, contact_id=people[0].contact_id)
    record_events([new], LATER)
    decide(LATER)
    assert find_held([account.pk]) == []
    people[1].refresh_from_db()
    assert people[1].status == "active"
