"""The demo as a user starts it: a process of its own that shows and checks a whole run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from emails.models import EmailEvent, EmailMessage
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment, Step, Workspace
from simulation.demo_report import Report, SequenceRow, format_report
from simulation.demo_workspace import SLUG, remove_workspace
from simulation.prospects import Action, Persona, plan_acts
from simulation.virtual_clock import VirtualClock, living_by
from tests.factories import EnrollmentFactory, StepFactory

ROOT = Path(__file__).parents[2]


def start_demo(database_url: str, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DATABASE_URL": database_url, "DEBUG": "true", "ENV_FILE": os.devnull}
    env["DJANGO_SETTINGS_MODULE"] = "config.settings"
    command = [sys.executable, str(ROOT / "manage.py"), "demo", *args]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)


@pytest.mark.slow
def test_all_enrollments_end_and_every_promise_is_kept(database_url: str) -> None:
    step = StepFactory()
    due_at = datetime(2020, 1, 1, tzinfo=UTC)
    other = EnrollmentFactory(sequence=step.sequence, current_step=step, wake_at=due_at, next_step_at=due_at)

    ended = start_demo(database_url, "--json")

    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["ok"] is True
    assert [row["enrolled"] for row in report["sequences"]] == [20, 20, 20]
    assert report["server_messages"] == report["ledger_messages"] > 100
    for row in report["sequences"]:
        ends = row["completed"] + row["replied"] + sum(row["exited"].values()) + row["quarantined"]
        assert ends == row["enrolled"]

    workspace = Workspace.objects.get(slug=SLUG)
    steps = Step.objects.filter(workspace=workspace)
    assert {step.type for step in steps} == {"email", "task", "delay", "conditional_split"}
    assert len(set(Contact.objects.filter(workspace=workspace).values_list("timezone", flat=True))) >= 6
    counts = Counter(EmailEvent.objects.filter(workspace=workspace).values_list("type", "provider"))
    for kind in [("opened", "tracking"), ("clicked", "tracking"), ("unsubscribed", "link"), ("bounced", "smtp")]:
        assert counts[kind] > 0
    assert counts["auto_replied", "demo"] > 0
    assert not EmailEvent.objects.filter(workspace=workspace, verdict="machine").exists()
    greylisted = EmailMessage.objects.filter(workspace=workspace, status="sent", attempts=2)
    assert greylisted.exists()
    assert EmailMessage.objects.filter(workspace=workspace, subject__startswith="Re: ").exists()
    actions = set(ExecutionLog.objects.filter(workspace=workspace).values_list("action", flat=True))
    assert {"branched", "paused", "resumed", "quarantined", "exited", "failed", "retried"} <= actions

    other.refresh_from_db()
    assert (other.status, other.wake_at) == ("active", due_at)
    remove_workspace()
    assert list(Workspace.objects.values_list("pk", flat=True)) == [other.workspace_id]
    assert Enrollment.objects.get().pk == other.pk


def test_a_port_in_use_is_one_line_with_the_remedy(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start_demo(database_url, "--once", "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"error: port {port} is in use: choose another with --port, such as --port {port + 1} "
        f"(make demo ARGS='--port {port + 1}')"
    ]
    assert ended.stdout == ""


REPORT = Report(
    sequences=(SequenceRow("Warm intro", 20, 14, 3, {"bounced": 1, "unsubscribed": 1}, 1, 0, 0, 54, 16, 15),),
    server_messages=54,
    ledger_messages=54,
    difference=0,
    after_stop=0,
    unfinished=0,
    troubles=(),
)


@pytest.mark.parametrize("broken", [{"difference": 1}, {"after_stop": 1}, {"unfinished": 1}, {"troubles": ("a page",)}])
def test_a_count_above_zero_is_a_broken_promise(broken: dict[str, Any]) -> None:
    assert REPORT.is_kept
    assert not replace(REPORT, **broken).is_kept


def test_the_summary_is_a_readable_table() -> None:
    table = format_report(REPORT).splitlines()
    assert table[0].split()[:4] == ["sequence", "enrolled", "completed", "replied"]
    assert table[1].startswith("Warm intro")
    assert table[1].split()[6:] == ["0", "54", *["15", "of", "16", "1", "bounced,", "1", "unsubscribed"]]
    assert "difference 0" in table[3]


@pytest.mark.parametrize("persona", list(Persona))
def test_no_persona_acts_fast_enough_to_look_like_a_machine(persona: Persona) -> None:
    acts = [act for nth in range(1, 5) for act in plan_acts(persona, "ada@firm.example", nth)]
    assert all(act.after >= timedelta(minutes=1) for act in acts)
    assert bool(acts) == (persona not in {Persona.SILENT, Persona.GONE})


def test_a_late_replier_answers_the_second_email_only() -> None:
    actions = [[act.action for act in plan_acts(Persona.LATE_REPLIER, "ada@firm.example", nth)] for nth in (1, 2)]
    assert actions == [[Action.OPEN], [Action.OPEN, Action.REPLY]]


def test_the_clock_only_moves_forward() -> None:
    start_at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    clock = VirtualClock(start_at)
    clock.advance_to(start_at + timedelta(days=3))
    clock.advance_to(start_at + timedelta(days=1))
    assert timedelta(days=3) <= clock() - start_at < timedelta(days=3, minutes=5)


def test_the_whole_process_uses_the_virtual_clock_and_restores_its_own() -> None:
    clock = VirtualClock(datetime(2020, 1, 1, tzinfo=UTC))
    with living_by(clock):
        assert timezone.now().year == 2020
    assert timezone.now().year > 2020
