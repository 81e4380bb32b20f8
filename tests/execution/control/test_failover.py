"""Which database server is trusted: by replication, by what the workers find, else sending pauses."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from emails.models import ExecutorState
from emails.sending.lanes import take_lane
from execution.control.failover import (
    CONFIRM_WITHIN,
    describe_database_trouble,
    end_failover,
    look_at_server,
    review_server,
)
from execution.control.switches import pause_executor, resume_executor
from execution.engine.claim import claim_due
from execution.models import ControlLog, Worker
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, WorkerFactory

pytestmark = pytest.mark.django_db


def trusted(**other: Any) -> None:
    """The executor trusts the present server, or one that differs from it."""
    assert review_server(uuid.uuid4(), None, NOW)
    ExecutorState.objects.update(**other)


def older() -> dict[str, int]:
    return {"timeline": look_at_server().here.timeline - 1}


def test_the_first_look_trusts_the_server_that_answers() -> None:
    trusted()
    here = look_at_server()
    assert here.is_trusted
    assert (here.here.timeline, here.here.is_synchronous) == (1, False)
    assert not ControlLog.objects.exists()


@pytest.mark.parametrize("other", [{"timeline": 7}, {"system_identifier": "1"}, {"is_synchronous": True}])
def test_nothing_is_taken_on_a_server_that_is_not_trusted(other: dict[str, Any]) -> None:
    MailboxFactory(lane_at=NOW)
    EnrollmentFactory()
    trusted(**other)
    assert take_lane(NOW, "worker") is None
    assert claim_due(NOW, 10) == []
    assert "not trusted yet" in describe_database_trouble()
    ExecutorState.objects.update(timeline=None)
    assert take_lane(NOW, "worker") is not None
    assert len(claim_due(NOW, 10)) == 1


def test_after_synchronous_replication_the_new_server_is_recorded() -> None:
    trusted(**older(), is_synchronous=True)
    assert review_server(uuid.uuid4(), None, NOW)
    assert look_at_server().is_trusted
    log = ControlLog.objects.get()
    assert (log.action, log.actor) == ("edited", "engine")
    assert {change["field"] for change in log.changes} == {"timeline", "is_synchronous"}


def test_a_change_of_replication_alone_is_recorded() -> None:
    trusted(is_synchronous=True)
    assert review_server(uuid.uuid4(), None, NOW)
    assert "replication" in ControlLog.objects.get().reason
    assert describe_database_trouble() == ""


def test_after_asynchronous_replication_every_living_worker_confirms() -> None:
    first, second = WorkerFactory(), WorkerFactory(heartbeat_at=NOW - timedelta(seconds=20))
    WorkerFactory(heartbeat_at=NOW - timedelta(minutes=5))
    WorkerFactory(stopped_at=NOW)
    trusted(**older())
    assert not review_server(first.pk, True, NOW)
    assert not review_server(uuid.uuid4(), None, NOW + timedelta(seconds=5))
    assert not ExecutorState.objects.get().is_paused
    assert review_server(second.pk, True, NOW + timedelta(seconds=10))
    assert not ExecutorState.objects.get().is_paused
    assert not Worker.objects.exclude(unconfirmed_timeline=None).exists()


@pytest.mark.parametrize("has_everything", [False, None])
def test_a_loss_or_no_worker_that_could_know_pauses_sending(has_everything: bool | None) -> None:
    trusted(**older())
    if has_everything is False:
        WorkerFactory()
    assert not review_server(uuid.uuid4(), has_everything, NOW)
    state = ExecutorState.objects.get()
    assert (state.is_paused, state.paused_by, state.failed_over_at) == (True, "engine", NOW)
    assert "run manage.py after_restore" in describe_database_trouble()
    assert look_at_server().is_trusted, "the pause alone holds it"


def test_a_worker_that_stays_silent_pauses_sending_after_a_while() -> None:
    alive = WorkerFactory()
    WorkerFactory()
    trusted(**older())
    assert not review_server(alive.pk, True, NOW)
    assert not review_server(alive.pk, True, NOW + CONFIRM_WITHIN)
    assert not ExecutorState.objects.get().is_paused
    assert not review_server(alive.pk, True, NOW + CONFIRM_WITHIN + timedelta(seconds=1))
    assert ExecutorState.objects.get().failed_over_at is not None


def test_synchronous_replication_does_not_outweigh_what_a_worker_knows() -> None:
    trusted(**older(), is_synchronous=True)
    assert not review_server(uuid.uuid4(), False, NOW)
    assert ExecutorState.objects.get().is_paused


def test_another_system_is_never_the_same_database() -> None:
    trusted(system_identifier="1", is_synchronous=True)
    assert not review_server(uuid.uuid4(), None, NOW)
    assert "such as one restored from a backup" in ExecutorState.objects.get().paused_reason


def test_the_pause_of_a_failover_ends_and_the_pause_of_a_user_stays() -> None:
    trusted(**older())
    review_server(uuid.uuid4(), False, NOW)
    assert end_failover(actor="ops", now=NOW)
    assert not ExecutorState.objects.get().is_paused
    assert not end_failover(actor="ops", now=NOW)

    pause_executor(actor="sam", now=NOW, reason="maintenance")
    ExecutorState.objects.update(**older())
    review_server(uuid.uuid4(), False, NOW)
    assert not end_failover(actor="ops", now=NOW)
    state = ExecutorState.objects.get()
    assert (state.is_paused, state.paused_by, state.failed_over_at) == (True, "sam", None)


def test_a_user_who_resumes_accepts_the_server() -> None:
    trusted(**older())
    pause_executor(actor="sam", now=NOW, reason="upgrade")
    assert resume_executor(actor="sam", now=NOW)
    assert look_at_server().is_trusted
    assert describe_database_trouble() == ""
