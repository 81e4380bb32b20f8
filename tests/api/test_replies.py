"""`/api/replies`: who reads which, what a classification leads to, answers, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.choices import ReplyIntent
from emails.models import Answer, EmailMessage, Reply, ReplyCorrection, Suppression
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment
from tasks_app.models import Task
from tests.api.conftest import join
from tests.factories import NOW, EnrollmentFactory, MailboxFactory, ReplyFactory, SentMessageFactory, StepFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reply(enrollment: Enrollment) -> Reply:
    row: Reply = ReplyFactory(
        message=SentMessageFactory(enrollment=enrollment, at=NOW - timedelta(hours=2)), at=NOW - timedelta(hours=1)
    )
    return row


def post(api: APIClient, reply: Reply, action: str, **body: Any) -> Any:
    return api.post(f"/api/replies/{reply.pk}/{action}", body, format="json")


def test_a_reply_is_read_with_its_thread_in_order(api: APIClient, reply: Reply) -> None:
    listed = api.get("/api/replies").json()["results"]
    assert [(row["id"], row["intent"], row["email"]) for row in listed] == [
        (reply.pk, "interested", reply.contact.email)
    ]
    shown = api.get(f"/api/replies/{reply.pk}").json()
    assert shown["text"] == "Sounds interesting. When can we talk?"
    assert {"quoted", "html_text", "attachments", "contact", "enrollment"} <= shown.keys()
    assert [entry["kind"] for entry in shown["thread"]] == ["email", "reply"]
    assert shown["cannot_answer"] == ""


def test_an_sdr_reads_replies_of_own_enrollments_and_mailboxes_a_manager_all(
    api: APIClient, manager_api: APIClient, stranger_api: APIClient, reply: Reply
) -> None:
    colleague = join(reply.workspace)
    sequence = StepFactory(sequence__workspace=reply.workspace).sequence
    mailbox = MailboxFactory(workspace=reply.workspace, owner=colleague)
    enrollment = EnrollmentFactory(sequence=sequence, mailbox=mailbox, owner=colleague)
    foreign = ReplyFactory(message=SentMessageFactory(enrollment=enrollment))
    assert [row["id"] for row in api.get("/api/replies").json()["results"]] == [reply.pk]
    assert api.get(f"/api/replies/{foreign.pk}").status_code == 404
    assert post(api, foreign, "answer", body="Hello").status_code == 404
    assert {row["id"] for row in manager_api.get("/api/replies").json()["results"]} == {reply.pk, foreign.pk}
    assert stranger_api.get("/api/replies").json()["results"] == []
    assert stranger_api.get(f"/api/replies/{reply.pk}").status_code == 404


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("intent=interested", True),
        ("intent=opt_out", False),
        ("is_handled=false", True),
        ("is_handled=true", False),
        ("received_after=2026-03-01T00:00:00Z", True),
        ("received_after=2026-03-02T10:00:00Z", False),
    ],
)
def test_filters(api: APIClient, reply: Reply, query: str, is_found: bool) -> None:
    assert bool(api.get(f"/api/replies?{query}").json()["results"]) is is_found


def test_filters_by_what_it_belongs_to(api: APIClient, reply: Reply, sdr: Any) -> None:
    assert reply.enrollment is not None
    own = {"mailbox": reply.mailbox_id, "owner": sdr.pk, "sequence": reply.enrollment.sequence_id}
    for name, value in own.items():
        assert len(api.get(f"/api/replies?{name}={value}").json()["results"]) == 1
        assert api.get(f"/api/replies?{name}=999999").json()["results"] == []


def test_classifying_as_opt_out_suppresses_and_keeps_who_corrected(api: APIClient, reply: Reply, sdr: Any) -> None:
    answer = post(api, reply, "classify", intent="opt_out")
    assert answer.status_code == 200
    assert answer.json()["reply"]["intent"] == "opt_out"
    assert "suppressed" in answer.json()["consequences"][0]
    assert Suppression.objects.filter(email=reply.contact.email.lower()).exists()
    correction = ReplyCorrection.objects.get()
    assert (correction.actor, correction.intent_before, correction.intent_after) == (
        sdr.email, "interested", "opt_out",
    )  # fmt: skip
    assert post(api, reply, "classify", intent="opt_out").json()["consequences"] == []
    assert ReplyCorrection.objects.count() == 1
    refused = post(api, reply, "answer", body="Hello")
    assert refused.status_code == 409
    assert "opted out" in refused.json()["detail"]
    figures = {row["intent"]: row for row in api.get("/api/replies/figures").json()["intents"]}
    assert figures["interested"] == {"intent": "interested", "found": 1, "classified": 1, "corrected": 1, "missed": 0}
    assert figures["opt_out"]["missed"] == 1


def test_not_now_plans_a_task_on_that_day(api: APIClient, reply: Reply, sdr: Any) -> None:
    answer = post(api, reply, "classify", intent="not_now", until="2026-06-01")
    assert answer.json()["consequences"] == ["A task is planned for 2026-06-01."]
    task = Task.objects.get()
    assert (task.due_at.date().isoformat(), task.assignee, task.enrollment) == ("2026-06-01", sdr, None)


def test_not_now_enrolls_again_where_a_manager_names_a_sequence(
    api: APIClient, manager_api: APIClient, reply: Reply
) -> None:
    Enrollment.objects.filter(replies=reply).update(
        status="replied", completed_at=NOW, auto_exit_reason="replied", wake_at=None, next_step_at=None
    )
    other = StepFactory(sequence__workspace=reply.workspace).sequence
    body = {"intent": "not_now", "until": "2026-06-01", "sequence": other.pk}
    by_sdr = post(api, reply, "classify", **body).json()["consequences"]
    assert "was not enrolled" in by_sdr[0]
    assert "task" in by_sdr[1]
    assert post(api, reply, "classify", intent="unclear").status_code == 200
    by_manager = post(manager_api, reply, "classify", **body).json()["consequences"]
    assert by_manager == [f"{reply.contact.email} enters {other.name} on 2026-06-01."]
    enrolled = Enrollment.objects.get(sequence=other)
    assert enrolled.next_step_at is not None
    assert enrolled.next_step_at.date().isoformat() == "2026-06-01"


def test_a_referral_adds_the_contact_and_a_task(api: APIClient, reply: Reply) -> None:
    answer = post(api, reply, "classify", intent="referral", referral="Carol@Prospect.example ")
    assert answer.status_code == 200
    assert Contact.objects.filter(workspace=reply.workspace, email__iexact="carol@prospect.example").count() == 1
    assert Task.objects.get().title == "Referral: write to Carol@prospect.example"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"intent": "happy"}, "intent"),
        ({"intent": "interested", "until": "2026-06-01"}, "until"),
        ({"intent": "not_now", "until": "2026-01-01"}, "until"),
        ({"intent": "not_now", "until": "2036-01-01"}, "until"),
        ({"intent": "referral"}, "referral"),
        ({"intent": "referral", "referral": "no-address"}, "referral"),
        ({"intent": "interested", "referal": "x@y.example"}, "referal"),
        ({"intent": "not_now", "sequence": 1, "until": "2026-06-01"}, "sequence"),
    ],
)
def test_what_does_not_fit_is_refused(api: APIClient, reply: Reply, body: dict[str, Any], key: str) -> None:
    answer = post(api, reply, "classify", **body)
    assert answer.status_code == 400
    assert key in answer.json()["errors"]
    assert not ReplyCorrection.objects.exists()


def test_an_answer_is_queued_first_in_its_lane_and_moves_no_enrollment(api: APIClient, reply: Reply) -> None:
    assert reply.enrollment is not None
    before = Enrollment.objects.filter(replies=reply).values().get()
    answer = post(api, reply, "answer", body="**Gladly.**")
    assert answer.status_code == 200
    message = EmailMessage.objects.get(pk=answer.json()["id"])
    assert (message.status, message.is_answer, message.step, message.recipient) == ("queued", True, None, reply.sender)
    assert Answer.objects.get().body == "**Gladly.**"
    assert Enrollment.objects.filter(replies=reply).values().get() == before
    reply.refresh_from_db()
    assert reply.is_handled
    assert ExecutionLog.objects.get(action="answered").enrollment == reply.enrollment


@pytest.mark.parametrize("body", ["", "   ", "<script>alert(1)</script>"])
def test_an_empty_answer_is_refused(api: APIClient, reply: Reply, body: str) -> None:
    assert post(api, reply, "answer", body=body).status_code in {400, 409}
    assert not Answer.objects.exists()


def test_dry_runs_store_nothing(api: APIClient, reply: Reply) -> None:
    for action, body in (
        ("answer", {"body": "Gladly."}),
        ("handled", {}),
        ("classify", {"intent": "not_now", "until": "2026-06-01"}),
    ):
        answer = post(api, reply, action, dry_run=True, **body)
        assert answer.status_code == 200
        assert answer.json()["is_dry_run"] is True
    reply.refresh_from_db()
    assert (reply.intent, reply.is_handled) == (ReplyIntent.INTERESTED, False)
    assert not Answer.objects.exists()
    assert not Task.objects.exists()


def test_handled_and_open_again(api: APIClient, reply: Reply, sdr: Any) -> None:
    assert post(api, reply, "handled").json()["handled_by"] == sdr.email
    assert post(api, reply, "handled", is_handled=False).json()["is_handled"] is False


def test_an_etag_of_the_detail_guards_a_classification(api: APIClient, reply: Reply) -> None:
    etag = api.get(f"/api/replies/{reply.pk}").headers["ETag"]
    path = f"/api/replies/{reply.pk}/classify"
    first = api.post(path, {"intent": "not_interested"}, format="json", HTTP_IF_MATCH=etag)
    assert first.status_code == 200
    assert api.post(path, {"intent": "unclear"}, format="json", HTTP_IF_MATCH=etag).status_code == 412


def test_a_list_costs_the_same_for_one_and_many(
    api: APIClient, reply: Reply, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        ReplyFactory(message=SentMessageFactory(enrollment=EnrollmentFactory(
            sequence=reply.enrollment.sequence, mailbox=reply.mailbox, owner=reply.enrollment.owner,  # type: ignore[union-attr]
        )))  # fmt: skip
    with django_assert_max_num_queries(8):
        assert len(api.get("/api/replies").json()["results"]) == 6
