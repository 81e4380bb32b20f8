"""The commands of operators: run_executor, why, preview, sync_schedules."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import Schedule

from execution import heartbeat
from execution.control.switches import pause_executor, resume_executor
from execution.models import Alert, ExecutionLog, Worker
from execution.worker import jobs, stop_requests
from execution.worker.runner import Runner
from sequences.models import Enrollment
from simulation.mail_server import MailServer
from tests.factories import (
    ContactFactory,
    DelayStepFactory,
    EnrollmentFactory,
    MailboxFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskStepFactory,
    WorkspaceFactory,
)
from tests.faults.processes import wait_until
from tests.support.shell import Shell, one_error

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*args, "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def due(count: int, port: int = 2525, **sequence_values: Any) -> list[Enrollment]:
    sequence = SequenceFactory(**sequence_values)
    StepFactory(sequence=sequence)
    mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=port)
    at = timezone.now() - timedelta(minutes=1)
    return [EnrollmentFactory(sequence=sequence, mailbox=mailbox, at=at) for _ in range(count)]


def test_once_decides_and_delivers_until_nothing_is_due() -> None:
    with MailServer() as server:
        due(5, server.port)
        assert run("run_executor", "--once") == {"decided": 10, "delivered": 5}
        assert len(server.messages) == 5
        assert run("run_executor", "--once") == {"decided": 0, "delivered": 0}


def test_once_is_a_worker_whose_work_counts_as_processed() -> None:
    due(1)
    before = timezone.now()
    run("run_executor", "--once", "--stage", "decide")
    worker = Worker.objects.get()
    assert (worker.kind, worker.decided) == ("run_executor", 1)
    assert worker.stopped_at is not None
    processed_at = heartbeat.last_processed_at()
    assert processed_at is not None
    assert processed_at >= before
    run("run_executor", "--once", "--stage", "decide")
    assert heartbeat.last_processed_at() == processed_at


def test_stages_do_their_own_part_only() -> None:
    with MailServer() as server:
        due(3, server.port)
        assert run("run_executor", "--once", "--stage", "decide") == {"decided": 3, "delivered": 0}
        assert server.messages == []
        assert run("run_executor", "--once", "--stage", "deliver") == {"decided": 0, "delivered": 3}
        assert len(server.messages) == 3


def test_limit_and_workspace_narrow_the_work() -> None:
    first, *_ = due(3)
    (other,) = due(1)
    assert run("run_executor", "--once", "--stage", "decide", "--limit", "2")["decided"] == 2
    run("run_executor", "--once", "--stage", "decide", "--workspace", other.workspace.slug)
    logged = ExecutionLog.objects.filter(workspace=other.workspace)
    assert logged.count() == 1
    assert ExecutionLog.objects.filter(workspace=first.workspace).count() == 2


def test_a_paused_executor_neither_decides_nor_delivers() -> None:
    with MailServer() as server:
        due(2, server.port)
        pause_executor(actor="ops", now=timezone.now(), reason="maintenance")
        assert run("run_executor", "--once") == {"decided": 0, "delivered": 0}
        resume_executor(actor="ops", now=timezone.now())
        assert run("run_executor", "--once")["delivered"] == 2


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--batch-size", "0"), "--batch-size must be greater than 0"),
        (("--batch-size", "10001"), "and at most 10000"),
        (("--poll-interval", "nan"), "--poll-interval must be greater than 0 and at most 3600"),
        (("--limit", "-1"), "--limit must be greater than 0"),
        (("--workspace", "nowhere"), "there is no workspace 'nowhere'"),
    ],
)
def test_bad_arguments_are_one_line(args: tuple[str, ...], text: str) -> None:
    with pytest.raises(CommandError, match=text) as caught:
        call_command("run_executor", "--once", *args)
    assert caught.value.returncode == 2


def test_check_succeeds_with_a_running_worker_and_nothing_overdue() -> None:
    with pytest.raises(CommandError, match="start run_executor or qcluster"):
        call_command("run_executor", "--check", stdout=StringIO())
    now = timezone.now()
    worker = Worker.objects.create(id=uuid.uuid4(), name="here", kind="run_executor", started_at=now, heartbeat_at=now)
    assert run("run_executor", "--check") == {"healthy": True, "workers": 1, "overdue": 0}
    Enrollment.objects.filter(pk=due(1)[0].pk).update(wake_at=now - timedelta(minutes=6))
    with pytest.raises(CommandError, match="1 enrollments overdue"):
        call_command("run_executor", "--check", stdout=StringIO())
    Worker.objects.filter(pk=worker.pk).update(heartbeat_at=now - timedelta(minutes=2))
    with pytest.raises(CommandError, match="0 workers alive"):
        call_command("run_executor", "--check", stdout=StringIO())


def test_check_fails_while_the_clock_of_a_worker_is_wrong() -> None:
    now = timezone.now()
    Worker.objects.create(
        id=uuid.uuid4(), name="here:1", kind="run_executor", started_at=now, heartbeat_at=now, clock_offset_seconds=3600
    )
    with pytest.raises(CommandError, match="the clock of here:1 is 3,600 seconds ahead of the database's"):
        call_command("run_executor", "--check", stdout=StringIO())
    assert Alert.objects.get(cleared_at=None).title.startswith("The clock of here is 3,600 seconds ahead")
    Worker.objects.update(clock_offset_seconds=19)
    assert run("run_executor", "--check")["healthy"]
    assert not Alert.objects.filter(cleared_at=None).exists()


def test_the_cluster_runs_the_same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job runs until its three emails have arrived, however long this machine takes for them."""
    work = Runner.run

    def work_until_delivered(runner: Runner, *, until: datetime | None = None) -> None:
        def stop_when_delivered() -> None:
            try:
                wait_until(lambda: len(server.messages) == 3, "all emails have arrived")
            finally:
                runner.ask_to_stop()

        watcher = threading.Thread(target=stop_when_delivered)
        watcher.start()
        work(runner, until=until)
        watcher.join()

    monkeypatch.setattr(jobs, "_RUNS_SECONDS", 3600)
    monkeypatch.setattr(Runner, "run", work_until_delivered)
    with MailServer() as server:
        due(3, server.port)
        assert jobs.run_engine()["delivered"] == 3
        assert len(server.messages) == 3
    worker = Worker.objects.get()
    assert worker.kind == "qcluster"
    assert worker.stopped_at is not None


