"""The execution queue's list: its first view, planned times, reasons and the actions on a row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from freezegun import freeze_time

from execution.control.switches import pause_executor
from sequences.models import Membership
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
QUEUE = reverse("admin:sequences_enrollment_changelist")


@pytest.fixture
def nora() -> Any:
    user: Any = factories.UserFactory(is_staff=True)
    Membership.objects.create(workspace=factories.WorkspaceFactory(), user=user, role="sdr")
    return user


def enroll(user: Any, **values: Any) -> Any:
    step: Any = factories.StepFactory(sequence__workspace=Membership.objects.get(user=user).workspace)
    mailbox: Any = factories.MailboxFactory(workspace=step.workspace, owner=user)
    common = {"sequence": step.sequence, "current_step": step, "mailbox": mailbox, "owner": user}
    return values.pop("factory", factories.EnrollmentFactory)(**{**common, "next_step_at": NOW, **values})


def look(user: Any, query: str = "") -> Any:
    client = Client()
    client.force_login(user)
    with freeze_time(NOW + timedelta(minutes=1)):
        answer = client.get(f"{QUEUE}{query}")
    assert answer.status_code == 200
    return answer


def listed(answer: Any) -> list[int]:
    return sorted(row.pk for row in answer.context["cl"].result_list)


def test_ended_enrollments_are_under_all_and_found_by_a_search(nora: Any) -> None:
    active = enroll(nora)
    ended = enroll(nora, factory=factories.CompletedEnrollmentFactory, next_step_at=None, current_step=None)
    assert listed(look(nora)) == [active.pk]
    assert listed(look(nora, "?needs=all")) == [active.pk, ended.pk]
    assert listed(look(nora, "?status__exact=completed")) == [ended.pk]
    assert listed(look(nora, f"?q={ended.contact.email}")) == [ended.pk]
    shown = look(nora).context["cl"].list_display[1:]
    assert shown == [
        "show_contact", "show_sequence", "show_step", "show_next_step_at", "show_status", "show_why",
    ]  # fmt: skip


def test_a_queued_email_shows_when_its_sending_queue_sends_it(nora: Any) -> None:
    row = enroll(nora)
    row.mailbox.next_slot_at = NOW + timedelta(minutes=25)
    row.mailbox.save()
    factories.EmailMessageFactory(enrollment=row, step=row.current_step, mailbox=row.mailbox, owner=nora)
    assert f"{NOW + timedelta(minutes=25):%H:%M}" in look(nora).content.decode().split("planned for")[1][:200]


def test_quarantine_reasons_are_shown_while_the_executor_is_paused(nora: Any) -> None:
    enroll(nora, factory=factories.QuarantinedEnrollmentFactory, last_error="no value for contact.city")
    pause_executor(actor="otto", now=NOW, reason="upgrade")
    page = look(nora, "?status__exact=quarantined").content.decode()
    assert "Quarantined, needs review: no value for contact.city" in page


def test_a_row_is_paused_with_a_reason_and_the_list_is_shown_again(nora: Any) -> None:
    row = enroll(nora)
    theirs = enroll(nora, owner=factories.UserFactory())
    page = look(nora, "?needs=overdue").content.decode()
    pause = f"{reverse('admin:sequences_enrollment_pause_one', args=[row.pk])}?next={quote(QUEUE + '?needs=overdue')}"
    assert pause in page
    assert reverse("admin:sequences_enrollment_skip_one", args=[row.pk]) in page
    assert reverse("admin:sequences_enrollment_pause_one", args=[theirs.pk]) not in page
    client = Client()
    client.force_login(nora)
    assert "autofocus" in client.get(pause).content.decode()
    done = client.post(pause, {"reason": "on holiday"})
    assert (done.status_code, done["Location"]) == (302, f"{QUEUE}?needs=overdue")
    row.refresh_from_db()
    assert (row.status, row.pause_reason) == ("paused", "on holiday")
    elsewhere = client.post(pause.partition("?")[0] + "?next=//evil.example/", {"reason": ""})
    assert elsewhere["Location"] == reverse("admin:sequences_enrollment_change", args=[row.pk])
