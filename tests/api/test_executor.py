"""`/api/sequence-executor`: response shapes, visible figures, and the right to pause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import ExecutorState
from execution.insight.queue import is_late
from sequences.models import Enrollment, Sequence, Workspace
from tests.api.conftest import log_in
from tests.factories import (
    NOW,
    EmailMessageFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
    SendingMessageFactory,
    SplitStepFactory,
    WorkerFactory,
)
from tests.support.counting import count_statements

URL = "/api/sequence-executor"


def test_status_of_an_idle_product(api: APIClient) -> None:
    assert api.get(f"{URL}/status").json() == {
        "isRunning": False,
        "queueDepth": 0,
        "lastProcessedAt": None,
        "isPaused": False,
        "pausedBy": None,
        "pausedReason": None,
        "processing": 0,
        "completedLastHour": 0,
        "errorsLastHour": 0,
        "oldestDueSeconds": 0,
        "delayP50Seconds": None,
        "delayP95Seconds": None,
        "quarantined": 0,
        "workers": [],
    }


def test_status_counts_what_is_due_and_what_the_last_hour_saw(api: APIClient, enrollment: Enrollment) -> None:
    sequence = enrollment.sequence
    late = NOW - timedelta(minutes=10)
    EnrollmentFactory(sequence=sequence, at=late)
    EnrollmentFactory(sequence=sequence, at=NOW + timedelta(days=1))
    QuarantinedEnrollmentFactory(sequence=sequence)
    SendingMessageFactory(enrollment=EnrollmentFactory(sequence=sequence, at=NOW + timedelta(days=1)))
    for minutes, action, status in ((1, "executed", "ok"), (2, "branched", "ok"), (3, "failed", "error")):
        ExecutionLogFactory(enrollment=enrollment, at=NOW - timedelta(minutes=minutes), action=action, status=status)
    ExecutionLogFactory(enrollment=enrollment, at=NOW - timedelta(minutes=61))
    status = api.get(f"{URL}/status").json()
    assert status["queueDepth"] == 2
    assert status["oldestDueSeconds"] == 600
    assert (status["quarantined"], status["processing"]) == (1, 1)
    assert (status["completedLastHour"], status["errorsLastHour"]) == (2, 1)


def test_a_split_that_waits_for_a_signal_is_not_overdue(api: APIClient, sequence: Sequence) -> None:
    split = SplitStepFactory(sequence=sequence)
    waiting = EnrollmentFactory(
        sequence=sequence, current_step=split, at=NOW - timedelta(hours=5), wake_at=NOW + timedelta(hours=40)
    )
    assert api.get(f"{URL}/status").json()["queueDepth"] == 0
    assert api.get(f"{URL}/queue?filter=overdue").json() == {"queue": []}
    Enrollment.objects.filter(pk=waiting.pk).update(wake_at=NOW - timedelta(seconds=30))
    status = api.get(f"{URL}/status").json()
    assert (status["queueDepth"], status["oldestDueSeconds"]) == (1, 30)


def test_delay_is_from_due_to_decided(api: APIClient, sequence: Sequence) -> None:
    for seconds in (10, 20, 30):
        enrollment = EnrollmentFactory(sequence=sequence)
        at = NOW - timedelta(minutes=5)
        EmailMessageFactory(enrollment=enrollment, due_at=at - timedelta(seconds=seconds), queued_at=at)
        ExecutionLogFactory(enrollment=enrollment, at=at, action="queued")
    status = api.get(f"{URL}/status").json()
    assert status["delayP50Seconds"] == pytest.approx(20)
    assert status["delayP95Seconds"] == pytest.approx(29)


def test_the_executor_runs_while_a_heartbeat_is_younger_than_a_minute(api: APIClient) -> None:
    WorkerFactory(heartbeat_at=NOW - timedelta(seconds=61))
    WorkerFactory(heartbeat_at=NOW, stopped_at=NOW)
    assert api.get(f"{URL}/status").json()["isRunning"] is False
    WorkerFactory(name="here", heartbeat_at=NOW - timedelta(seconds=59), last_processed_at=NOW, decided=7)
    status = api.get(f"{URL}/status").json()
    assert status["isRunning"] is True
    assert status["lastProcessedAt"] == "2026-03-02T10:00:00Z"
    assert status["workers"] == [
        {
            "name": "here",
            "kind": "run_executor",
            "started_at": "2026-03-02T10:00:00Z",
            "heartbeat_at": "2026-03-02T09:59:01Z",
            "last_processed_at": "2026-03-02T10:00:00Z",
            "decided": 7,
            "delivered": 0,
        }
    ]


def test_pause_and_resume_by_an_operator(operator_api: APIClient, api: APIClient) -> None:
    answer = operator_api.post(f"{URL}/pause", {"reason": "maintenance"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    status = api.get(f"{URL}/status").json()
    assert status["isPaused"] is True
    assert status["pausedReason"] == "maintenance"
    assert status["pausedBy"].endswith("@sender.example")
    assert operator_api.post(f"{URL}/pause", {"reason": "again"}).json() == {"success": True}
    assert ExecutorState.objects.get().paused_reason == "maintenance"
    assert operator_api.post(f"{URL}/resume").json() == {"success": True}
    assert operator_api.post(f"{URL}/resume").json() == {"success": True}
    assert api.get(f"{URL}/status").json()["isPaused"] is False


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_only_operators_switch_the_executor(manager_api: APIClient, verb: str) -> None:
    assert manager_api.post(f"{URL}/{verb}").status_code == 403
    assert not ExecutorState.objects.filter(is_paused=True).exists()


def test_the_queue_has_the_most_overdue_first(api: APIClient, enrollment: Enrollment) -> None:
    older = EnrollmentFactory(sequence=enrollment.sequence, at=NOW - timedelta(hours=2))
    later = EnrollmentFactory(sequence=enrollment.sequence, at=NOW + timedelta(hours=1))
    queue = api.get(f"{URL}/queue").json()["queue"]
    assert [item["enrollment_id"] for item in queue] == [older.pk, enrollment.pk, later.pk]
    assert set(queue[0]) == {"enrollment_id", "contact", "sequence", "next_step", "due_at", "status", "why"}
    assert queue[0]["contact"] == older.contact.email
    assert queue[0]["sequence"] == enrollment.sequence.name
    assert queue[0]["next_step"] == "1. Intro"
    assert queue[0]["due_at"] == "2026-03-02T08:00:00Z"
    assert queue[0]["status"] == "active"
    assert queue[0]["why"] != ""


def test_emails_of_a_workspace_whose_sending_is_paused_are_not_overdue(
    api: APIClient, enrollment: Enrollment, workspace: Workspace
) -> None:
    Enrollment.objects.update(wake_at=None, next_step_at=NOW - timedelta(hours=2))

    def read() -> tuple[int, int, int, int]:
        status = api.get(f"{URL}/status").json()
        queue = api.get(f"{URL}/queue?filter=overdue").json()["queue"]
        late = Enrollment.objects.filter(is_late(NOW)).count()
        return status["queueDepth"], status["oldestDueSeconds"], len(queue), late

    assert read() == (1, 7200, 1, 1)
    Workspace.objects.update(sending_paused_at=NOW)
    assert read() == (0, 0, 0, 0)
    # what the engine has not decided is late all the same
    Enrollment.objects.update(wake_at=NOW - timedelta(minutes=10))
    assert read() == (1, 7200, 1, 1)


@pytest.mark.parametrize("chosen", ["overdue", "errors", "paused", "quarantined"])
def test_queue_filters(api: APIClient, enrollment: Enrollment, chosen: str) -> None:
    sequence = enrollment.sequence
    EnrollmentFactory(sequence=sequence, at=NOW + timedelta(hours=1))
    failed = EnrollmentFactory(
        sequence=sequence,
        at=NOW + timedelta(hours=2),
        retry_count=1,
        retry_at=NOW + timedelta(minutes=5),
        last_error="the server said 451",
    )
    paused = PausedEnrollmentFactory(sequence=sequence)
    quarantined = QuarantinedEnrollmentFactory(sequence=sequence)
    wanted = {
        "overdue": {enrollment.pk},
        "errors": {failed.pk, quarantined.pk},
        "paused": {paused.pk},
        "quarantined": {quarantined.pk},
    }
    queue = api.get(f"{URL}/queue?filter={chosen}").json()["queue"]
    assert {item["enrollment_id"] for item in queue} == wanted[chosen]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "limit=", "filter=late", "filter=", "limit=-1", "limit=1e3"]
)
def test_the_queue_refuses_invalid_filters(api: APIClient, query: str) -> None:
    answer = api.get(f"{URL}/queue?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["errors"]


def test_the_queue_returns_100_rows_by_default(api: APIClient, sequence: Sequence) -> None:
    EnrollmentFactory.create_batch(101, sequence=sequence)
    assert len(api.get(f"{URL}/queue").json()["queue"]) == 100
    assert len(api.get(f"{URL}/queue?limit=500").json()["queue"]) == 101
    assert len(api.get(f"{URL}/queue?limit=1").json()["queue"]) == 1


def test_queue_and_status_take_the_same_statements_for_any_number_of_rows(api: APIClient, sequence: Sequence) -> None:
    def cost(path: str) -> int:
        with count_statements() as statements:
            assert api.get(f"{URL}/{path}").status_code == 200
        return statements.count

    EnrollmentFactory(sequence=sequence)
    cost("queue")
    one = cost("queue"), cost("status")
    EnrollmentFactory.create_batch(60, sequence=sequence)
    assert (cost("queue"), cost("status")) == one


def test_members_see_their_own_workspaces(
    stranger_api: APIClient, workspace: Workspace, enrollment: Enrollment, sdr: Any
) -> None:
    QuarantinedEnrollmentFactory(sequence=enrollment.sequence)
    ExecutionLogFactory(enrollment=enrollment, at=NOW - timedelta(minutes=1), action="executed")
    status = stranger_api.get(f"{URL}/status").json()
    assert (status["queueDepth"], status["quarantined"], status["completedLastHour"]) == (0, 0, 0)
    for chosen in ("", "?filter=overdue", "?filter=errors", "?filter=quarantined"):
        assert stranger_api.get(f"{URL}/queue{chosen}").json() == {"queue": []}
    sdr.is_superuser = True
    sdr.save()
    workspace.memberships.all().delete()
    assert log_in(sdr).get(f"{URL}/status").json()["queueDepth"] == 1