def test_a_job_that_is_asked_to_stop_releases_its_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Runner.run

    def work_until_asked(runner: Runner, *, until: datetime | None = None) -> None:
        assert stop_requests.is_busy()
        stop_requests.request_stop()
        work(runner, until=until)

    monkeypatch.setattr(stop_requests, "_requested", threading.Event())
    monkeypatch.setattr(jobs, "_RUNS_SECONDS", 3600)
    monkeypatch.setattr(Runner, "run", work_until_asked)
    jobs.run_engine()
    assert Worker.objects.get().stopped_at is not None
    assert not stop_requests.is_busy()
    # what begins after that ends at once
    monkeypatch.setattr(Runner, "run", work)
    jobs.run_engine()
    assert Worker.objects.filter(stopped_at=None).count() == 0


def test_schedules_are_made_exactly_once_and_strays_removed() -> None:
    Schedule.objects.create(name="sequence-executor: old", func="execution.jobs.gone")
    Schedule.objects.create(name="another application's", func="os.getpid")
    assert run("sync_schedules") == {"installed": 1, "removed": 1}
    assert run("sync_schedules") == {"installed": 1, "removed": 0}
    assert run("sync_schedules", "--engines", "3") == {"installed": 3, "removed": 0}
    # a deployment keeps what was asked for
    assert run("sync_schedules") == {"installed": 3, "removed": 0}
    assert run("sync_schedules", "--engines", "1") == {"installed": 1, "removed": 2}
    assert set(Schedule.objects.values_list("name", "func")) == {
        ("sequence-executor: engine", "execution.jobs.run_engine"),
        ("another application's", "os.getpid"),
    }


def test_why_lists_the_holds_of_an_enrollment() -> None:
    (enrollment,) = due(1)
    answer = run("why", str(enrollment.pk))
    assert answer["contact"] == enrollment.contact.email
    assert answer["why"][-1]["code"] == "no_worker"
    with pytest.raises(CommandError, match="there is no enrollment 999999"):
        call_command("why", "999999")


def test_why_takes_the_address_of_a_contact() -> None:
    (enrollment,) = due(1)
    elsewhere = EnrollmentFactory(contact=enrollment.contact, sequence=SequenceFactory(workspace=enrollment.workspace))
    answer = run("why", enrollment.contact.email.upper())
    assert [found["enrollment"] for found in answer["enrollments"]] == [elsewhere.pk, enrollment.pk]
    assert answer["enrollments"][1] == run("why", str(enrollment.pk))
    with pytest.raises(CommandError, match="no contact with the address no@one"):
        call_command("why", "no@one.example")
    for wrong in ("x", "-1", "9" * 30):
        with pytest.raises(CommandError, match="ENROLLMENT takes a number or an email address") as caught:
            call_command("why", "--", wrong)
        assert caught.value.returncode == 2


