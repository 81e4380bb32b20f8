"""Stored scores: the statement agrees with the pure function, facts update them, branches are woken."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from emails.choices import EventType, Verdict
from emails.facts.events import NewEvent, record_events
from emails.facts.scores import explain_score, refresh_scores
from emails.facts.scoring import score
from emails.models import EmailEvent, EmailMessage
from execution.engine.backoff import Policy
from execution.insight.sequence_stats import read_stats
from execution.worker.options import Options
from execution.worker.runner import run_until_idle
from sequences.models import Contact
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    EmailEventFactory,
    EnrollmentFactory,
    MembershipFactory,
    SentMessageFactory,
    SplitStepFactory,
    StepFactory,
    TaskFactory,
    WorkspaceFactory,
)
from tests.support.admin_pages import log_in_staff

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


def record(message: EmailMessage, kind: str, at: Any = NOW, **fields: Any) -> None:
    name = f"{kind}:{message.pk}:{at}:{fields}"
    event = NewEvent(EventType(kind), "tests", name, at, message_pk=message.pk, **fields)
    assert record_events([event], NOW + WEEK) == 1


def stored(contact: Contact) -> int:
    contact.refresh_from_db()
    return contact.engagement_score


def test_the_statement_and_the_function_agree() -> None:
    dice = random.Random(7)
    contacts = []
    for _ in range(12):
        messages = [SentMessageFactory() for _ in range(3)]
        contact = messages[0].contact
        for number in range(dice.randrange(1, 12)):
            message = dice.choice(messages)
            EmailEventFactory(
                message=message, contact=contact, type=dice.choice(["opened", "clicked", "replied", "delivered"]),
                verdict=dice.choice(["human", "human", "machine", "pending"]),
                provider_event_id=f"{contact.pk}:{number}",
                occurred_at=NOW - timedelta(hours=dice.randrange(2_000)),
            )  # fmt: skip
        contacts.append(contact)
    Contact.objects.update(score_due_at=NOW)
    refresh_scores(NOW)
    found = [stored(contact) for contact in contacts]
    assert found == [score(explain_score(contact.pk, NOW)) for contact in contacts]
    assert len(set(found)) > 3


def test_human_events_count_at_once_and_machine_events_never() -> None:
    message = SentMessageFactory(contact__account=AccountFactory())
    record(message, "opened", verdict=Verdict.MACHINE)
    assert refresh_scores(NOW + WEEK) == 0
    record(message, "clicked", NOW + WEEK)
    record(message, "clicked", NOW + WEEK - timedelta(hours=1))
    assert refresh_scores(NOW + WEEK) == 1
    assert stored(message.contact) == 30
    assert refresh_scores(NOW + WEEK) == 0


def test_a_reply_that_opts_out_is_no_engagement() -> None:
    message = SentMessageFactory()
    record(message, "replied", NOW + WEEK)
    refresh_scores(NOW + WEEK)
    assert stored(message.contact) == 60
    record(message, "unsubscribed", NOW + WEEK)
    refresh_scores(NOW + WEEK)
    assert stored(message.contact) == 0
    assert explain_score(message.contact_id, NOW + WEEK) == []


def test_a_reply_that_opts_out_is_no_reply_in_the_statistics() -> None:
    step = StepFactory()
    message = SentMessageFactory(enrollment=EnrollmentFactory(sequence=step.sequence), step=step)
    record(message, "replied", NOW + WEEK)
    assert read_stats(step.sequence_id).steps[0]["replied"] == 1
    record(message, "unsubscribed", NOW + WEEK)
    found = read_stats(step.sequence_id).steps[0]
    assert (found["replied"], found["unsubscribed"]) == (0, 1)


def test_an_account_score_is_the_sum_of_its_contacts() -> None:
    account = AccountFactory()
    for _ in range(2):
        contact = ContactFactory(account=account, workspace=account.workspace)
        enrollment = EnrollmentFactory(contact=contact, sequence__workspace=account.workspace)
        record(SentMessageFactory(enrollment=enrollment), "clicked", NOW + WEEK)
    refresh_scores(NOW + WEEK)
    account.refresh_from_db()
    assert account.engagement_score == 60


def test_scores_decay_to_zero_and_are_then_not_updated() -> None:
    message = SentMessageFactory()
    record(message, "clicked", NOW + WEEK)
    refresh_scores(NOW + WEEK)
    assert refresh_scores(NOW + WEEK + timedelta(hours=23)) == 0
    assert refresh_scores(NOW + 3 * WEEK) == 1
    assert stored(message.contact) == 15
    now = NOW + 4 * WEEK
    while message.contact.score_due_at is not None:
        refresh_scores(now)
        now += 4 * WEEK
        message.contact.refresh_from_db()
    assert stored(message.contact) == 0


def test_a_score_change_wakes_a_branch_on_the_score() -> None:
    split = SplitStepFactory(
        condition_type="engagement_score", condition_config={"operator": "at_least", "value": "20", "wait_hours": 48}
    )
    waiting = EnrollmentFactory(sequence=split.sequence, current_step=split, wake_at=NOW + 9 * WEEK)
    other = SentMessageFactory(
        enrollment=EnrollmentFactory(
            contact=waiting.contact, sequence=StepFactory(sequence__workspace=waiting.workspace).sequence
        )
    )
    record(other, "clicked", NOW + WEEK)
    refresh_scores(NOW + WEEK)
    waiting.refresh_from_db()
    assert waiting.wake_at == NOW + WEEK


def test_emails_to_hot_contacts_leave_first() -> None:
    step = StepFactory()
    cold, hot = (EnrollmentFactory(sequence=step.sequence, contact__engagement_score=score) for score in (0, 90))
    run_until_idle(Options(policy=Policy(), stage="decide"), lambda: NOW)  # type: ignore[arg-type]
    order = EmailMessage.objects.order_by("lane_order_at").values_list("contact_id", flat=True)
    assert list(order) == [hot.contact_id, cold.contact_id]


def test_the_parts_are_shown_in_the_admin_and_by_the_api() -> None:
    message = SentMessageFactory()
    EmailEventFactory(message=message, contact=message.contact, type="clicked", occurred_at=NOW, verdict="human")
    client: Client = log_in_staff(message.workspace)
    page = client.get(reverse("admin:sequences_contact_change", args=[message.contact_id])).content.decode()
    assert "points: 1 click, the latest" in page
    api = APIClient()
    api.force_authenticate(MembershipFactory(workspace=message.workspace).user)
    answer = api.get(f"/api/contacts/{message.contact_id}/engagement")
    assert [(part["type"], part["count"]) for part in answer.data["parts"]] == [("clicked", 1)]
    assert EmailEvent.objects.count() == 1


def test_tasks_of_hot_contacts_come_first() -> None:
    workspace = WorkspaceFactory()
    for points in (5, 80, 40):
        contact = ContactFactory(workspace=workspace, engagement_score=points, email=f"p{points}@x.example")
        enrollment = EnrollmentFactory(contact=contact, sequence__workspace=workspace)
        TaskFactory(enrollment=enrollment, due_at=NOW - timedelta(days=points))
    page = log_in_staff(workspace).get(reverse("admin:tasks_app_task_changelist")).content.decode().replace("<wbr>", "")
    assert page.index("p80@x.example") < page.index("p40@x.example") < page.index("p5@x.example")
    api = APIClient()
    api.force_authenticate(MembershipFactory(workspace=workspace).user)
    listed = api.get("/api/tasks?ordering=-contact__engagement_score").data["results"]
    assert [row["contact"] for row in listed] == list(
        Contact.objects.order_by("-engagement_score").values_list("pk", flat=True)
    )
    page_by_page, url = [], "/api/tasks?ordering=-contact__engagement_score&page_size=2"
    while url:
        answer = api.get(url).data
        page_by_page += [row["contact"] for row in answer["results"]]
        url = answer["next"]
    assert page_by_page == [row["contact"] for row in listed]
