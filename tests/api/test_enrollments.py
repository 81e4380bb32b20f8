"""`/api/sequence-enrollments`: shape, enroll, pause, resume, skip, the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from execution.models import ExecutionLog
from sequences.choices import Role, SequenceStatus
from sequences.models import Enrollment, Sequence, Workspace
from tests.api.conftest import join, log_in
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    ContactFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    MailboxFactory,
    QuarantinedEnrollmentFactory,
    SuppressionFactory,
)
from tests.support.counting import count_statements

URL = "/api/sequence-enrollments"
NOW_TEXT = "2026-03-02T10:00:00Z"


def test_the_shape_of_an_enrollment(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    step: Any = enrollment.current_step
    answer = api.get(f"{URL}/{enrollment.pk}").json()
    why = answer.pop("why")
    assert answer == {
        "id": enrollment.pk,
        "workspace": enrollment.workspace_id,
        "sequence": enrollment.sequence_id,
        "contact": enrollment.contact_id,
        "account": None,
        "mailbox": enrollment.mailbox_id,
        "owner": sdr.pk,
        "status": "active",
        "current_step": {"id": step.pk, "number": 1, "type": "email", "name": "Intro"},
        "current_step_number": 1,
        "next_step_at": NOW_TEXT,
        "pause_reason": "",
        "paused_by": "",
        "resume_at": None,
        "retry_count": 0,
        "last_error": "",
        "emails_sent": 0,
        "steps_completed": 0,
        "auto_exited": False,
        "auto_exit_reason": "",
        "engagement_score": 0,
        "rule": None,
        "enrolled_at": NOW_TEXT,
        "completed_at": None,
        "updated_at": NOW_TEXT,
    }
    assert [set(hold) for hold in why] == [{"code", "detail", "until"}] * len(why)
    assert why[0]["code"] == "no_worker"


def test_pause_resume_and_their_log(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    until = NOW + timedelta(days=3)
    answer = api.post(f"{URL}/{enrollment.pk}/pause", {"reason": "on holiday", "resume_at": until.isoformat()})
    assert answer.status_code == 200
    paused = answer.json()["enrollment"]
    assert (paused["status"], paused["pause_reason"], paused["paused_by"]) == ("paused", "on holiday", sdr.email)
    assert paused["resume_at"] == "2026-03-05T10:00:00Z"
    assert paused["why"][0]["until"] == "2026-03-05T10:00:00Z"
    assert api.post(f"{URL}/{enrollment.pk}/pause", {"reason": "twice"}).json()["enrollment"] == paused
    resumed = api.post(f"{URL}/{enrollment.pk}/resume").json()["enrollment"]
    assert (resumed["status"], resumed["pause_reason"], resumed["resume_at"]) == ("active", "", None)
    assert api.post(f"{URL}/{enrollment.pk}/resume").status_code == 200
    logs = api.get(f"{URL}/{enrollment.pk}/logs").json()["logs"]
    assert [line["action"] for line in logs] == ["resumed", "paused"]
    assert logs[1] == {
        "at": NOW_TEXT,
        "action": "paused",
        "status": "ok",
        "step_number": 1,
        "step_type": "email",
        "message": "on holiday",
        "error": "",
        "actor": sdr.email,
        "details": logs[1]["details"],
    }


def test_skip_step_moves_on_and_completes_at_the_end(api: APIClient, enrollment: Enrollment) -> None:
    second = api.post(f"{URL}/{enrollment.pk}/skip-step", {"reason": "known"}).json()["enrollment"]
    assert second["current_step_number"] == 2
    assert second["next_step_at"] == "2026-03-04T10:00:00Z"
    ended = api.post(f"{URL}/{enrollment.pk}/skip-step").json()["enrollment"]
    assert (ended["status"], ended["next_step_at"], ended["completed_at"]) == ("completed", None, NOW_TEXT)


@pytest.mark.parametrize("verb", ["pause", "resume", "skip-step"])
def test_acting_on_an_ended_enrollment_is_a_conflict_that_names_the_state(
    api: APIClient, sequence: Sequence, verb: str
) -> None:
    ended = CompletedEnrollmentFactory(sequence=sequence)
    answer = api.post(f"{URL}/{ended.pk}/{verb}")
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "completed" in answer.json()["detail"]
    assert not ExecutionLog.objects.filter(enrollment=ended).exists()


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_resuming_never_releases_from_quarantine(api: APIClient, sequence: Sequence, verb: str) -> None:
    held = QuarantinedEnrollmentFactory(sequence=sequence)
    answer = api.post(f"{URL}/{held.pk}/{verb}")
    assert answer.status_code == 409
    assert "quarantined" in answer.json()["detail"]
    assert api.get(f"{URL}/{held.pk}").json()["status"] == "quarantined"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"resume_at": "soon"}, "resume_at"),
        ({"resume_at": "2026-03-01T10:00:00Z"}, "resume_at"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": {"a": 1}}, "reason"),
    ],
)
def test_pause_refuses_bad_input(api: APIClient, enrollment: Enrollment, body: Any, field: str) -> None:
    answer = api.post(f"{URL}/{enrollment.pk}/pause", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert api.get(f"{URL}/{enrollment.pk}").json()["status"] == "active"


@pytest.mark.parametrize("verb", ["pause", "resume", "skip-step"])
def test_an_sdr_acts_on_own_and_unowned_enrollments_a_manager_on_all(
    workspace: Workspace, enrollment: Enrollment, sequence: Sequence, manager_api: APIClient, verb: str
) -> None:
    other_api = log_in(join(workspace))
    assert other_api.get(f"{URL}/{enrollment.pk}").status_code == 200
    assert other_api.post(f"{URL}/{enrollment.pk}/{verb}").status_code == 403
    unowned = EnrollmentFactory(sequence=sequence, owner=None)
    assert other_api.post(f"{URL}/{unowned.pk}/{verb}").status_code == 200
    assert manager_api.post(f"{URL}/{enrollment.pk}/{verb}").status_code == 200


def test_logs_are_newest_first_and_paged(api: APIClient, enrollment: Enrollment) -> None:
    for minute in range(5):
        ExecutionLogFactory(enrollment=enrollment, at=NOW + timedelta(minutes=minute), message=str(minute))
    ExecutionLogFactory(enrollment=enrollment, at=NOW + timedelta(minutes=4), message="same time")
    first = api.get(f"{URL}/{enrollment.pk}/logs?page_size=4").json()
    assert set(first) == {"logs", "next", "previous"}
    assert first["previous"] is None
    rest = api.get(first["next"]).json()
    text = [line["message"] for line in first["logs"] + rest["logs"]]
    assert text == ["same time", "4", "3", "2", "1", "0"]
    assert rest["next"] is None


def test_lists_are_paged_by_cursor_filtered_and_ordered(api: APIClient, sequence: Sequence) -> None:
    made = EnrollmentFactory.create_batch(5, sequence=sequence)
    QuarantinedEnrollmentFactory(sequence=sequence)
    seen: list[int] = []
    link: str | None = f"{URL}?page_size=2&ordering=id&status=active"
    while link:
        page = api.get(link).json()
        assert set(page) == {"next", "previous", "results"}
        seen += [item["id"] for item in page["results"]]
        link = page["next"]
    assert seen == [item.pk for item in made]
    chosen = made[2]
    for query in (f"contact={chosen.contact_id}", f"mailbox={chosen.mailbox_id}"):
        assert [item["id"] for item in api.get(f"{URL}?{query}").json()["results"]] == [chosen.pk]
    assert api.get(f"{URL}?due_before=2026-03-02T10:00:00Z").json()["results"] == []
    assert len(api.get(f"{URL}?due_before=2026-03-02T10:00:01Z&status=active").json()["results"]) == 5


@pytest.mark.parametrize(
    "query",
    [
        "status=gone", "ordering=contact__email", "cursor=abc", "cursor=cD14", "sequence=x", "sequence=0",
        "sequence=99999999999999999999", "due_before=soon", "page_size=0", "page_size=x", "page_size=", "page_size=-1",
    ],
)  # fmt: skip
def test_lists_refuse_invalid_filters(api: APIClient, enrollment: Enrollment, query: str) -> None:
    answer = api.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_a_page_has_at_most_200_rows(api: APIClient, sequence: Sequence) -> None:
    EnrollmentFactory.create_batch(201, sequence=sequence)
    assert len(api.get(f"{URL}?page_size=1000").json()["results"]) == 200


def test_a_list_takes_the_same_statements_for_any_number_of_rows(api: APIClient, sequence: Sequence) -> None:
    def cost() -> int:
        with count_statements() as statements:
            assert api.get(f"{URL}?page_size=100").status_code == 200
        return statements.count

    EnrollmentFactory(sequence=sequence)
    cost()
    one = cost()
    EnrollmentFactory.create_batch(60, sequence=sequence)
    assert cost() == one


def test_enrolling_by_ids_lists_the_skipped_contacts(api: APIClient, sequence: Sequence, sdr: Any) -> None:
    workspace = sequence.workspace
    MailboxFactory(workspace=workspace, owner=sdr)
    fit, barred = ContactFactory(workspace=workspace), ContactFactory(workspace=workspace)
    SuppressionFactory(workspace=workspace, email=barred.email)
    foreign = ContactFactory()
    body = {"sequence": sequence.pk, "contacts": [fit.pk, barred.pk, foreign.pk]}
    answer = api.post(URL, body)
    assert answer.status_code == 201
    enrollment = Enrollment.objects.get(contact=fit)
    assert answer.json() == {
        "enrolled": [enrollment.pk],
        "skipped": [
            {
                "contact": barred.email,
                "code": "suppressed",
                "reason": "suppressed: manual: remove the suppression first",
                "override": None,
            },
            {
                "contact": str(foreign.pk),
                "code": "unknown_contact",
                "reason": "is not a contact of this workspace: add or import it first",
                "override": None,
            },
        ],
    }
    assert enrollment.owner_id == sdr.pk
    again = api.post(URL, body).json()
    assert again["enrolled"] == []
    assert (fit.email, "already_in_sequence") in [(left["contact"], left["code"]) for left in again["skipped"]]


def test_enrolling_by_address_takes_a_mailbox_and_a_start(manager_api: APIClient, sequence: Sequence, sdr: Any) -> None:
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=sdr)
    contact = ContactFactory(workspace=sequence.workspace, email="Bob@prospect.example")
    body = {
        "sequence": sequence.pk,
        "emails": ["bob@prospect.example ", "unknown@prospect.example"],
        "mailbox": mailbox.pk,
        "start_at": "2026-03-03T12:00:00+01:00",
    }
    answer = manager_api.post(URL, body).json()
    assert [left["contact"] for left in answer["skipped"]] == ["unknown@prospect.example"]
    enrollment = Enrollment.objects.get(contact=contact)
    assert answer["enrolled"] == [enrollment.pk]
    assert (enrollment.mailbox_id, enrollment.owner_id) == (mailbox.pk, sdr.pk)
    shown = manager_api.get(f"{URL}/{enrollment.pk}").json()
    assert shown["next_step_at"] == "2026-03-03T11:00:00Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"contacts": []}, {"contacts": None}, {"contacts": ["x"]}, {"contacts": [2**63]}, {"emails": ["a@b.example"]},
        {"sequence": 2**62}, {"sequence": "x"}, {"mailbox": 2**62}, {"owner": 2**31 - 1}, {"start_at": "soon"},
    ],
)  # fmt: skip
def test_enroll_refuses_bad_input(manager_api: APIClient, sequence: Sequence, changes: dict[str, Any]) -> None:
    contact = ContactFactory(workspace=sequence.workspace)
    mailbox = MailboxFactory(workspace=sequence.workspace)
    body = {"sequence": sequence.pk, "contacts": [contact.pk], "mailbox": mailbox.pk, **changes}
    assert manager_api.post(URL, body).status_code == 400
    assert not Enrollment.objects.exists()


def test_a_draft_accepts_no_enrollments(manager_api: APIClient, sequence: Sequence) -> None:
    Sequence.objects.update(status=SequenceStatus.DRAFT.value)
    contact = ContactFactory(workspace=sequence.workspace)
    answer = manager_api.post(URL, {"sequence": sequence.pk, "contacts": [contact.pk]})
    assert answer.status_code == 409
    assert "draft" in answer.json()["detail"]


def test_an_sdr_cannot_enroll_for_another_owner(api: APIClient, sequence: Sequence) -> None:
    colleague = join(sequence.workspace, Role.SDR)
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=colleague)
    contact = ContactFactory(workspace=sequence.workspace)
    body = {"sequence": sequence.pk, "contacts": [contact.pk]}
    assert api.post(URL, {**body, "owner": colleague.pk}).status_code == 403
    assert api.post(URL, {**body, "mailbox": mailbox.pk}).status_code == 403
    assert not Enrollment.objects.exists()


AGAIN = [{"again": "new budget"}, {"again": True, "reason": "new budget"}]


@pytest.mark.parametrize("again", AGAIN)
def test_again_is_for_managers(
    api: APIClient, manager_api: APIClient, sequence: Sequence, sdr: Any, again: dict[str, Any]
) -> None:
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=sdr)
    ended = CompletedEnrollmentFactory(sequence=sequence, status="auto_exited", auto_exit_reason="manual")
    body = {"sequence": sequence.pk, "contacts": [ended.contact_id], "mailbox": mailbox.pk}
    (skipped,) = api.post(URL, body).json()["skipped"]
    assert (skipped["code"], skipped["override"]) == ("had_sequence", "again")
    refused = api.post(URL, {**body, **again})
    assert (refused.status_code, Enrollment.objects.count()) == (403, 1)
    assert "A manager or an admin may enroll contacts again." in refused.json()["detail"]
    dry = manager_api.post(f"{URL}?dry_run=1", {**body, **again}).json()
    assert (len(dry["would_enroll"]), dry["skipped"], Enrollment.objects.count()) == (1, [], 1)
    (made,) = manager_api.post(URL, {**body, **again}).json()["enrolled"]
    enrollment = Enrollment.objects.get(pk=made)
    assert (enrollment.again_reason, enrollment.is_again) == ("new budget", True)
    assert enrollment.again_by == enrollment.again_by.strip() != ""


@pytest.mark.parametrize(
    "body",
    [{"again": True}, {"again": True, "reason": ""}, {"reason": "new budget"}, {"again": 1}, {"again": "x" * 501}],
)
def test_again_needs_a_reason(manager_api: APIClient, sequence: Sequence, sdr: Any, body: dict[str, Any]) -> None:
    mailbox = MailboxFactory(workspace=sequence.workspace, owner=sdr)
    contact = ContactFactory(workspace=sequence.workspace)
    answer = manager_api.post(
        URL, {"sequence": sequence.pk, "contacts": [contact.pk], "mailbox": mailbox.pk, **body}, format="json"
    )
    assert (answer.status_code, Enrollment.objects.count()) == (400, 0)


def test_again_false_overrides_nothing(api: APIClient, sequence: Sequence, sdr: Any) -> None:
    MailboxFactory(workspace=sequence.workspace, owner=sdr)
    contact = ContactFactory(workspace=sequence.workspace)
    answer = api.post(URL, {"sequence": sequence.pk, "contacts": [contact.pk], "again": False}, format="json")
    assert (answer.status_code, Enrollment.objects.get().again_reason) == (201, "")


def test_an_incomplete_contact_is_skipped_with_field_and_step(api: APIClient, sequence: Sequence, sdr: Any) -> None:
    MailboxFactory(workspace=sequence.workspace, owner=sdr)
    sequence.steps.filter(number=2).update(body="{{ contact.renewal_month }}")
    contact = ContactFactory(workspace=sequence.workspace)
    body = {"sequence": sequence.pk, "contacts": [contact.pk]}
    (skipped,) = api.post(URL, body).json()["skipped"]
    assert (skipped["code"], skipped["override"]) == ("incomplete", "allow_incomplete")
    assert skipped["missing"] == [{"step": 2, "part": "body", "field": "contact.renewal_month"}]
    assert len(api.post(URL, {**body, "allow_incomplete": True}).json()["enrolled"]) == 1


@pytest.mark.parametrize("at", ["5338-03-04T23:33:44-17:16", "0001-01-01T00:00:00%2B10:00", "yesterday"])
def test_an_impossible_time_is_a_400(api: APIClient, enrollment: Enrollment, at: str) -> None:
    assert api.get(f"{URL}?due_before={at}").status_code == (200 if at.startswith("5338") else 400)


def test_a_dry_run_forecasts_and_enrolls_no_contact(api: APIClient, sequence: Sequence, sdr: Any) -> None:
    contact = ContactFactory(workspace=sequence.workspace)
    MailboxFactory(workspace=sequence.workspace, owner=sdr)
    body = {"sequence": sequence.pk, "contacts": [contact.pk]}
    answer = api.post(f"{URL}?dry_run=1", body)
    assert answer.status_code == 200
    found = answer.json()["forecast"]
    assert list(found) == ["people", "on_time", "last_first_touch_at", "last_step_at", "text"]
    assert (found["people"], found["on_time"]) == (1, 1)
    assert found["last_first_touch_at"] == "2026-03-02T10:00:00Z"
    assert found["last_step_at"] > found["last_first_touch_at"]
    assert not Enrollment.objects.exists()
    assert list(api.post(URL, body).json()) == ["enrolled", "skipped"]


def test_the_order_of_enrolling_is_read_along_the_ids(api: APIClient, enrollment: Enrollment) -> None:
    """An index of `enrolled_at` would cost every enrollment; without one a page would sort all there are."""
    for _ in range(2):
        EnrollmentFactory(sequence=enrollment.sequence)
    ids = sorted(Enrollment.objects.values_list("pk", flat=True))
    for ordering, expected in (("enrolled_at", ids), ("-enrolled_at", ids[::-1])):
        found, url = [], f"{URL}?ordering={ordering}&page_size=2"
        while url:
            with CaptureQueriesContext(connection) as asked:
                page = api.get(url).json()
            orders = [query["sql"].partition("ORDER BY")[2] for query in asked]
            assert not [order for order in orders if "enrolled_at" in order]
            found += [row["id"] for row in page["results"]]
            url = page["next"]
        assert found == expected