def test_preview_equals_dates_worked_out_by_hand() -> None:
    """Friday before the clocks change in Berlin; Easter Monday 2026 is 6 April, Good Friday 3 April."""
    workspace = WorkspaceFactory(holiday_country="DE", timezone="America/New_York")
    contact = ContactFactory(workspace=workspace, timezone="Europe/Berlin")
    sequence = SequenceFactory(workspace=workspace, name="Spring", window={"mon-fri": ["09:00-17:00"]})
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, delay_days=2, skip_weekends=True, send_time=time(9, 30))
    TaskStepFactory(sequence=sequence, delay_days=3, delay_hours=2)
    DelayStepFactory(sequence=sequence, delay_days=1)
    StepFactory(sequence=sequence)
    answer = run(
        "preview", "--workspace", workspace.slug, "Spring", contact.email, "--from", "2026-03-27T18:00:00+01:00"
    )
    assert (answer["timezone"], answer["zone_source"]) == ("Europe/Berlin", "contact")
    berlin = ZoneInfo("Europe/Berlin")
    expected = [
        datetime(2026, 3, 30, 9, 0, tzinfo=berlin),
        datetime(2026, 4, 1, 9, 30, tzinfo=berlin),
        # 4 April 11:30 is a Saturday, then come Easter Sunday and Easter Monday
        datetime(2026, 4, 7, 9, 0, tzinfo=berlin),
        datetime(2026, 4, 8, 9, 0, tzinfo=berlin),
        datetime(2026, 4, 8, 9, 0, tzinfo=berlin),
    ]
    assert [step["earliest_at"] for step in answer["steps"]] == [
        at.astimezone(UTC).isoformat().replace("+00:00", "Z") for at in expected
    ]
    assert "weekend" in answer["steps"][0]["note"] or "window" in answer["steps"][0]["note"]


def test_preview_shows_both_branches_of_a_split() -> None:
    sequence = SequenceFactory(name="Split")
    contact = ContactFactory(workspace=sequence.workspace)
    StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence, condition_config={"wait_hours": 48})
    yes = TaskStepFactory(sequence=sequence)
    no = StepFactory(sequence=sequence, delay_days=1)
    split.if_true_goto, split.if_false_goto = yes, no
    split.save()
    answer = run(
        "preview", "--workspace", sequence.workspace.slug, "Split", contact.email, "--from", "2026-03-02T10:00:00Z"
    )
    assert [(step["number"], step["branch"], step["earliest_at"]) for step in answer["steps"]] == [
        (1, "", "2026-03-02T10:00:00Z"),
        (2, "", "2026-03-02T10:00:00Z"),
        (3, "step 2 is yes", "2026-03-02T10:00:00Z"),
        (4, "step 2 is yes", "2026-03-03T10:00:00Z"),
        (4, "step 2 is no", "2026-03-05T10:00:00Z"),
    ]


def test_preview_speaks_in_the_zone_of_the_contact_and_names_a_rule_once() -> None:
    sequence = SequenceFactory(name="Split", window={"timezone": "contact", "mon-sun": ["00:00-24:00"]})
    contact = ContactFactory(workspace=sequence.workspace, timezone="Asia/Tokyo")
    StepFactory(sequence=sequence)
    nudge = StepFactory(sequence=sequence, number=3, skip_weekends=True, send_time=time(9, 30))
    SplitStepFactory(sequence=sequence, number=2, condition_config={"wait_hours": 48}, if_false_goto=nudge)
    # Thursday 18:00 in Tokyo; 48 hours later it is Saturday
    start = ("--from", "2026-03-05T09:00:00Z")
    _, split, step = run("preview", "--workspace", sequence.workspace.slug, "Split", contact.email, *start)["steps"]
    assert split["note"] == "Email opened: at once if yes, otherwise at 2026-03-07 18:00 Asia/Tokyo"
    assert step["note"] == "its send time is 09:30 Asia/Tokyo; weekend"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--faults", "fire"), "no fault is called fire: all, none or some of kill"),
        (("--seed", "x"), "--seed takes a number such as 7, or a range such as 1..5"),
        (("--days", "0"), "--days more than 0"),
    ],
)
def test_simulate_refuses_invalid_arguments(shell: Shell, arguments: tuple[str, ...], text: str) -> None:
    assert text in one_error(shell("simulate", *arguments), 2)
