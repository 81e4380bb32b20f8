"""Alerts: one row for each incident, sent to those whose it is, again when it gets worse or comes back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from execution.insight.alerts import reconcile_alerts
from execution.models import Alert, DeadLetter
from sequences.models import Workspace
from tests.api.conftest import log_in
from tests.factories import (
    NOW,
    DeadLetterFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    OperatorFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.fakes.receiver import Receiver

pytestmark = pytest.mark.django_db


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = WorkspaceFactory()
    return made


@pytest.fixture(autouse=True)
def operators(settings: Any) -> None:
    settings.ALERT_EMAILS = ["ops@acme.example"]


def member(workspace: Workspace, email: str, role: str, **user: Any) -> Any:
    found = UserFactory(email=email, **user)
    MembershipFactory(workspace=workspace, user=found, role=role)
    return found


def break_mailbox(workspace: Workspace, **fields: Any) -> Any:
    return MailboxFactory(
        workspace=workspace, status="broken", status_reason="535 login refused", status_actor="engine", **fields
    )


def recipients(mails: list[Any]) -> list[list[str]]:
    return [mail.to for mail in mails]


def test_an_alert_reaches_the_owner_the_admins_and_the_operators(workspace: Workspace, mailoutbox: list[Any]) -> None:
    owner = member(workspace, "owner@acme.example", "sdr")
    member(workspace, "admin@acme.example", "admin")
    member(workspace, "former@acme.example", "admin", is_active=False)
    member(workspace, "sdr@acme.example", "sdr")
    member(WorkspaceFactory(), "stranger@other.example", "admin")
    break_mailbox(workspace, owner=owner)
    assert reconcile_alerts(NOW) == 1
    assert recipients(mailoutbox) == [["ops@acme.example"], ["admin@acme.example", "owner@acme.example"]]
    assert "test the mailbox, then resume it" in mailoutbox[0].body
    assert Alert.objects.get().recipients == ["admin@acme.example", "owner@acme.example"]


def test_the_owner_of_a_quarantined_enrollment_is_told(workspace: Workspace, mailoutbox: list[Any]) -> None:
    owner = member(workspace, "owner@acme.example", "sdr")
    DeadLetterFactory(enrollment=EnrollmentFactory(sequence__workspace=workspace, owner=owner), created_at=NOW)
    reconcile_alerts(NOW)
    assert ["owner@acme.example"] in recipients(mailoutbox)


def test_an_incident_that_grows_is_sent_again_with_what_is_new(workspace: Workspace, mailoutbox: list[Any]) -> None:
    def quarantine(number: int) -> None:
        DeadLetterFactory.create_batch(
            number, enrollment__sequence__workspace=workspace, error_class="template", created_at=NOW
        )

    quarantine(3)
    assert reconcile_alerts(NOW) == 1
    assert reconcile_alerts(at(5)) == 0
    quarantine(1)
    assert reconcile_alerts(at(30)) == 0, "a little more is told within the hour"
    assert reconcile_alerts(at(61)) == 1
    assert f"1 more since {NOW:%Y-%m-%d %H:%M} UTC" in mailoutbox[-1].body
    quarantine(4)
    assert reconcile_alerts(at(65)) == 0, "at most every ten minutes"
    assert reconcile_alerts(at(72)) == 1
    assert "4 more since" in mailoutbox[-1].body
    DeadLetter.objects.filter(pk__in=list(DeadLetter.objects.values_list("pk", flat=True)[:6])).update(
        resolved_at=NOW, resolution="discarded"
    )
    assert reconcile_alerts(at(90)) == 0
    quarantine(2)
    assert reconcile_alerts(at(91)) == 1, "fewer in between: new ones count again"
    alert = Alert.objects.get()
    assert (alert.number, alert.notified_number) == (4, 4)


def test_an_incident_closes_by_itself_and_is_another_one_when_it_is_back(
    workspace: Workspace, mailoutbox: list[Any]
) -> None:
    mailbox = break_mailbox(workspace)
    reconcile_alerts(NOW)
    type(mailbox).objects.update(status="active", status_reason="")
    assert reconcile_alerts(at(20)) == 0
    assert Alert.objects.get().cleared_at == at(20)
    type(mailbox).objects.update(status="broken", status_reason="535 login refused")
    assert reconcile_alerts(at(40)) == 1
    assert "It is back: it was over at" in mailoutbox[-1].body
    assert list(Alert.objects.order_by("id").values_list("cleared_at", flat=True)) == [at(20), None]


def test_what_comes_and_goes_is_sent_every_ten_minutes_at_most(workspace: Workspace, mailoutbox: list[Any]) -> None:
    mailbox = break_mailbox(workspace)
    for minute in range(0, 20, 2):
        status, reason = ("active", "") if minute % 4 else ("broken", "535 login refused")
        type(mailbox).objects.update(status=status, status_reason=reason)
        reconcile_alerts(at(minute))
    assert len(mailoutbox) == 2


def test_the_webhook_and_the_api_say_the_same(workspace: Workspace, settings: Any) -> None:
    admin = member(workspace, "admin@acme.example", "admin")
    with Receiver() as receiver:
        settings.ALERT_WEBHOOK_URL = receiver.url
        mailbox = break_mailbox(workspace)
        reconcile_alerts(NOW)
    document = json.loads(receiver.calls[0].body)
    assert (document["key"], document["number"], document["news"]) == (f"mailbox:{mailbox.pk}:broken", 1, "")
    client: Client = log_in(admin)
    (alert,) = client.get("/api/alerts").json()["results"]
    assert alert["title"] == document["title"] and alert["remedy"] == document["remedy"]
    assert (alert["number"], alert["news"], alert["recipients"]) == (1, "", ["admin@acme.example"])
    assert log_in(OperatorFactory()).get("/api/alerts").json()["results"] == []
