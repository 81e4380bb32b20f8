"""Time off holds the emails of its owner's mailboxes, and hands tasks, notices and alerts to the cover."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from emails.models import EmailMessage
from emails.sending.final_check import claim_chunk
from emails.sending.lanes import take_lane
from execution.control.time_off import save_time_off
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.insight.explain import explain_enrollments
from execution.insight.forecast import forecast_workspaces
from execution.insight.preview import preview_rest
from execution.insight.reply_notices import notify_owners
from execution.insight.troubles import find_troubles
from execution.models import ControlLog, ExecutionLog
from sequences.models import Enrollment, TimeOff
from sequences.time.contact_calendar import read_contact_calendar
from sequences.time.timing import Delay, StepTiming, next_allowed, parse_window, plan
from tasks_app.models import Task
from tests.api.conftest import log_in
from tests.factories import (
    NOW,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    ReplyFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    TaskStepFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.support.absences import make_time_off

pytestmark = pytest.mark.django_db

TODAY = NOW.date()
BACK = NOW.replace(hour=0) + timedelta(days=3)
AWAY = "Ada is away until 4 March 2026"
DAYS = {"from": "2026-03-02", "to": "2026-03-04"}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Team:
    """Ada with a mailbox and an enrollment that is due, her colleague Bob, and their manager."""

    def __init__(self) -> None:
        self.workspace = WorkspaceFactory()
        self.ada = MembershipFactory(workspace=self.workspace).user
        self.bob = MembershipFactory(workspace=self.workspace, user=UserFactory(first_name="Bob")).user
        self.manager = MembershipFactory(workspace=self.workspace, role="manager").user
        self.mailbox = MailboxFactory(workspace=self.workspace, owner=self.ada, lane_at=NOW)
        self.sequence = SequenceFactory(workspace=self.workspace)

    def enroll(self, **values: Any) -> Enrollment:
        made: Enrollment = EnrollmentFactory(
            sequence=self.sequence, owner=self.ada, mailbox=self.mailbox, at=NOW, **values
        )
        return made

    def enter(self, cover: Any = None, **values: Any) -> TimeOff:
        row = TimeOff(workspace=self.workspace, owner=self.ada)
        days = {"starts_on": TODAY, "ends_on": TODAY + timedelta(days=2), "cover": cover}
        save_time_off(row, days | values, actor="ada", now=NOW)
        return row


@pytest.fixture
def team() -> Team:
    return Team()


@pytest.fixture
def api(team: Team) -> APIClient:
    return log_in(team.ada)


def take(now: datetime) -> tuple[int, ...]:
    """What the lane of the only mailbox sends."""
    lease = take_lane(now, "tests")
    assert lease is not None
    with transaction.atomic():
        return claim_chunk(lease, now, 50).message_ids


ZONES = ["UTC", "America/New_York", "Europe/London", "Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut", "Asia/Kolkata"]


@given(
    first=st.dates(date(2011, 1, 1), date(2026, 12, 31)),
    length=st.integers(0, 900),
    gap=st.integers(1, 3),
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    before=st.timedeltas(timedelta(days=-3), timedelta(days=920)),
    send_time=st.booleans(),
)
def test_no_email_is_planned_into_time_off(
    first: date, length: int, gap: int, zones: tuple[str, str], before: timedelta, send_time: bool
) -> None:
    last = first + timedelta(days=length)
    following = last + timedelta(days=gap)
    own, contact = zones
    unknown = ["account_timezone", "mailbox_timezone", "holiday_country", "contact_country"]
    row: dict[str, Any] = dict.fromkeys(unknown, "")
    row |= {"contact_timezone": contact, "workspace_timezone": own, "extra_holidays": [], "holidays_of": "workspace"}
    row["time_off"] = f'[["Ada", "{first}", "{last}"], ["Ada", "{following}", "{following}"]]'
    window = parse_window({"timezone": "contact", "mon-sun": ["08:00-22:00"]})
    calendar = read_contact_calendar(window, row).sending_within(window)
    start = datetime.combine(first, time(), UTC) + before
    timing = StepTiming(Delay(hours=1), send_time=time(9) if send_time else None)
    for at in (next_allowed(start, calendar).at, plan(start, timing, calendar).at):
        day = at.astimezone(ZoneInfo(own)).date()
        assert not first <= day <= last
        assert day != following
        assert at >= start


def test_what_is_due_waits_and_everything_says_why(team: Team) -> None:
    StepFactory(sequence=team.sequence)
    enrollment = team.enroll()
    other = EnrollmentFactory(sequence=team.sequence, mailbox=MailboxFactory(workspace=team.workspace), at=NOW)
    row = team.enter()
    enrollment.refresh_from_db()
    assert enrollment.next_step_at == BACK
    run_tick(NOW, 10, engine_policy())
    assert list(EmailMessage.objects.values_list("enrollment", flat=True)) == [other.pk]
    holds = {hold.code: hold for hold in explain_enrollments([enrollment.pk], NOW)[enrollment.pk]}
    assert (holds["time_off"].detail, holds["time_off"].until) == (AWAY, BACK)
    ahead = preview_rest(enrollment, NOW)
    assert ahead is not None
    assert ahead.steps[0].earliest_at == BACK
    found = forecast_workspaces([team.workspace.pk], NOW, 5)
    sent = {day.date: day.first_touches for day in found.days if day.mailbox == team.mailbox.pk and day.first_touches}
    assert sent == {BACK.date(): 1}
    assert any(line.startswith(AWAY) for line in found.assumptions)
    save_time_off(row, {"ends_on": TODAY}, actor="ada", now=NOW)
    enrollment.refresh_from_db()
    assert enrollment.wake_at == NOW.replace(hour=0) + timedelta(days=1), "it ends early"


def test_queued_emails_are_held_at_once_and_leave_when_it_is_deleted(team: Team, api: APIClient) -> None:
    StepFactory(sequence=team.sequence)
    enrollment = team.enroll(wake_at=None)
    message = EmailMessageFactory(enrollment=enrollment, at=NOW)
    made = api.post("/api/time-off", DAYS)
    assert made.status_code == 201
    assert made.json()["impact"] == {"enrollments": 0, "emails": 1}
    assert take(NOW) == ()
    message.refresh_from_db()
    assert (message.held_by, message.send_after_at) == (f"time_off: {AWAY}", BACK)
    holds = explain_enrollments([enrollment.pk], NOW)[enrollment.pk]
    assert ("time_off", AWAY, BACK) in [(hold.code, hold.detail, hold.until) for hold in holds]
    path = f"/api/time-off/{made.json()['id']}"
    assert api.delete(f"{path}?dry_run=1").json()["is_dry_run"] is True
    assert TimeOff.objects.exists()
    assert api.delete(path).status_code == 204
    assert take(NOW + timedelta(minutes=2)) == (message.pk,)
    assert list(ControlLog.objects.order_by("pk").values_list("target", "action")) == [
        ("time_off", "created"), ("time_off", "deleted"),
    ]  # fmt: skip


@pytest.mark.parametrize("is_covered", [True, False])
def test_the_cover_gets_tasks_notices_and_alerts(team: Team, is_covered: bool) -> None:
    TaskStepFactory(sequence=team.sequence)
    team.enroll()
    ReplyFactory(message=SentMessageFactory(enrollment=team.enroll(wake_at=None)), received_at=NOW)
    team.enter(team.bob if is_covered else None)
    type(team.mailbox).objects.update(status="paused", status_actor="engine", status_reason="login refused")
    run_tick(NOW, 10, engine_policy())
    notify_owners(NOW)
    to = team.bob if is_covered else team.ada
    assert Task.objects.get().assignee == to
    lines = ExecutionLog.objects.filter(message__startswith="The task goes to Bob")
    assert [line.message for line in lines] == [f"The task goes to Bob: {AWAY}"] * is_covered
    assert [message.to for message in mail.outbox] == [[to.email]]
    assert [trouble.to for trouble in find_troubles(NOW) if trouble.workspace_id == team.workspace.pk] == [(to.email,)]
    Task.objects.all().delete()
    assert notify_owners(BACK) == 0


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({"to": "2026-03-01"}, "to", "before the first one"),
        ({"cover": "ada"}, "cover", "no cover for themselves"),
        ({"cover": "stranger"}, "cover", "does not exist"),
        ({"cover": "away"}, "cover", "is away too, from 2026-03-04 to 2026-03-06"),
        ({"from": "2026-03-10", "to": "2026-03-12"}, "from", "overlaps with 2026-03-12 to 2026-03-20"),
        ({"from": "2026-03-21", "to": "2026-03-21"}, "owner", "They cover for"),
        ({"from": "0001-01-01"}, "from", "years 1970 to 2999"),
        ({"from": None}, "from", "null"),
        ({"until": "2026-03-12"}, "until", ""),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    team: Team, api: APIClient, body: dict[str, Any], field: str, text: str
) -> None:
    away = MembershipFactory(workspace=team.workspace).user
    make_time_off(workspace=team.workspace, owner=away, starts_on="2026-03-04", ends_on="2026-03-06")
    make_time_off(workspace=team.workspace, owner=team.ada, starts_on="2026-03-12", ends_on="2026-03-20")
    make_time_off(
        workspace=team.workspace, owner=team.bob, cover=team.ada, starts_on="2026-03-21", ends_on="2026-03-22"
    )
    named = {"ada": team.ada.pk, "away": away.pk, "stranger": UserFactory().pk}
    sent = DAYS | body
    if "cover" in body:
        sent["cover"] = named[body["cover"]]
    before = list(TimeOff.objects.values())
    answer = api.post("/api/time-off", sent, format="json")
    assert answer.status_code == 400
    assert text in str(answer.json()["errors"][field])
    assert list(TimeOff.objects.values()) == before


def test_members_write_their_own_and_managers_everybodys(team: Team) -> None:
    bob, manager = log_in(team.bob), log_in(team.manager)
    body = {**DAYS, "owner": team.ada.pk}
    assert bob.post("/api/time-off", body).status_code == 403
    dry = manager.post("/api/time-off?dry_run=1", body)
    assert (dry.status_code, dry.json()["id"], TimeOff.objects.count()) == (200, None, 0)
    made = manager.post("/api/time-off", {**body, "cover": team.bob.pk}).json()
    assert {name: made[name] for name in ("owner", "from", "to", "cover")} == {**body, "cover": team.bob.pk}
    assert bob.get(f"/api/time-off/{made['id']}").json()["to"] == DAYS["to"]
    assert bob.patch(f"/api/time-off/{made['id']}", {"to": "2026-03-03"}).status_code == 403
    assert log_in(team.ada).patch(f"/api/time-off/{made['id']}", {"to": "2026-03-03"}).json()["to"] == "2026-03-03"


def test_the_desk_enters_changes_and_deletes_it(team: Team, client: Any) -> None:
    StepFactory(sequence=team.sequence)
    team.enroll()
    client.force_login(team.ada)
    assert reverse("admin:sequences_timeoff_changelist") in client.get(reverse("admin:index")).content.decode()
    add = reverse("admin:sequences_timeoff_add")
    form = {"workspace": team.workspace.pk, "owner": team.ada.pk, "starts_on": "2026-03-02", "ends_on": "2026-03-01"}
    assert "lies before the first one" in client.post(add, form).content.decode()
    answer = client.post(add, form | {"ends_on": "2026-03-04", "cover": team.bob.pk}, follow=True)
    assert "1 enrollment was replanned" in answer.content.decode()
    row = TimeOff.objects.get()
    assert (row.owner, row.cover, row.ends_on) == (team.ada, team.bob, date(2026, 3, 4))
    change = reverse("admin:sequences_timeoff_change", args=[row.pk])
    changed = {"starts_on": "2026-03-02", "ends_on": "2026-03-03", "cover": ""}
    assert client.post(change, changed).status_code == 302
    row.refresh_from_db()
    assert (row.cover, row.ends_on) == (None, date(2026, 3, 3))
    assert client.post(reverse("admin:sequences_timeoff_delete", args=[row.pk]), {"post": "yes"}).status_code == 302
    assert not TimeOff.objects.exists()
    client.force_login(team.bob)
    assert client.post(add, form | {"ends_on": "2026-03-04"}).status_code == 200
    assert not TimeOff.objects.exists()
