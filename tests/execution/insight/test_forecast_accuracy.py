"""Forecasts are kept each day and compared with what mailboxes sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.insight.forecast_accuracy import (
    ComparedDay,
    compare_forecasts,
    describe_errors,
    keep_next_forecast,
    median_errors,
)
from execution.maintenance.retention import purge_round
from execution.models import KeptForecast
from sequences.choices import Role
from sequences.models import Enrollment, Workspace
from simulation.mail_server import MailServer
from tests.api.conftest import join, log_in
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, SendLimitFactory, StepFactory, WorkspaceFactory
from tests.faults.driving import DrivenClock

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def make_mailbox(server: MailServer | None = None, *, people: int = 3, **values: Any) -> Any:
    """Of people who are due tomorrow and on the day after, at most two a day."""
    first = StepFactory(sequence__workspace__timezone=values.pop("zone", "UTC"))
    StepFactory(sequence=first.sequence, delay_days=1)
    mailbox = MailboxFactory(workspace=first.workspace, smtp_port=server.port if server else 2525, **values)
    SendLimitFactory(mailbox=mailbox, maximum=2)
    EnrollmentFactory.create_batch(people, sequence=first.sequence, mailbox=mailbox, at=NOW + DAY)
    return mailbox


def list_kept() -> list[tuple[str, int, int, int]]:
    rows = KeptForecast.objects.order_by("date", "days_ahead")
    return [(f"{row.date:%d}", row.days_ahead, row.first_touches, row.follow_ups) for row in rows]


def test_tomorrow_and_the_day_in_a_week_are_kept_once_a_day() -> None:
    make_mailbox()
    MailboxFactory(status="paused", status_reason="on leave")
    assert keep_next_forecast(NOW)
    assert not keep_next_forecast(NOW + timedelta(hours=13))
    assert list_kept() == [("03", 1, 2, 0), ("09", 7, 0, 0)]
    Enrollment.objects.update(next_step_at=NOW + 2 * DAY, wake_at=NOW + 2 * DAY)
    assert keep_next_forecast(NOW + DAY)
    assert list_kept() == [("03", 1, 2, 0), ("04", 1, 2, 0), ("09", 7, 0, 0), ("10", 7, 0, 0)]


def test_days_that_are_over_are_compared_with_what_was_sent() -> None:
    with MailServer() as server:
        mailbox = make_mailbox(server)
        idle = MailboxFactory(workspace=mailbox.workspace)
        other = make_mailbox()
        clock = DrivenClock()
        while keep_next_forecast(NOW):
            pass
        clock.now = NOW + DAY
        clock.run()
        assert len(server.messages) == 2
        late = (NOW + DAY).replace(hour=23)
        assert compare_forecasts([mailbox.workspace_id], late) == ()
        Enrollment.objects.filter(emails_sent=0).update(status="paused", pause_reason="on leave", paused_at=NOW)
        KeptForecast.objects.filter(mailbox=mailbox, days_ahead=1).update(first_touches=4)
        compared = compare_forecasts([mailbox.workspace_id], late + timedelta(hours=1))
    shown = {(day.mailbox, day.forecast, day.sent, day.error) for day in compared}
    assert shown == {(mailbox.pk, 4, 2, 0.5), (idle.pk, 0, 0, None)}
    assert other.pk not in {day.mailbox for day in compared}
    assert median_errors(compared) == {1: 0.5, 7: None}
    assert describe_errors(compared) == "Forecasts were off by 50% a day ahead, in the median of mailboxes and days."
    assert describe_errors(()) == ""


def test_the_day_is_that_of_the_mailboxs_time_zone() -> None:
    mailbox = make_mailbox(zone="Pacific/Auckland")
    # 23:00 on Monday in Auckland
    keep_next_forecast(NOW)
    assert [day[0] for day in list_kept()] == ["03", "09"]
    ends_at = (NOW + DAY).replace(hour=11)
    assert compare_forecasts([mailbox.workspace_id], ends_at - timedelta(seconds=1)) == ()
    assert len(compare_forecasts([mailbox.workspace_id], ends_at)) == 1


@pytest.mark.parametrize(
    ("forecast", "sent", "error"), [(10, 9, 0.1), (9, 10, 0.1), (0, 5, 1.0), (5, 0, 1.0), (3, 3, 0.0), (0, 0, None)]
)
def test_the_error_is_by_the_larger_number(forecast: int, sent: int, error: float | None) -> None:
    found = ComparedDay(NOW.date(), 1, "a@b.example", 1, forecast, sent).error
    assert found == (error if error is None else pytest.approx(error))


def test_page_api_and_command_show_them_to_members_only(shell: Any) -> None:
    mailbox = make_mailbox()
    now = timezone.now()
    KeptForecast.objects.create(
        workspace=mailbox.workspace, mailbox=mailbox, date=(now - 2 * DAY).date(), days_ahead=1, first_touches=7,
        follow_ups=1, made_at=now - 3 * DAY,
    )  # fmt: skip
    manager = join(mailbox.workspace, Role.MANAGER)
    stranger = join(WorkspaceFactory(), Role.MANAGER)
    answer = log_in(manager).get("/api/forecast").json()
    assert [(day["mailbox"], day["forecast"], day["sent"]) for day in answer["compared"]] == [(mailbox.pk, 8, 0)]
    assert answer["median_errors"] == [{"days_ahead": 1, "error": 1.0}, {"days_ahead": 7, "error": None}]
    assert log_in(stranger).get("/api/forecast").json()["compared"] == []
    page, client = reverse("admin:emails_mailbox_forecast"), Client()
    client.force_login(manager)
    shown = client.get(page).content.decode()
    assert "off by 100% a day ahead" in shown
    assert "Forecast a week ahead" in shown
    client.force_login(stranger)
    assert "off by" not in client.get(page).content.decode()
    told = shell("forecast", "--workspace", Workspace.objects.get(pk=mailbox.workspace_id).slug)
    assert "Forecasts were off by 100% a day ahead" in told.out


def test_they_are_deleted_after_three_months() -> None:
    make_mailbox()
    keep_next_forecast(NOW)
    purge_round(NOW + 91 * DAY)
    assert KeptForecast.objects.count() == 2
    purge_round(NOW + 93 * DAY)
    assert not KeptForecast.objects.exists()
