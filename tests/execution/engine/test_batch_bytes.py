"""A batch is bounded by the bytes of its contacts' merge fields too, and every enrollment is decided all the same."""

from __future__ import annotations

import pytest

from common.db import execute
from execution.control import enrollments as controls
from execution.engine import claim
from execution.engine.backoff import Policy
from execution.engine.snapshot import Snapshot
from execution.engine.tick import run_tick
from execution.worker.options import Options, Stage
from execution.worker.runner import run_until_idle
from sequences.models import Enrollment, Sequence
from tests.factories import NOW, EnrollmentFactory, SequenceFactory, TaskStepFactory

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024


def enroll(number: int, fields_bytes: int) -> Sequence:
    sequence = SequenceFactory(status="active")
    step = TaskStepFactory(sequence=sequence)
    EnrollmentFactory.create_batch(number, sequence=sequence, current_step=step, next_step_at=NOW, wake_at=NOW)
    execute(
        "UPDATE sequences_contact SET fields = jsonb_build_object('note', repeat('x', %(bytes)s::int))",
        {"bytes": fields_bytes},
    )
    return sequence


def test_large_contacts_are_decided_in_several_claims() -> None:
    enroll(40, MEGABYTE)
    claimed = []
    while tick := run_tick(NOW, 500, Policy()).claimed:
        claimed.append(tick)
    assert max(claimed) <= claim.MOST_BYTES // MEGABYTE
    assert sum(claimed) == 40
    assert not Enrollment.objects.filter(wake_at__lte=NOW).exists()


def test_one_pass_decides_all_of_them() -> None:
    enroll(20, MEGABYTE)
    decided, _ = run_until_idle(Options(policy=Policy(), stage=Stage.DECIDE), lambda: NOW)
    assert decided == 20


def test_a_contact_above_the_limit_is_decided_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "MOST_BYTES", 1_000)
    enroll(3, 5_000)
    assert [run_tick(NOW, 500, Policy()).claimed for _ in range(4)] == [1, 1, 1, 0]


def test_small_contacts_fill_the_batch() -> None:
    enroll(30, 100)
    assert run_tick(NOW, 20, Policy()).claimed == 20


def test_an_action_on_large_contacts_takes_a_part_of_them_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    enroll(20, MEGABYTE)
    batches: list[int] = []

    def claim_and_count(ids: list[int]) -> list[Snapshot]:
        claimed = claim.claim_by_id(ids)
        batches.append(len(claimed))
        return claimed

    monkeypatch.setattr(controls, "claim_by_id", claim_and_count)
    ids = list(Enrollment.objects.order_by("pk").values_list("pk", flat=True))
    report = controls.pause_enrollments([*reversed(ids), ids[0], ids[-1] + 9], actor="ada", now=NOW)
    assert (report.changed, report.unchanged, report.refused) == (ids, [], {})
    assert max(batches) <= claim.MOST_BYTES // MEGABYTE
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"paused"}
