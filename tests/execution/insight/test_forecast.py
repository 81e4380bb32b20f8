"""When the first emails of new enrollments will be sent: by caps, window, ramp-up and queue."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse

from execution.control.enroll import enroll_contacts
from execution.insight.forecast import forecast_first_touches
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    SendLimitFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.support.admin_pages import log_in_root

pytestmark = pytest.mark.django_db

WINDOW = {"timezone": "UTC", "mon-fri": ["09:00-17:00"]}


def make_mailbox(sequence: Any, daily: int | None = None, hourly: int | None = None, **fields: Any) -> Any:
    mailbox = MailboxFactory(workspace=sequence.workspace, **fields)
    if daily is not None:
        SendLimitFactory(mailbox=mailbox, maximum=daily)
    if hourly is not None:
        SendLimitFactory(mailbox=mailbox, window="hour", maximum=hourly)
    return mailbox


def forecast(sequence: Any, mailbox: Any, people: int, start_at: Any = None) -> Any:
    contacts = [ContactFactory(workspace=sequence.workspace).pk for _ in range(people)]
    result = enroll_contacts(
        sequence=sequence, contact_ids=contacts, mailbox=mailbox, owner=None, actor="ada", now=NOW, start_at=start_at
    )
    return forecast_first_touches(result.enrolled, NOW)


def sequence(**fields: Any) -> Any:
    made = SequenceFactory(window=WINDOW, **fields)
    StepFactory(sequence=made)
    return made


def test_a_daily_cap_spreads_them_over_working_days() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, daily=10), 43)
    # Monday to Friday
    assert (found.people, found.on_time, found.last_on) == (43, 10, date(2026, 3, 6))
    assert str(found) == "33 of 43 will not fit the caps on their day; the last first touch is on 6 March 2026"


def test_weekends_and_holidays_send_nothing() -> None:
    made = sequence()
    made.workspace.extra_holidays = [date(2026, 3, 9)]
    made.workspace.save()
    found = forecast(made, make_mailbox(made, daily=10), 60)
    assert found.last_on == date(2026, 3, 10)


def test_hours_gaps_and_the_ramp_bound_a_day_too() -> None:
    for fields, on_time in (
        ({"hourly": 2}, 14),
        ({"gap_seconds": 3600}, 7),
        ({"ramp_enabled": True, "ramp_start": 5, "ramp_step": 5}, 5),
    ):
        made = sequence()
        assert forecast(made, make_mailbox(made, **fields), 20).on_time == on_time, fields


def test_the_ramp_grows_by_the_day() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, ramp_enabled=True, ramp_start=5, ramp_step=5), 30)
    assert found.last_on == date(2026, 3, 4)


def test_queued_emails_are_sent_before_new_enrollments() -> None:
    made = sequence()
    mailbox = make_mailbox(made, daily=10)
    for _ in range(8):
        EnrollmentFactory(sequence=made, mailbox=mailbox)
    found = forecast(made, mailbox, 5)
    assert (found.on_time, found.last_on) == (2, date(2026, 3, 3))


def test_a_later_start_is_counted_from_then() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, daily=10), 10, NOW + timedelta(days=2))
    assert (found.on_time, found.last_on) == (10, date(2026, 3, 4))


def test_a_mailbox_with_a_cap_of_zero_never_finishes_and_tasks_need_no_capacity() -> None:
    made = sequence()
    assert forecast(made, make_mailbox(made, daily=0), 3).last_on is None
    calls = SequenceFactory()
    TaskStepFactory(sequence=calls)
    assert forecast(calls, make_mailbox(calls), 3) is None


def test_the_admin_shows_the_forecast_before_enrolling() -> None:
    made = SequenceFactory()
    StepFactory(sequence=made)
    mailbox = make_mailbox(made, daily=1)
    contacts = [ContactFactory(workspace=made.workspace) for _ in range(3)]
    form = {"sequence": made.pk, "mailbox": mailbox.pk, "emails": "\n".join(each.email for each in contacts)}
    client, url = log_in_root(), reverse("admin:sequences_enrollment_add")
    checked = client.post(url, {**form, "check": "1"})
    assert "Would enroll <b>3</b> contacts. 2 of 3 will not fit the caps on their day; the last first touch is on" in (
        checked.content.decode()
    )
    assert not Enrollment.objects.exists()
    assert client.post(url, form).status_code == 302
    assert Enrollment.objects.count() == 3
