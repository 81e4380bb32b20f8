"""The holidays of the contact's country: in planning, before sending, in why, preview and forecast, at every change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.insight.explain import explain_enrollments
from execution.insight.forecast import forecast_workspaces
from execution.insight.preview import preview_sequence
from execution.models import ExecutionLog
from sequences.choices import Role
from sequences.models import Contact, Enrollment, Workspace
from simulation.mail_server import MailServer
from tests.api.conftest import join, log_in
from tests.factories import NOW, ContactFactory, MailboxFactory, StepFactory
from tests.faults.driving import DrivenClock
from tests.support.enrolling import enroll

pytestmark = pytest.mark.django_db(transaction=True)

# 3 March is Liberation Day in Bulgaria
TUESDAY, WEDNESDAY = NOW + timedelta(days=1), (NOW + timedelta(days=2)).replace(hour=0)
LIBERATION_DAY = "holiday: Liberation Day"


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def step() -> Any:
    """Due on Tuesday, by the holidays of Ireland and of the contact's country."""
    return StepFactory(sequence__workspace__holidays_of="both", sequence__workspace__holiday_country="IE", delay_days=1)


def enroll_one(step: Any, country: object, mailbox: Any = None) -> Enrollment:
    fields = {"country": country} if country is not None else {}
    contact = ContactFactory(workspace=step.workspace, fields=fields)
    made = enroll(step.sequence, [contact], mailbox or MailboxFactory(workspace=step.workspace))
    found: Enrollment = Enrollment.objects.get(pk=made.enrolled[0])
    return found


def due(enrollment: Enrollment) -> datetime | None:
    enrollment.refresh_from_db()
    return enrollment.next_step_at


@pytest.mark.parametrize(
    ("source", "country", "at"),
    [
        ("both", "Bulgaria", WEDNESDAY),
        ("contact", "bg", WEDNESDAY),
        ("workspace", "Bulgaria", TUESDAY),
        ("both", "Atlantis", TUESDAY),
        ("contact", None, TUESDAY),
        ("contact", 359, TUESDAY),
    ],
)
def test_a_step_is_planned_by_the_chosen_holidays(step: Any, source: str, country: object, at: datetime) -> None:
    Workspace.objects.update(holidays_of=source)
    step.refresh_from_db()
    person = enroll_one(step, country)
    assert due(person) == at
    workspace = Workspace.objects.get()
    step.sequence.workspace = workspace
    preview = preview_sequence(step.sequence, Contact.objects.get(), NOW)
    assert preview.steps[0].earliest_at == at
    days = {day.date: day.first_touches for day in forecast_workspaces([workspace.pk], NOW).days}
    assert days[at.date()] == 1
    assert sum(days.values()) == 1


def test_why_names_the_holiday_and_its_country(step: Any) -> None:
    person = enroll_one(step, "България")
    assert due(person) == TUESDAY
    person = enroll_one(step, "Bulgarien")
    holds = explain_enrollments([person.pk], NOW)[person.pk]
    assert [(hold.code, hold.detail) for hold in holds if hold.code == "holiday"] == [
        ("holiday", f"{LIBERATION_DAY} (BG)")
    ]


def test_a_queued_email_waits_for_the_end_of_the_contacts_holiday(step: Any, now: Any) -> None:
    clock = DrivenClock()
    with MailServer() as server:
        mailbox = MailboxFactory(workspace=step.workspace, smtp_port=server.port)
        person = enroll_one(step, None, mailbox)
        other = enroll_one(step, "Ireland", mailbox)
        run_tick(TUESDAY, 10, engine_policy())
        assert EmailMessage.objects.filter(status="queued").count() == 2
        clock.now = TUESDAY
        Contact.objects.filter(pk=person.contact_id).update(fields={"country": "BG"})
        clock.run()
        assert EmailMessage.objects.get(enrollment=other).status == "sent"
        held = EmailMessage.objects.get(enrollment=person)
        assert (held.status, held.send_after_at, held.held_by) == (
            "queued",
            WEDNESDAY,
            f"holiday: {LIBERATION_DAY} (BG)",
        )


def test_a_changed_country_replans_what_waits(step: Any) -> None:
    manager = log_in(join(step.workspace, Role.MANAGER))
    person = enroll_one(step, "Ireland")
    assert due(person) == TUESDAY
    url = f"/api/contacts/{person.contact_id}"
    assert manager.patch(url, {"fields": {"country": "Bulgaria"}}, format="json").status_code == 200
    assert due(person) == WEDNESDAY
    log = ExecutionLog.objects.get(enrollment=person, action="replanned")
    assert log.message == "the holidays of the contact changed: due 2026-03-04 00:00 UTC"
    # other fields move nothing
    before = ExecutionLog.objects.count()
    assert manager.patch(url, {"fields": {"country": "BG", "size": "5"}}, format="json").status_code == 200
    assert (due(person), ExecutionLog.objects.count()) == (WEDNESDAY, before)
    assert manager.patch(url, {"fields": {}}, format="json").status_code == 200
    assert due(person) == TUESDAY


@pytest.mark.parametrize(("source", "at"), [("both", WEDNESDAY), ("workspace", TUESDAY)])
def test_an_import_replans_where_countries_count(step: Any, source: str, at: datetime) -> None:
    Workspace.objects.update(holidays_of=source)
    person = enroll_one(step, "Ireland")
    api: APIClient = log_in(join(step.workspace, Role.MANAGER))
    file = SimpleUploadedFile("people.csv", f"email,country\n{person.contact.email},Bulgaria\n".encode())
    answer = api.post("/api/contacts/import", {"workspace": step.workspace_id, "file": file}, format="multipart")
    assert answer.status_code == 200, answer.json()
    assert due(person) == at


def test_the_switch_replans_and_the_contacts_page_says_whose_count(step: Any) -> None:
    Workspace.objects.update(holidays_of="workspace")
    person = enroll_one(step, "Bulgaria")
    assert due(person) == TUESDAY
    admin = join(step.workspace, Role.ADMIN)
    page, client = reverse("admin:sequences_contact_change", args=[person.contact_id]), Client()
    client.force_login(admin)
    assert "<dt>Holidays</dt>" not in client.get(page).content.decode()
    answer = log_in(admin).patch(f"/api/workspaces/{step.workspace_id}", {"holidays_of": "both"}, format="json")
    assert answer.status_code == 200, answer.json()
    assert due(person) == WEDNESDAY
    assert "those of IE and BG" in client.get(page).content.decode()
    log_in(admin).patch(f"/api/workspaces/{step.workspace_id}", {"holidays_of": "workspace"}, format="json")
    assert due(person) == TUESDAY
    Workspace.objects.update(holidays_of="both")
    Contact.objects.update(fields={"country": "<Atlantis>"})
    shown = client.get(page).content.decode()
    assert "those of IE: the country &#x27;&lt;Atlantis&gt;&#x27; is not known" in shown
