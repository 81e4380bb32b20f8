"""`/api/sequences`: written, validated, activated, previewed, moved as YAML; by managers only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from execution.models import ControlLog
from sequences.models import Enrollment, Sequence, Step, Workspace
from simulation.mail_server import MailServer
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    ContactFactory,
    EmailEventFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    StepFactory,
    TaskStepFactory,
)

STEPS: list[dict[str, Any]] = [
    {"type": "email", "name": "Intro", "subject": "Hello", "body": "Hi {{ contact.first_name }}"},
    {
        "type": "conditional_split",
        "condition_type": "email_opened",
        "condition_config": {"wait_hours": 48},
        "if_true_goto": "call",
        "if_false_goto": None,
    },
    {"type": "task", "key": "call", "name": "Call", "task_type": "call", "delay_days": 1, "send_time": "09:30"},
]


def create(api: APIClient, **fields: Any) -> Any:
    return api.post("/api/sequences", {"name": "Warm intro", "steps": STEPS, **fields})


def test_a_sequence_is_created_with_its_steps_and_activated(manager_api: APIClient, workspace: Workspace) -> None:
    answer = create(manager_api, priority=10, window={"mon-fri": ["09:00-17:00"]})
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["status"], made["priority"], made["workspace"]) == ("draft", 10, workspace.pk)
    _, split, call = made["steps"]
    assert (split["if_true_goto"], split["if_false_goto"]) == (call["id"], None)
    assert (call["send_time"], call["delay_days"], call["number"]) == ("09:30:00", 1, 3)

    path = f"/api/sequences/{made['id']}"
    assert manager_api.get(f"{path}/validate").json() == {"valid": True, "problems": []}
    assert manager_api.post(f"{path}/activate").json()["status"] == "active"
    paused = manager_api.post(f"{path}/pause", {"reason": "holidays"}).json()
    assert (paused["status"], paused["pause_reason"]) == ("paused", "holidays")
    assert manager_api.post(f"{path}/resume").json()["status"] == "active"
    assert manager_api.post(f"{path}/archive").json()["status"] == "archived"
    assert manager_api.post(f"{path}/resume").status_code == 409
    history = manager_api.get(f"{path}/history").json()["results"]
    assert [row["action"] for row in history] == ["archived", "resumed", "paused", "activated", "created"]


def test_activating_an_invalid_sequence_names_the_problems(manager_api: APIClient) -> None:
    made = create(manager_api, steps=[{**STEPS[0], "body": "Hi {{ contact.firstname }}"}]).json()
    assert made["errors"]["steps"][0]["body"][0].endswith("did you mean contact.first_name?")
    unknown = create(manager_api, steps=[{**STEPS[1], "if_true_goto": "nowhere"}]).json()
    assert "nowhere" in unknown["errors"]["steps"][0]["if_true_goto"][0]
    twice = create(manager_api, steps=[{**STEPS[2]}, {**STEPS[2]}]).json()
    assert twice["errors"]["steps"][1] == {"key": ["Two steps of this request are call."]}
    assert create(manager_api, window={"someday": ["9-5"]}).status_code == 400
    assert not Sequence.objects.exists()


def test_a_draft_may_still_be_empty_and_cannot_be_activated(manager_api: APIClient) -> None:
    made = create(manager_api, steps=[]).json()
    answer = manager_api.post(f"/api/sequences/{made['id']}/activate")
    assert answer.status_code == 409
    assert "no steps" in answer.json()["detail"]


def test_a_sequence_name_is_unique(manager_api: APIClient) -> None:
    first = create(manager_api).json()
    assert create(manager_api).json()["errors"]["name"][0].startswith("the workspace has a sequence 'Warm intro'")
    second = create(manager_api, name="Other").json()
    answer = manager_api.patch(f"/api/sequences/{second['id']}", {"name": "Warm intro"})
    assert answer.status_code == 409
    assert manager_api.delete(f"/api/sequences/{first['id']}").status_code == 204
    assert manager_api.patch(f"/api/sequences/{second['id']}", {"name": "Warm intro"}).status_code == 200


def test_only_drafts_are_deleted(manager_api: APIClient, sequence: Sequence) -> None:
    answer = manager_api.delete(f"/api/sequences/{sequence.pk}")
    assert answer.status_code == 409
    assert "archive it instead" in answer.json()["detail"]
    assert Sequence.objects.filter(pk=sequence.pk).exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("patch", "sequences/{sequence}", {"name": "Mine"}),
        ("put", "sequences/{sequence}", {"name": "Mine"}),
        ("delete", "sequences/{sequence}", {}),
        ("post", "sequences/{sequence}/activate", {}),
        ("post", "sequences/{sequence}/pause", {}),
        ("post", "sequences/{sequence}/resume", {}),
        ("post", "sequences/{sequence}/archive", {}),
        ("post", "sequences/{sequence}/steps", STEPS[0]),
        ("post", "sequences/import", {"yaml": "name: X\nsteps: [delay: {days: 1}]", "activate": True}),
        ("patch", "steps/{step}", {"name": "Mine"}),
        ("post", "steps/{step}/move", {"position": 2}),
        ("delete", "steps/{step}", {}),
    ],
)
def test_an_sdr_changes_no_sequence_of_the_workspace(
    api: APIClient, sequence: Sequence, method: str, path: str, body: dict[str, Any]
) -> None:
    step = sequence.steps.get(number=1)
    before = list(Step.objects.order_by("pk").values()), list(Sequence.objects.order_by("pk").values())
    answer = getattr(api, method)("/api/" + path.format(sequence=sequence.pk, step=step.pk), body)
    assert answer.status_code == 403
    assert before == (list(Step.objects.order_by("pk").values()), list(Sequence.objects.order_by("pk").values()))


def test_a_sequence_is_exported_and_imported_as_yaml(manager_api: APIClient) -> None:
    made = create(manager_api).json()
    exported = manager_api.get(f"/api/sequences/{made['id']}/export")
    assert exported.headers["Content-Type"].startswith("application/yaml")
    text = exported.content.decode().replace("name: Warm intro", "name: Copied", 1)
    dry = manager_api.post("/api/sequences/import?dry_run=1", {"yaml": text}).json()
    assert (dry["name"], len(dry["steps"]), dry["impact"]["is_dry_run"]) == ("Copied", 3, True)
    assert Sequence.objects.count() == 1
    file = SimpleUploadedFile("copied.yaml", text.encode())
    kept = manager_api.post("/api/sequences/import", {"file": file, "activate": "true"}, format="multipart").json()
    assert (kept["name"], kept["status"]) == ("Copied", "active")
    assert [step["type"] for step in kept["steps"]] == [step["type"] for step in STEPS]
    broken = manager_api.post("/api/sequences/import", {"yaml": "name: X\nstep: []"}).json()
    assert broken["errors"]["yaml"][0].startswith("yaml:2:")


def test_a_duplicate_has_no_enrollments(manager_api: APIClient, sequence: Sequence) -> None:
    EnrollmentFactory(sequence=sequence)
    path = f"/api/sequences/{sequence.pk}/duplicate"
    first, second = manager_api.post(path).json(), manager_api.post(path).json()
    assert (first["name"], second["name"]) == (f"{sequence.name} copy", f"{sequence.name} copy 2")
    assert (first["status"], len(first["steps"])) == ("draft", 2)
    assert Enrollment.objects.filter(sequence=first["id"]).count() == 0
    assert manager_api.post(path, {"name": sequence.name}).status_code == 400


def test_the_preview_shows_the_plan_of_a_contact(api: APIClient, sequence: Sequence) -> None:
    contact = ContactFactory(workspace=sequence.workspace, timezone="Europe/Berlin")
    path = f"/api/sequences/{sequence.pk}/preview"
    asked = api.get(path, {"contact": contact.pk, "start_at": "2026-03-02T10:00:00Z"}).json()
    assert [step["earliest_at"] for step in asked["steps"]] == ["2026-03-02T10:00:00Z", "2026-03-04T10:00:00Z"]
    assert api.post(path, {"email": contact.email}).json()["timezone"] == "UTC"
    assert api.get(path).status_code == 400
    foreign = ContactFactory()
    assert api.get(path, {"contact": foreign.pk}).status_code == 400


def test_figures_count_contacts_and_results_of_emails(
    api: APIClient, sequence: Sequence, django_assert_num_queries: Any
) -> None:
    intro = sequence.steps.get(number=1)
    for _ in range(2):
        message = SentMessageFactory(enrollment__sequence=sequence)
        EmailEventFactory(message=message, type="opened", verdict="human")
        EmailEventFactory(message=message, type="opened", verdict="human")
    EmailEventFactory(message=message, type="clicked", verdict="machine")
    CompletedEnrollmentFactory(sequence=sequence)
    figures = api.get(f"/api/sequences/{sequence.pk}/stats").json()
    assert figures["people"] == {"active": 2, "completed": 1}
    row = figures["steps"][0]
    assert (row["id"], row["standing"], row["sent"], row["opened"], row["clicked"]) == (intro.pk, 2, 2, 2, 0)


def test_an_email_step_is_previewed_and_sent_as_a_test(manager_api: APIClient, sequence: Sequence) -> None:
    contact = ContactFactory(workspace=sequence.workspace, first_name="Bob")
    intro, nudge = sequence.steps.order_by("number")
    Step.objects.filter(pk=nudge.pk).update(subject="")
    shown = manager_api.post(f"/api/steps/{intro.pk}/render", {"contact": contact.pk}).json()
    assert shown["subject"] == "Hello Bob"
    assert sequence.workspace.postal_address in shown["text"]
    assert shown["changes"] == []
    Step.objects.filter(pk=intro.pk).update(
        body="<p><img src='cid:x'>{{ 'now' | date: '%Y' }} <a href='acme.example'>a</a></p>"
    )
    assert manager_api.post(f"/api/steps/{intro.pk}/render", {"contact": contact.pk}).json()["changes"] == [
        "the picture cid:x is removed: put it on a web server and give its address, https://…",
        "the link acme.example becomes https://acme.example: write it so",
    ]
    assert (
        manager_api.post(f"/api/steps/{nudge.pk}/render", {"contact": contact.pk}).json()["subject"] == "Re: Hello Bob"
    )
    with MailServer() as server:
        mailbox = MailboxFactory(workspace=sequence.workspace, smtp_port=server.port)
        body = {"contact": contact.pk, "mailbox": mailbox.pk}
        answer = manager_api.post(f"/api/steps/{intro.pk}/test-send", body)
        assert answer.status_code == 200, answer.json()
        (received,) = server.messages
    assert received.recipients == (answer.json()["sent_to"],)
    assert b"Subject: [Test] Hello Bob" in received.data
    refused = manager_api.post(f"/api/steps/{intro.pk}/test-send", body)
    assert refused.status_code == 409
    assert "mail server did not take it" in refused.json()["detail"]
    assert contact.email not in str(Enrollment.objects.values())


def test_only_email_steps_are_previewed(manager_api: APIClient, sequence: Sequence) -> None:
    task = TaskStepFactory(sequence=sequence)
    contact = ContactFactory(workspace=sequence.workspace)
    assert manager_api.post(f"/api/steps/{task.pk}/render", {"contact": contact.pk}).status_code == 409
    broken = StepFactory(sequence=sequence, body="{{ contact.nickname }}")
    answer = manager_api.post(f"/api/steps/{broken.pk}/render", {"contact": contact.pk})
    assert answer.status_code == 400
    assert "nickname" in answer.json()["detail"]


def test_every_edit_records_the_previous_value(manager_api: APIClient, sequence: Sequence) -> None:
    intro = sequence.steps.get(number=1)
    manager_api.patch(f"/api/steps/{intro.pk}", {"body": "New words"})
    manager_api.patch(f"/api/steps/{intro.pk}", {"body": "New words"})
    manager_api.patch(f"/api/sequences/{sequence.pk}", {"priority": 7})
    later, edited = ControlLog.objects.filter(target="sequence", target_id=sequence.pk).order_by("-pk")
    assert edited.changes == [
        {"what": "step 1, Intro", "field": "body", "before": "A word about your work.", "after": "New words"}
    ]
    assert later.changes == [{"what": "sequence", "field": "priority", "before": 50, "after": 7}]
    assert later.actor.endswith("@sender.example")
    assert later.at - NOW < timedelta(seconds=1)
