"""Actions on one enrollment and bulk actions by the API; and the timeline."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.models import DeadLetter, ExecutionLog
from sequences.models import Enrollment, Sequence, Step, Workspace
from tests.api.conftest import join
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    DeadLetterFactory,
    EmailEventFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    MembershipFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
)

pytestmark = pytest.mark.django_db

URL = "/api/sequence-enrollments"


def manager_of(enrollment: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(MembershipFactory(workspace=enrollment.workspace, role="manager").user)
    return client


def test_exiting_records_actor_and_reason() -> None:
    paused = PausedEnrollmentFactory()
    answer = manager_of(paused).post(f"/api/sequence-enrollments/{paused.pk}/exit", {"reason": "customer now"})
    assert answer.status_code == 200
    assert (answer.data["enrollment"]["status"], answer.data["enrollment"]["auto_exit_reason"]) == (
        "auto_exited",
        "manual",
    )
    entry = ExecutionLog.objects.get(action="exited")
    assert (entry.message, "@" in entry.actor) == ("customer now", True)


def test_an_ended_enrollment_cannot_be_exited_or_retried() -> None:
    ended = CompletedEnrollmentFactory()
    for verb in ("exit", "retry"):
        answer = manager_of(ended).post(f"/api/sequence-enrollments/{ended.pk}/{verb}", {})
        assert answer.status_code == 409
        assert "completed" in answer.json()["detail"]


def test_retrying_releases_from_quarantine() -> None:
    held = QuarantinedEnrollmentFactory()
    answer = manager_of(held).post(f"/api/sequence-enrollments/{held.pk}/retry", {})
    assert answer.data["enrollment"]["status"] == "active"


def test_why_states_what_holds_the_enrollment() -> None:
    paused = PausedEnrollmentFactory(pause_reason="on holiday")
    (hold,) = manager_of(paused).get(f"/api/sequence-enrollments/{paused.pk}/why").data["why"][:1]
    assert "on holiday" in hold["detail"]


def test_skipping_a_step_releases_from_quarantine() -> None:
    first = StepFactory()
    second = StepFactory(sequence=first.sequence)
    held = QuarantinedEnrollmentFactory(sequence=first.sequence)
    DeadLetterFactory(enrollment=held)
    answer = manager_of(held).post(f"{URL}/{held.pk}/skip-step", {"reason": "broken"})
    assert answer.status_code == 200, answer.json()
    shown = answer.json()["enrollment"]
    assert (shown["status"], shown["current_step"]["id"], shown["last_error"]) == ("active", second.pk, "")
    assert DeadLetter.objects.get().resolution == "skipped"


def test_snoozing_postpones_and_withdraws_the_queued_email(api: APIClient, sdr: Any, enrollment: Enrollment) -> None:
    run_tick(NOW, 10, engine_policy())
    assert EmailMessage.objects.get().status == "queued"
    until = NOW + timedelta(days=3)
    answer = api.post(f"{URL}/{enrollment.pk}/snooze", {"until": until, "reason": "fair week"})
    assert answer.status_code == 200, answer.json()
    shown = answer.json()["enrollment"]
    assert (shown["status"], shown["next_step_at"], shown["why"][0]["code"]) == (
        "active", "2026-03-05T10:00:00Z", "not_due",
    )  # fmt: skip
    assert EmailMessage.objects.get().status == "withheld"
    log = ExecutionLog.objects.get(action="snoozed")
    assert (log.message, log.actor) == ("fair week: due 2026-03-05 10:00 UTC", sdr.email)
    run_tick(until - timedelta(seconds=1), 10, engine_policy())
    assert EmailMessage.objects.get().status == "withheld"
    run_tick(until, 10, engine_policy())
    assert EmailMessage.objects.get().status == "queued"


def test_a_snooze_ends_inside_the_window(workspace: Workspace, sdr: Any, api: APIClient) -> None:
    sequence = SequenceFactory(workspace=workspace, window={"timezone": "UTC", "mon-fri": ["09:00-17:00"]})
    StepFactory(sequence=sequence)
    enrollment = EnrollmentFactory(sequence=sequence, owner=sdr)
    saturday = NOW + timedelta(days=5)
    for _ in range(2):
        shown = api.post(f"{URL}/{enrollment.pk}/snooze", {"until": saturday}).json()["enrollment"]
        assert shown["next_step_at"] == "2026-03-09T09:00:00Z"


def test_a_snooze_never_makes_an_enrollment_due_earlier(api: APIClient, enrollment: Enrollment) -> None:
    url = f"{URL}/{enrollment.pk}/snooze"
    assert [api.post(url, {"until": NOW + timedelta(days=9)}).status_code for _ in range(2)] == [200, 200]
    answer = api.post(url, {"until": NOW + timedelta(days=3)})
    assert (answer.status_code, answer.json()["detail"]) == (409, "Not possible: it is already due later than that.")
    assert api.get(f"{URL}/{enrollment.pk}").json()["next_step_at"] == "2026-03-11T10:00:00Z"
    bulk = {"action": "snooze", "ids": [enrollment.pk], "until": NOW + timedelta(days=3)}
    assert api.post(f"{URL}/bulk", bulk).json()["refused"] == [
        {"reason": "it is already due later than that", "count": 1, "ids": [enrollment.pk]}
    ]


def test_paused_enrollments_and_past_times_are_not_snoozed(api: APIClient, enrollment: Enrollment) -> None:
    url = f"{URL}/{enrollment.pk}/snooze"
    assert api.post(url, {"until": NOW - timedelta(days=1)}).status_code == 400
    assert api.post(url, {}).status_code == 400
    later = {"until": NOW + timedelta(days=1)}
    for status, fields in (("paused", {"pause_reason": "x", "paused_at": NOW}), ("quarantined", {"last_error": "x"})):
        Enrollment.objects.filter(pk=enrollment.pk).update(status=status, **fields)
        answer = api.post(url, later)
        assert answer.status_code == 409
        assert status in answer.json()["detail"]


def test_moving_goes_to_another_step_at_once(api: APIClient, enrollment: Enrollment, sequence: Sequence) -> None:
    run_tick(NOW, 10, engine_policy())
    last = sequence.steps.get(number=2)
    shown = api.post(f"{URL}/{enrollment.pk}/move", {"step": last.pk, "reason": "asked for it"}).json()["enrollment"]
    assert (shown["current_step"]["id"], shown["next_step_at"]) == (last.pk, "2026-03-02T10:00:00Z")
    assert EmailMessage.objects.get().status == "withheld"
    assert ExecutionLog.objects.get(action="moved").message == "asked for it: moved to step 2"
    assert api.post(f"{URL}/{enrollment.pk}/move", {"step": StepFactory().pk}).status_code == 400


def test_an_enrollment_is_not_moved_to_an_email_it_has_sent(
    api: APIClient, enrollment: Enrollment, sequence: Sequence
) -> None:
    first, second = sequence.steps.order_by("number")
    SentMessageFactory(enrollment=enrollment, step=first, visit=1)
    Enrollment.objects.filter(pk=enrollment.pk).update(current_step=second, visit=2)
    answer = api.post(f"{URL}/{enrollment.pk}/move", {"step": first.pk})
    assert answer.status_code == 409
    assert "never sent twice" in answer.json()["detail"]


def test_an_enrollment_is_not_moved_while_its_email_is_being_sent(
    api: APIClient, enrollment: Enrollment, sequence: Sequence
) -> None:
    lease = {"lease_token": uuid.uuid4(), "leased_until": NOW + timedelta(minutes=1)}
    EmailMessageFactory(enrollment=enrollment, status="sending", attempts=1, handed_over_at=NOW, **lease)
    step, until = sequence.steps.get(number=2).pk, NOW + timedelta(days=1)
    bodies: dict[str, dict[str, Any]] = {"move": {"step": step}, "snooze": {"until": until}, "skip-step": {}}
    for verb, body in bodies.items():
        answer = api.post(f"{URL}/{enrollment.pk}/{verb}", body)
        assert "being sent right now" in answer.json()["detail"]


def test_the_timeline_shows_history_and_plan(api: APIClient, enrollment: Enrollment, sequence: Sequence) -> None:
    first, second = sequence.steps.order_by("number")
    ExecutionLogFactory(enrollment=enrollment, step=first)
    EmailEventFactory(message=SentMessageFactory(enrollment=enrollment, step=first), at=NOW + timedelta(hours=1))
    due = NOW + timedelta(days=2)
    Enrollment.objects.filter(pk=enrollment.pk).update(current_step=second, visit=2, next_step_at=due, wake_at=due)
    story = api.get(f"{URL}/{enrollment.pk}/timeline").json()
    assert (story["entries"][0]["kind"], story["entries"][0]["icon"]) == ("opened", "👁")
    assert [(step["number"], step["earliest_at"]) for step in story["ahead"]] == [(2, "2026-03-04T10:00:00Z")]
    ended = CompletedEnrollmentFactory(sequence=sequence)
    assert api.get(f"{URL}/{ended.pk}/timeline").json()["ahead"] == []


def people(sequence: Sequence, owner: Any) -> list[Enrollment]:
    """Two of the owner's, one without an owner, one of another owner, one that is paused."""
    return [
        EnrollmentFactory(sequence=sequence, owner=owner),
        EnrollmentFactory(sequence=sequence, owner=owner),
        EnrollmentFactory(sequence=sequence, owner=None),
        EnrollmentFactory(sequence=sequence, owner=join(sequence.workspace)),
        PausedEnrollmentFactory(sequence=sequence, owner=owner),
    ]


