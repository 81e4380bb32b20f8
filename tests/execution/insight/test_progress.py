"""P13: what has made no progress for five minutes is named by `--check`, the metrics, the overview and alerts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from freezegun import freeze_time

from emails.models import InboxState
from execution import heartbeat
from execution.control.switches import pause_executor
from execution.insight.alerts import find_troubles
from execution.insight.progress import Part, Progress, read_progress
from execution.models import Worker
from execution.webhooks_out.operations import ping, subscribe
from tests.execution.insight.test_metrics import scrape
from tests.factories import NOW, MailboxFactory, WorkerFactory, WorkspaceFactory
from tests.support.admin_pages import log_in_staff

pytestmark = pytest.mark.django_db

BEFORE = NOW - timedelta(minutes=6)


def lane() -> str:
    return str(MailboxFactory(lane_at=BEFORE).address)


def unread_inbox() -> str:
    mailbox = MailboxFactory(inbound="imap", inbox_read_at=BEFORE)
    InboxState.objects.create(mailbox=mailbox, checked_at=BEFORE - timedelta(minutes=1))
    return str(mailbox.address)


def webhook() -> str:
    subscription = subscribe(
        WorkspaceFactory(), {"url": "http://127.0.0.1:9/hook", "events": ["*"]}, actor="ada", now=BEFORE
    )
    ping(subscription, BEFORE)
    return subscription.url


def loop() -> str:
    worker = WorkerFactory(name="host:2", heartbeat_at=NOW)
    heartbeat.beat(worker.pk, NOW, 0, 0, None, {"decide": BEFORE, "listen": NOW})
    return "'decide' of executor host:2"


def worker() -> str:
    WorkerFactory(name="other:9", started_at=BEFORE - timedelta(hours=1), heartbeat_at=BEFORE)
    return "other:9"


PARTS: dict[Part, Callable[[], str]] = {
    Part.LANES: lane, Part.INBOXES: unread_inbox, Part.WEBHOOKS: webhook, Part.LOOPS: loop, Part.WORKERS: worker,
}  # fmt: skip


def read(at: datetime = NOW) -> Progress:
    return read_progress(at)


@pytest.fixture(autouse=True)
def alive() -> Worker:
    made: Worker = WorkerFactory(name="host:1", heartbeat_at=NOW)
    return made


@pytest.mark.parametrize("part", PARTS)
def test_what_stands_still_fails_the_check_and_is_named(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    # the database's clock cannot be frozen with the host's
    monkeypatch.setattr("execution.management.commands.run_executor.measure_offset", lambda clock: 0.0)
    with freeze_time(NOW):
        call_command("run_executor", "--check", stdout=StringIO())
        named = PARTS[part]()
        with pytest.raises(CommandError) as caught:
            call_command("run_executor", "--check", stdout=StringIO())
    assert named in str(caught.value) and "6 minutes" in str(caught.value)
    assert caught.value.returncode == 1
    figures = scrape()
    assert figures[f'stuck{{part="{part}"}}'] == 1
    assert figures[f'progress_age_seconds{{part="{part}"}}'] == 360
    assert [named in trouble.title for trouble in find_troubles(NOW)] == [True]


def test_a_wrong_clock_of_the_host_fails_the_check() -> None:
    with freeze_time(NOW), pytest.raises(CommandError, match=r"the clock of this host is .+ the database's") as caught:
        call_command("run_executor", "--check", stdout=StringIO())
    assert "set the clock (NTP)" in str(caught.value)


@pytest.mark.parametrize("part", PARTS)
def test_less_than_five_minutes_is_no_standstill(part: Part) -> None:
    PARTS[part]()
    soon = BEFORE + timedelta(minutes=4)
    assert [each for each in read(soon).standstills if each.part is part] == []


def test_the_overview_shows_the_ages(client: Client) -> None:
    mailbox = MailboxFactory(lane_at=BEFORE)
    client = log_in_staff(mailbox.workspace)
    with freeze_time(NOW):
        page = client.get(reverse("admin:index")).content.decode()
    assert 'sending queues <span class="se-danger">6 min</span>' in page
    assert mailbox.address in page


def test_another_workspaces_standstill_is_not_shown() -> None:
    lane()
    assert read_progress(NOW, [WorkspaceFactory().pk]).standstills == ()


def test_what_waits_by_plan_has_no_age() -> None:
    MailboxFactory(lane_at=BEFORE, status="paused", status_reason="holiday")
    MailboxFactory(lane_at=NOW + timedelta(hours=1))
    backing_off = MailboxFactory(inbound="imap", inbox_read_at=NOW - timedelta(hours=1))
    InboxState.objects.create(mailbox=backing_off, checked_at=BEFORE, failures=5)
    fresh = MailboxFactory(inbound="imap", inbox_read_at=NOW)
    InboxState.objects.create(mailbox=fresh, checked_at=None)
    assert read().standstills == ()
    assert set(read().ages.values()) == {0.0}
    lane()
    pause_executor(actor="sam", now=NOW)
    assert read().standstills == ()


@pytest.mark.parametrize("change", [{"stopped_at": BEFORE}, {"heartbeat_at": NOW - timedelta(hours=2)}, {}])
def test_a_worker_that_stopped_or_was_replaced_is_not_silent(change: dict[str, Any]) -> None:
    worker()
    Worker.objects.filter(name="other:9").update(**change)
    if not change:
        WorkerFactory(name="other:10", started_at=NOW - timedelta(minutes=5), heartbeat_at=NOW)
    assert read().standstills == ()
