"""When the first emails of new enrollments will be sent: by caps, window, ramp-up and queue."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from execution.control.enroll import enroll_contacts
from execution.insight.forecast import forecast_enrollments, forecast_workspaces
from sequences.models import Enrollment
from tests.factories import (
    NOW,
    ContactFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    SendLimitFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.support.admin_pages import log_in_root
from tests.support.counting import count_statements
from tests.support.shell import Shell

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
        sequence=sequence,
        contact_ids=contacts,
        mailbox=mailbox,
        owner=mailbox.owner,
        actor="ada",
        now=NOW,
        start_at=start_at,
    )
    assert result.enrolled, result.skipped
    return forecast_enrollments(result.enrolled, NOW)


def sequence(**fields: Any) -> Any:
    made = SequenceFactory(window=WINDOW, **fields)
    StepFactory(sequence=made)
    return made


def test_a_daily_cap_spreads_them_over_working_days() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, daily=10), 43)
    # Monday to Friday
    assert (found.people, found.on_time) == (43, 10)
    assert found.last_first_touch_at == found.last_step_at == NOW + timedelta(days=4)
    assert str(found) == (
        "33 of 43 will not fit the caps on their day; the last first touch is on 6 March 2026, "
        "the last step is on 6 March 2026"
    )


def test_follow_ups_take_places_and_the_last_step_is_told() -> None:
    """Ten a day, a follow-up for each a day later: 20 emails each for 30 contacts take six days."""
    made = sequence()
    StepFactory(sequence=made, delay_days=1)
    found = forecast(made, make_mailbox(made, daily=10), 30)
    assert found.last_step_at == datetime(2026, 3, 9, 9, tzinfo=UTC)


def test_weekends_and_holidays_send_nothing() -> None:
    made = sequence()
    made.workspace.extra_holidays = [date(2026, 3, 9)]
    made.workspace.save()
    found = forecast(made, make_mailbox(made, daily=10), 60)
    assert found.last_first_touch_at.date() == date(2026, 3, 10)


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
    mailbox = make_mailbox(made, ramp_enabled=True, ramp_start=5, ramp_step=5)
    assert forecast(made, mailbox, 30).last_first_touch_at.date() == date(2026, 3, 4)
    days = forecast_workspaces([made.workspace_id], NOW, 4).days
    assert [(day.cap, day.first_touches, day.unplaced) for day in days] == [
        (5, 5, 25),
        (10, 10, 15),
        (15, 15, 0),
        (20, 0, 0),
    ]


def test_queued_emails_are_sent_before_new_enrollments() -> None:
    made = sequence()
    mailbox = make_mailbox(made, daily=10)
    for _ in range(8):
        EnrollmentFactory(sequence=made, mailbox=mailbox)
    found = forecast(made, mailbox, 5)
    assert (found.on_time, found.last_first_touch_at.date()) == (2, date(2026, 3, 3))


def test_a_later_start_is_counted_from_then() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, daily=10), 10, NOW + timedelta(days=2))
    assert (found.on_time, found.last_first_touch_at.date()) == (10, date(2026, 3, 4))


def test_a_mailbox_with_a_cap_of_zero_never_finishes_and_tasks_need_no_capacity() -> None:
    made = sequence()
    found = forecast(made, make_mailbox(made, daily=0), 3)
    assert (found.last_first_touch_at, found.last_step_at) == (None, None)
    assert str(found) == "3 of 3 will not fit the caps within a year"
    calls = SequenceFactory()
    TaskStepFactory(sequence=calls, delay_days=3)
    found = forecast(calls, make_mailbox(calls, owner=MembershipFactory(workspace=calls.workspace).user), 3)
    assert (found.last_first_touch_at, found.last_step_at) == (None, NOW + timedelta(days=3))
    assert str(found) == "the last step is on 5 March 2026"


def test_mailboxes_share_the_cap_of_their_workspace() -> None:
    made = sequence()
    StepFactory(sequence=made, delay_days=1)
    first, second = make_mailbox(made), make_mailbox(made)
    SendLimitFactory(workspace=made.workspace, mailbox=None, scope="workspace", maximum=6)
    for mailbox in (first, second):
        for _ in range(4):
            EnrollmentFactory(sequence=made, mailbox=mailbox)
    days = forecast_workspaces([made.workspace_id], NOW, 14).days
    sent: Counter[date] = Counter()
    for day in days:
        sent[day.date] += day.follow_ups + day.first_touches
    assert [sent[date(2026, 3, each)] for each in (2, 3, 4, 5)] == [6, 6, 4, 0]
    assert {day.cap for day in days} == {6}


def test_what_is_wanted_is_placed_or_unplaced_and_a_paused_mailbox_says_so() -> None:
    made = sequence()
    mailbox = make_mailbox(made, status="paused", status_reason="leave")
    EnrollmentFactory(sequence=made, mailbox=mailbox)
    found = forecast_workspaces([made.workspace_id], NOW, 2)
    assert [(day.cap, day.first_touches, day.unplaced) for day in found.days] == [(0, 0, 1), (0, 0, 1)]
    assert found.assumptions[-1] == f"Not active, so that nothing is sent: {mailbox.address}."


def test_branches_take_no_and_a_paused_enrollment_returns() -> None:
    made = sequence()
    split = SplitStepFactory(sequence=made, condition_config={"wait_hours": 24})
    late = StepFactory(sequence=made)
    split.if_false_goto = late
    split.save()
    mailbox = make_mailbox(made)
    EnrollmentFactory(sequence=made, mailbox=mailbox)
    paused = {"status": "paused", "pause_reason": "away", "paused_at": NOW, "resume_at": NOW + timedelta(days=2)}
    EnrollmentFactory(sequence=made, mailbox=mailbox, **paused)
    days = forecast_workspaces([made.workspace_id], NOW, 5).days
    assert [(day.first_touches, day.follow_ups) for day in days] == [(1, 0), (0, 1), (1, 0), (0, 1), (0, 0)]


def test_the_number_of_statements_does_not_grow() -> None:
    made = sequence()
    for _ in range(2):
        mailbox = make_mailbox(made, daily=10)
        for _ in range(3):
            EnrollmentFactory(sequence=made, mailbox=mailbox)
    with count_statements() as few:
        forecast_workspaces([made.workspace_id], NOW)
    other = SequenceFactory(workspace=made.workspace, window=WINDOW)
    StepFactory(sequence=other)
    for _ in range(4):
        mailbox = make_mailbox(made, daily=10)
        for _ in range(5):
            EnrollmentFactory(sequence=other, mailbox=mailbox)
    with count_statements() as many:
        forecast_workspaces([made.workspace_id], NOW)
    assert few.count == many.count


def test_the_api_answers_the_reader_s_own_mailboxes() -> None:
    made = sequence()
    mailbox = make_mailbox(made, daily=3)
    MailboxFactory()
    EnrollmentFactory(sequence=made, mailbox=mailbox)
    member = MembershipFactory(workspace=made.workspace).user
    client = APIClient()
    client.force_authenticate(member)
    answer = client.get("/api/forecast?days=3").json()
    assert list(answer) == ["days", "assumptions", "compared", "median_errors"]
    assert [day["mailbox"] for day in answer["days"]] == [mailbox.pk] * 3
    assert list(answer["days"][0]) == ["date", "mailbox", "follow_ups", "first_touches", "cap", "unplaced"]
    assert len(client.get("/api/forecast").json()["days"]) == 14
    for wrong in ("days=0", "days=91", "days=x", "day=3"):
        assert client.get(f"/api/forecast?{wrong}").status_code == 400, wrong


def test_a_member_reads_the_page() -> None:
    made = sequence()
    mailbox = make_mailbox(made, daily=3)
    foreign = MailboxFactory()
    client = Client()
    client.force_login(MembershipFactory(workspace=made.workspace).user)
    page = client.get(reverse("admin:emails_mailbox_forecast"))
    assert page.status_code == 200
    assert mailbox.address in page.content.decode()
    assert foreign.address not in page.content.decode()


def test_the_command_prints_the_days(shell: Shell) -> None:
    made = sequence()
    mailbox = make_mailbox(made, daily=3)
    answer = shell("forecast", "--workspace", made.workspace.slug, "--days", "2", "--json").data
    assert [(day["mailbox"], day["cap"]) for day in answer["days"]] == [(mailbox.pk, 3)] * 2
    assert mailbox.address in shell("forecast", "--workspace", made.workspace.slug).out
    assert shell("forecast", "--workspace", made.workspace.slug, "--days", "0").status == 2


def test_the_admin_shows_the_forecast_before_enrolling() -> None:
    made = SequenceFactory()
    StepFactory(sequence=made)
    mailbox = make_mailbox(made, daily=1)
    contacts = [ContactFactory(workspace=made.workspace) for _ in range(3)]
    form = {"sequence": made.pk, "mailbox": mailbox.pk, "emails": "\n".join(each.email for each in contacts)}
    client, url = log_in_root(), reverse("admin:sequences_enrollment_add")
    checked = client.post(url, {**form, "check": "1"})
    text = checked.content.decode()
    assert "Would enroll <b>3</b> contacts." in text
    assert "2 of 3 will not fit the caps on their day; the last first touch is on" in text
    assert "the last step is on" in text
    assert not Enrollment.objects.exists()
    assert client.post(url, form).status_code == 302
    assert Enrollment.objects.count() == 3