def test_one_action_on_all_that_match(api: APIClient, sdr: Any, sequence: Sequence) -> None:
    rows = people(sequence, sdr)
    elsewhere = EnrollmentFactory(owner=sdr)
    body = {"action": "pause", "filter": {"sequence": sequence.pk}, "reason": "legal"}
    expected = {
        "is_dry_run": True,
        "matched": 5,
        "changed": 3,
        "unchanged": 1,
        "refused": [{"reason": "it belongs to another user", "count": 1, "ids": [rows[3].pk]}],
        "changed_ids": [rows[0].pk, rows[1].pk, rows[2].pk],
        "unchanged_ids": [rows[4].pk],
        "has_all_ids": True,
    }
    assert api.post(f"{URL}/bulk", {**body, "dry_run": True}).json() == expected
    assert Enrollment.objects.filter(status="paused").count() == 1
    assert not ExecutionLog.objects.exists()

    assert api.post(f"{URL}/bulk", body).json() == {**expected, "is_dry_run": False}
    assert set(Enrollment.objects.filter(status="paused").values_list("pk", flat=True)) == {
        rows[0].pk, rows[1].pk, rows[2].pk, rows[4].pk,
    }  # fmt: skip
    assert ExecutionLog.objects.filter(action="paused", message="legal", actor=sdr.email).count() == 3
    elsewhere.refresh_from_db()
    assert elsewhere.status == "active"


