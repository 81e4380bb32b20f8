"""Invalid input is refused, never ignored; times have one form everywhere; every action records its reason."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from execution.models import ControlLog, ExecutionLog
from sequences.choices import Role
from sequences.models import Enrollment, Sequence, Step, Workspace
from tests.api.conftest import join, log_in
from tests.factories import NOW, ContactFactory, SequenceFactory, StepFactory

ENROLLMENTS = "/api/sequence-enrollments"


def insert(client: APIClient, sequence: Sequence, dry_run: str) -> Any:
    return client.post(f"/api/sequences/{sequence.pk}/steps?dry_run={dry_run}", {"type": "delay", "delay_days": 1})


@pytest.mark.parametrize("text", ["banana", "2", "on"])
def test_an_ambiguous_dry_run_changes_nothing(manager_api: APIClient, sequence: Sequence, text: str) -> None:
    answer = insert(manager_api, sequence, text)
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"dry_run": ["It is true or false."]}
    assert Step.objects.filter(sequence=sequence).count() == 2


@pytest.mark.parametrize("text", ["1", "True", "yes"])
def test_every_spelling_of_true_requests_a_dry_run(manager_api: APIClient, sequence: Sequence, text: str) -> None:
    answer = insert(manager_api, sequence, text)
    assert answer.json()["impact"]["is_dry_run"] is True
    assert Step.objects.filter(sequence=sequence).count() == 2


@pytest.mark.parametrize(("name", "field"), [("tasks", "mine"), ("dead-letters", "is_open"), ("webhooks", "is_active")])
def test_a_filter_that_is_neither_yes_nor_no_is_refused(
    api: APIClient, ids: dict[str, int], name: str, field: str
) -> None:
    refused = api.get(f"/api/{name}?{field}=maybe")
    assert (refused.status_code, refused.json()["errors"]) == (400, {field: ["It is true or false."]})
    found = {word: api.get(f"/api/{name}?{field}={word}").json()["results"] for word in ("true", "false", "1", "0", "")}
    assert len(found["true"]) + len(found["false"]) == len(found[""]) == 1
    assert (found["1"], found["0"]) == (found["true"], found["false"])


@pytest.mark.parametrize("name", ["sequence", "status", "owner", "due_before"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_filter_does_not_select_all(api: APIClient, enrollment: Enrollment, name: str, empty: str) -> None:
    answer = api.post(f"{ENROLLMENTS}/bulk", {"action": "exit", "filter": {name: empty}})
    assert answer.status_code == 400
    assert "filter" in answer.json()["errors"]
    enrollment.refresh_from_db()
    assert enrollment.status == "active"


TOO_FAR = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "3000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("at", TOO_FAR)
def test_a_time_that_nothing_can_be_planned_from_is_refused(
    manager_api: APIClient, enrollment: Enrollment, at: str
) -> None:
    email = {"email": enrollment.contact.email}
    asked: dict[str, dict[str, Any]] = {
        f"{ENROLLMENTS}/{enrollment.pk}/snooze": {"until": at},
        f"{ENROLLMENTS}/{enrollment.pk}/pause": {"resume_at": at},
        f"{ENROLLMENTS}/bulk": {"action": "snooze", "ids": [enrollment.pk], "until": at},
        f"/api/sequences/{enrollment.sequence_id}/preview": {**email, "start_at": at},
        "/api/suppressions": {**email, "expires_at": at},
        ENROLLMENTS: {
            "sequence": enrollment.sequence_id,
            "emails": [ContactFactory(workspace=enrollment.workspace).email],
            "start_at": at,
        },
    }
    for url, body in asked.items():
        answer = manager_api.post(url, body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(body)[-1:]), (url, answer.json())


def test_one_row_is_named_by_its_id_alone(api: APIClient, enrollment: Enrollment) -> None:
    answer = api.get(f"{ENROLLMENTS}/{enrollment.pk}?status=paused")
    assert (answer.status_code, answer.json()["errors"]) == (
        400, {"status": ["Unknown parameter. Known here: expand."]},
    )  # fmt: skip


def test_steps_of_another_sequence_are_bad_input(
    api: APIClient, manager_api: APIClient, enrollment: Enrollment, sequence: Sequence
) -> None:
    elsewhere = StepFactory(sequence=SequenceFactory(workspace=sequence.workspace)).pk
    moved = api.post(f"{ENROLLMENTS}/{enrollment.pk}/move", {"step": elsewhere})
    assert (moved.status_code, moved.json()["errors"]) == (400, {"step": ["Its sequence has no such step."]})
    removed = manager_api.delete(f"/api/steps/{enrollment.current_step_id}", {"goes_to": elsewhere})
    assert (removed.status_code, list(removed.json()["errors"])) == (400, ["goes_to"])
    assert Step.objects.filter(pk=enrollment.current_step_id or 0).exists()


def test_times_inside_details_are_written_as_all_others(api: APIClient, enrollment: Enrollment) -> None:
    url = f"{ENROLLMENTS}/{enrollment.pk}"
    api.post(f"{url}/snooze", {"until": "2026-03-09T09:00:00+01:00"})
    api.post(f"{url}/pause", {"resume_at": "2026-03-16T09:00:00Z"})
    assert [row.details for row in ExecutionLog.objects.order_by("id")] == [
        {"until": "2026-03-09T08:00:00Z"},
        {"resume_at": "2026-03-16T09:00:00Z"},
    ]


def test_a_quarantine_states_its_due_time_in_the_same_form(api: APIClient, enrollment: Enrollment) -> None:
    Step.objects.update(body="{{ contact.nickname }}")
    run_tick(NOW, 10, Policy())
    (letter,) = api.get("/api/dead-letters").json()["results"]
    assert letter["facts"]["due_at"] == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("sequence-executor/resume", "sequence-executor/pause"),
        ("sequences/{sequences}/activate", None),
        ("sequences/{sequences}/resume", "sequences/{sequences}/pause"),
        ("mailboxes/{mailboxes}/resume", "mailboxes/{mailboxes}/pause"),
    ],
)
def test_resuming_records_actor_and_reason(
    workspace: Workspace, ids: dict[str, int], path: str, first: str | None
) -> None:
    client = log_in(join(workspace, Role.ADMIN, is_operator=True, email="ada@acme.example"))
    if first:
        assert client.post(f"/api/{first.format(**ids)}", {"reason": "a holiday"}).status_code == 200
    else:
        Sequence.objects.update(status="draft")
    assert client.post(f"/api/{path.format(**ids)}", {"reason": "it is over"}).status_code == 200
    log = ControlLog.objects.latest("id")
    assert (log.actor, log.reason) == ("ada@acme.example", "it is over")
