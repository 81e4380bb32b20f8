"""Variants of an email step over the API: made, refused, previewed, switched; sent and reported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from emails.models import EmailMessage
from execution.engine.policy import engine_policy
from execution.engine.tick import run_tick
from execution.insight.troubles import find_troubles
from execution.maintenance.stop_variants import stop_harmful_variants
from execution.models import ControlLog
from sequences.authoring.queries import load_draft
from sequences.models import Enrollment, Sequence, Step, Workspace
from sequences.yaml.export import export_sequence
from sequences.yaml.form import YamlFormError, parse_text
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    ContactFactory,
    EmailEventFactory,
    EnrollmentFactory,
    MailboxFactory,
    ReplyFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    UserFactory,
)
from tests.faults.driving import DrivenClock

A = {"key": "A", "weight": 1, "subject": "First {{ contact.first_name }}", "body": "One"}
B = {"key": "B", "weight": 1, "subject": "Second", "body": "Two"}


@pytest.fixture
def step(workspace: Workspace) -> Step:
    made: Step = StepFactory(sequence=SequenceFactory(workspace=workspace), subject="", body="", variants=[A, B])
    return made


@pytest.mark.django_db
def test_a_step_is_made_with_variants_and_exported_with_them(manager_api: APIClient, workspace: Workspace) -> None:
    steps = [
        {"type": "email", "variants": [A, B]},
        {"type": "email", "subject": "", "body": "Again", "delay_days": 2},
    ]
    answer = manager_api.post("/api/sequences", {"workspace": workspace.pk, "name": "Compared", "steps": steps})
    assert answer.status_code == 201, answer.json()
    assert answer.json()["steps"][0]["variants"] == [A, B]
    draft = load_draft(Sequence.objects.get(pk=answer.json()["id"]))
    text = export_sequence(draft)
    read = parse_text("compared.yaml", text.encode()).draft
    assert [each.variants for each in read.steps] == [each.variants for each in draft.steps]
    stored = manager_api.patch(f"/api/steps/{answer.json()['steps'][0]['id']}", {"variants": [A, {**B, "weight": 0}]})
    assert stored.json()["step"]["variants"][1]["weight"] == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("variants", "text"),
    [
        ([A, {"key": "B", "subject": "S", "body": "Text"}], "Variant 2 has no weight: give it one."),
        ([A, {**B, "key": "A"}], "Two variants have the key 'A': give each a key of its own."),
        ([A], "One variant alone has nothing to compare with: add another, or use subject and body."),
        ([A, {**B, "body": "{{ contact.first_name"}], "variant B body"),
        ([A, {**B, "body": "{{ contact.first_nam }}"}], "variant B body line 1"),
        ([A, {**B, "subject": ""}], "the subject is empty, and on some path no earlier email is there to reply to"),
    ],
)
def test_a_bad_variant_is_refused_and_changes_nothing(
    manager_api: APIClient, step: Step, variants: Any, text: str
) -> None:
    Sequence.objects.filter(pk=step.sequence_id).update(status="active")
    answer = manager_api.patch(f"/api/steps/{step.pk}", {"variants": variants})
    assert answer.status_code == 400
    assert text in answer.content.decode().replace("\\", "").replace("&#x27;", "'")
    step.refresh_from_db()
    assert step.variants == [A, B]


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        ("[{key: A, weight: 1, body: x}, {key: B, body: y}]", "f.yaml:3: step 1 (email): variant 2 has no weight"),
        ("[{key: A, weight: 1, body: x}]", "one variant alone"),
        ("[{key: A, weight: 1, body: x}, {key: B, weight: some, body: y}]", "weight must be a whole number"),
        ("[{key: A, weight: 1, body: x}, {key: B, wait: 1, body: y}]", "unknown key 'wait'"),
    ],
)
def test_a_file_with_bad_variants_names_the_line(yaml: str, text: str) -> None:
    with pytest.raises(YamlFormError) as refused:
        parse_text("f.yaml", f"name: X\nsteps:\n  - email: {{variants: {yaml}}}\n".encode())
    assert text in str(refused.value)
    assert len(refused.value.problems) == 1


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def queue_all() -> None:
    run_tick(NOW, 100, engine_policy())


@pytest.mark.django_db(transaction=True)
def test_each_contact_gets_what_the_preview_says_and_replies_stay_in_its_thread(
    server: MailServer, manager_api: APIClient, workspace: Workspace, step: Step
) -> None:
    StepFactory(sequence=step.sequence, subject="", body="Any thoughts?", delay_days=1)
    mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port, gap_seconds=0, jitter_seconds=0)
    for name in range(12):
        contact = ContactFactory(workspace=workspace, first_name=f"Ann{name}")
        EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, contact=contact)
    sent: dict[str, str] = {}
    for each in Enrollment.objects.select_related("contact"):
        seen = manager_api.post(f"/api/sequences/{step.sequence_id}/preview", {"contact": each.contact_id}).json()
        shown = manager_api.post(f"/api/steps/{step.pk}/render", {"contact": each.contact_id}).json()
        assert seen["steps"][0]["variant"] == shown["variant"]
        sent[each.contact.email] = shown["subject"]
    clock = DrivenClock()
    clock.run_through(NOW + timedelta(days=3))
    subjects: dict[str, list[str]] = {}
    for message in EmailMessage.objects.order_by("visit"):
        subjects.setdefault(message.recipient, []).append(message.subject)
    assert subjects == {address: [subject, f"Re: {subject}"] for address, subject in sent.items()}
    assert {first.split()[0] for first, _ in subjects.values()} == {"First", "Second"}
    report = manager_api.get("/api/reports/engagement?group_by=variant&from=2026-02-01&to=2026-04-01").json()
    by_key = {row["variant"]: row["sent"] for row in report["results"]}
    assert by_key == {
        "A": sum(subject.startswith("First") for subject in sent.values()),
        "B": sum(subject.startswith("Second") for subject in sent.values()),
        None: 12,
    }


@pytest.mark.django_db(transaction=True)
def test_switching_a_variant_off_reaches_what_is_queued_and_not_what_was_sent(
    server: MailServer, manager_api: APIClient, workspace: Workspace, step: Step
) -> None:
    mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port, gap_seconds=0, jitter_seconds=0)
    for _ in range(8):
        EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, contact__first_name="Ann")
    queue_all()
    queued = dict(EmailMessage.objects.values_list("pk", "variant"))
    of_b = [pk for pk, variant in queued.items() if variant == "B"]
    assert 0 < len(of_b) < 8
    more = manager_api.patch(f"/api/steps/{step.pk}", {"variants": [A, {**B, "weight": 900}, {**B, "key": "C"}]})
    assert more.json()["impact"]["warnings"] == []
    off = [A, {**B, "weight": 0}]
    impact = manager_api.patch(f"/api/steps/{step.pk}?dry_run=1", {"variants": off}).json()["impact"]
    assert f"{len(of_b)} queued email" in impact["warnings"][0]
    manager_api.patch(f"/api/steps/{step.pk}", {"variants": off})
    assert dict(EmailMessage.objects.values_list("pk", "variant")) == queued
    DrivenClock().run_through(NOW + timedelta(hours=2))
    assert set(EmailMessage.objects.values_list("status", "variant")) == {("sent", "A")}
    assert len(server.messages) == 8


@pytest.mark.django_db
def test_a_contact_that_one_variant_cannot_be_written_for_is_not_enrolled(
    manager_api: APIClient, workspace: Workspace, step: Step
) -> None:
    contact = ContactFactory(workspace=workspace, first_name="")
    MailboxFactory(workspace=workspace, address="kim@sender.example")
    body = {"sequence": step.sequence_id, "contacts": [contact.pk], "mailbox": "kim@sender.example"}
    Sequence.objects.filter(pk=step.sequence_id).update(status="active")
    skipped = manager_api.post("/api/sequence-enrollments", body).json()["skipped"]
    assert skipped[0]["missing"] == [{"step": 1, "part": "subject", "field": "contact.first_name", "variant": "A"}]


@pytest.mark.django_db(transaction=True)
def test_who_had_a_text_as_a_variant_does_not_get_it_again_as_another_step(
    server: MailServer, workspace: Workspace, step: Step
) -> None:
    StepFactory(sequence=step.sequence, subject=B["subject"], body=B["body"], delay_days=1)
    mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port, gap_seconds=0, jitter_seconds=0)
    for _ in range(8):
        EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, contact__first_name="Ann")
    DrivenClock().run_through(NOW + timedelta(days=3))
    had: dict[int, list[str]] = {}
    for message in EmailMessage.objects.filter(status="sent").order_by("visit"):
        had.setdefault(message.enrollment_id, []).append(message.variant)
    assert sorted(map(tuple, had.values())) == [("A", "")] * sum(each[0] == "A" for each in had.values()) + [
        ("B",)
    ] * sum(each[0] == "B" for each in had.values())
    assert {each[0] for each in had.values()} == {"A", "B"}


@pytest.mark.django_db
def test_figures_say_what_they_show_and_how_many_emails_are_needed(
    api: APIClient, workspace: Workspace, step: Step
) -> None:
    url = f"/api/steps/{step.pk}/variants"
    before = api.get(url).json()
    assert before["needed"] == {
        "base_rate": 0.02, "is_assumed": True, "difference": 0.02, "sends": 1141, "sends_when_looking": 1997,
        "power": 0.8, "alpha": 0.05,
    }  # fmt: skip
    assert (before["verdict"], before["better"]) == ("no_difference_shown", None)
    mailbox = MailboxFactory(workspace=workspace)
    for place in range(60):
        person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
        sent = SentMessageFactory(enrollment=person, step=step, variant="AB"[place % 2], content_hash=None)
        if not place % 2 and place < 40:
            EmailEventFactory(message=sent, type="unsubscribed")
        if place % 2 and place < 52:
            ReplyFactory(message=sent, found_intent="interested")
    after = api.get(url, {"difference": "0.1"}).json()
    assert (after["verdict"], after["better"]) == ("better", "B")
    assert after["detail"].startswith("B is better: 60 delivered, ")
    assert (before["harmful"], after["harmful"]) == ([], ["A"])
    assert after["detail"].endswith(
        "A has clearly more opt-outs, complaints and bounces than the others: switch it off."
    )
    assert [(each["key"], each["delivered"], each["positive"]) for each in after["variants"]] == [
        ("A", 30, 0),
        ("B", 30, 26),
    ]
    assert after["variants"][1]["positive_rate_low"] < 86.67 < after["variants"][1]["positive_rate_high"]
    report = api.get("/api/reports/engagement?group_by=variant&from=2026-02-01&to=2026-04-01").json()
    assert [(row["variant"], row["positive"]) for row in report["results"]] == [("A", 0), ("B", 26)]
    assert report["results"][1]["positive_rate_low"] == after["variants"][1]["positive_rate_low"]
    assert api.get(url, {"difference": "0"}).status_code == 400


def _harm(step: Step, harmed: str, number: int = 40) -> None:
    """`number` emails of each variant; every other one of `harmed` ended in an opt-out."""
    mailbox = MailboxFactory(workspace=step.workspace)
    for place in range(2 * number):
        person = EnrollmentFactory(sequence=step.sequence, mailbox=mailbox)
        sent = SentMessageFactory(enrollment=person, step=step, variant="AB"[place % 2], content_hash=None)
        if sent.variant == harmed and place % 4 < 2:
            EmailEventFactory(message=sent, type="unsubscribed")


@pytest.mark.django_db
def test_a_variant_that_does_harm_is_stopped_once_and_its_owner_is_told(workspace: Workspace, step: Step) -> None:
    owner = UserFactory(email="owner@sender.example")
    Sequence.objects.filter(pk=step.sequence_id).update(status="active", owner=owner)
    assert stop_harmful_variants(NOW) == 0
    _harm(step, "A")
    assert stop_harmful_variants(NOW) == 1
    step.refresh_from_db()
    assert [each["weight"] for each in step.variants] == [0, 1]
    log = ControlLog.objects.get(target="sequence", action="edited")
    assert (log.actor, log.reason.split(":")[0]) == ("executor", "stopped variant A of step 1")
    (told,) = (each for each in find_troubles(NOW + timedelta(hours=1)) if each.key.startswith("variant:"))
    assert "owner@sender.example" in told.to
    assert not any(each.key.startswith("variant:") for each in find_troubles(NOW + timedelta(days=4)))
    # the last that is on goes on, and so does one that a user has switched on again
    assert stop_harmful_variants(NOW) == 0
    Step.objects.filter(pk=step.pk).update(variants=[A, B])
    assert stop_harmful_variants(NOW) == 0