def test_a_manager_acts_on_all_even_when_the_action_changes_the_filtered_field(
    manager_api: APIClient, sdr: Any, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("execution.control.bulk._BATCH", 2)
    people(sequence, sdr)
    CompletedEnrollmentFactory(sequence=sequence)
    answer = manager_api.post(f"{URL}/bulk", {"action": "exit", "filter": {"status": "active"}}).json()
    assert (answer["matched"], answer["changed"], answer["refused"]) == (4, 4, [])
    ended = manager_api.post(f"{URL}/bulk", {"action": "exit", "filter": {"sequence": sequence.pk}}).json()
    assert (ended["matched"], ended["changed"]) == (6, 1)
    assert {each["reason"]: each["count"] for each in ended["refused"]} == {
        "it has ended: auto exited": 4, "it has ended: completed": 1,
    }  # fmt: skip


def test_a_bulk_does_not_find_ids_of_other_owners(api: APIClient, enrollment: Enrollment) -> None:
    foreign = EnrollmentFactory()
    body = {"action": "skip-step", "ids": [enrollment.pk, foreign.pk]}
    assert api.post(f"{URL}/bulk", body).json()["matched"] == 1
    foreign.refresh_from_db()
    assert foreign.visit == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "pause"}, "non_field_errors"),
        ({"action": "pause", "filter": {}}, "filter"),
        ({"action": "pause", "ids": []}, "ids"),
        ({"action": "pause", "filter": {"colour": "red"}}, "filter"),
        ({"action": "pause", "filter": {"status": "asleep"}}, "filter"),
        ({"action": "dance", "ids": [1]}, "action"),
        ({"action": "snooze", "ids": [1]}, "until"),
        ({"action": "pause", "ids": [1], "filter": {"status": "active"}}, "non_field_errors"),
    ],
)
def test_an_ambiguous_bulk_changes_nothing(api: APIClient, body: dict[str, Any], field: str) -> None:
    answer = api.post(f"{URL}/bulk", body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_one_idempotency_key_executes_once(api: APIClient, enrollment: Enrollment, sequence: Sequence) -> None:
    StepFactory(sequence=sequence)
    body = {"action": "skip-step", "ids": [enrollment.pk]}
    first = api.post(f"{URL}/bulk", body, headers={"Idempotency-Key": "k"}).json()
    assert api.post(f"{URL}/bulk", body, headers={"Idempotency-Key": "k"}).json() == first
    enrollment.refresh_from_db()
    assert enrollment.current_step == Step.objects.get(sequence=sequence, number=2)
