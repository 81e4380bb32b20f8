"""`/api/events`: nothing is missed or repeated by following `next`, also what commits late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from rest_framework.test import APIClient

from emails.choices import SuppressionAction
from emails.models import EmailEvent, SuppressionChange
from emails.tracking.reclassify import classify_pending_visits
from execution.choices import ControlAction, ControlTarget
from execution.control.switches import pause_executor
from execution.engine.logs import log_control
from execution.models import ExecutionLog
from execution.webhooks_out import feed
from sequences.models import Workspace
from tests.factories import (
    NOW,
    EmailEventFactory,
    EnrollmentFactory,
    ExecutionLogFactory,
    SentMessageFactory,
    StepFactory,
)

URL = "/api/events"


def log(enrollment: Any, action: str, **fields: Any) -> ExecutionLog:
    made: ExecutionLog = ExecutionLogFactory(
        enrollment=enrollment, workspace=enrollment.workspace, action=action, **{"at": NOW, **fields}
    )
    return made


def follow(api: APIClient, url: str = URL) -> tuple[list[dict[str, Any]], str]:
    """Every event from there on, and the link to read on later."""
    found: list[dict[str, Any]] = []
    while True:
        answer = api.get(url)
        assert answer.status_code == 200, answer.json()
        body = answer.json()
        found += body["results"]
        url = body["next"]
        if not body["has_more"]:
            return found, url


def test_every_fact_and_entry_stands_in_one_order_with_ids_that_join(api: APIClient, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence=StepFactory(sequence__workspace=workspace).sequence)
    message = SentMessageFactory(enrollment=enrollment)
    log(enrollment, "executed", step=message.step, step_type="email", at=NOW + timedelta(days=1))
    event = EmailEventFactory(message=message, type="replied", detail="Yes, please")
    log_control(ControlTarget.SEQUENCE, enrollment.sequence, ControlAction.PAUSED, "ada", "legal", NOW)
    pause_executor(actor="ops", now=NOW, reason="upgrade")
    SuppressionChange.objects.create(
        workspace=workspace, email=enrollment.contact.email, action=SuppressionAction.ADDED.value, reason="manual",
        actor="ada", at=NOW,
    )  # fmt: skip
    found, _ = follow(api)
    assert [row["type"] for row in found] == [
        "email.sent", "email.replied", "sequence.paused", "executor.paused", "suppression.added",
    ]  # fmt: skip
    joined = {
        "workspace": workspace.pk, "message": message.pk, "mailbox": message.mailbox_id, "enrollment": enrollment.pk,
        "step": message.step_id, "contact": enrollment.contact_id, "sequence": enrollment.sequence_id,
    }  # fmt: skip
    for row in found[:2]:
        assert {name: row[name] for name in joined} == joined
    assert (found[1]["id"], found[1]["details"]["detail"]) == (f"event-{event.pk}", "Yes, please")
    assert (found[2]["sequence"], found[2]["details"]["reason"]) == (enrollment.sequence_id, "legal")
    assert (found[3]["workspace"], found[4]["contact"]) == (None, enrollment.contact_id)


def test_following_next_reads_each_once_and_goes_on_later(api: APIClient, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence__workspace=workspace)
    ids = [f"log-{log(enrollment, 'paused').pk}" for _ in range(7)]
    found, link = follow(api, f"{URL}?page_size=3")
    assert [row["id"] for row in found] == ids
    empty = api.get(link).json()
    assert (empty["results"], empty["has_more"], empty["previous"]) == ([], False, None)
    late = log(enrollment, "resumed")
    assert [row["id"] for row in api.get(empty["next"]).json()["results"]] == [f"log-{late.pk}"]
    assert [row["id"] for row in api.get(URL, {"after": empty["next"]}).json()["results"]] == [f"log-{late.pk}"]


def test_filters_are_bounded_and_never_lose_the_place(
    api: APIClient, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = EnrollmentFactory(sequence__workspace=workspace), EnrollmentFactory(sequence__workspace=workspace)
    for _ in range(9):
        log(one, "paused")
    wanted = log(other, "resumed", at=NOW + timedelta(hours=1))
    monkeypatch.setattr(feed, "SCANNED_AT_MOST", 4)
    since = (NOW + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    for query in (
        "type=enrollment.resumed", "type=email.sent,enrollment.resumed", f"contact={other.contact_id}",
        f"contact={other.contact.email}", f"sequence={other.sequence.name}", f"sequence={other.sequence_id}",
        f"since={since}",
    ):  # fmt: skip
        found, _ = follow(api, f"{URL}?{query}")
        assert [row["id"] for row in found] == [f"log-{wanted.pk}"], query
    assert api.get(f"{URL}?type=enrollment.resumed").json()["results"] == []


def test_another_workspace_has_another_feed(api: APIClient, stranger_api: APIClient, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence__workspace=workspace)
    log(enrollment, "paused")
    _, link = follow(api)
    log(enrollment, "resumed")
    assert follow(stranger_api, link)[0] == []
    assert follow(stranger_api, f"{URL}?contact={enrollment.contact_id}")[0] == []
    assert stranger_api.get(f"{URL}?contact={enrollment.contact.email}").status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "x"), ("after", ""), ("after", "https://elsewhere.example/?after=x"), ("after", "x" * 5_000),
        ("type", "email.eaten"), ("since", "soon"), ("contact", "0"), ("contact", "unknown@nowhere.example"),
        ("sequence", "No such"), ("page_size", "0"), ("until", "2026-01-01"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_with_one_line(api: APIClient, name: str, value: str) -> None:
    answer = api.get(URL, {name: value})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])
    assert len(answer.json()["errors"][name]) == 1


def test_a_cursor_of_another_list_is_refused(api: APIClient, workspace: Workspace) -> None:
    for _ in range(2):
        EnrollmentFactory(sequence__workspace=workspace)
    link = api.get("/api/sequence-enrollments?page_size=1").json()["next"]
    assert api.get(URL, {"after": link.partition("cursor=")[2]}).status_code == 400


def test_a_visit_is_shown_once_when_it_has_been_classified(api: APIClient, workspace: Workspace) -> None:
    message = SentMessageFactory(enrollment=EnrollmentFactory(sequence__workspace=workspace))
    visit = EmailEventFactory(message=message, type="opened", verdict="pending", occurred_at=NOW)
    EmailEvent.objects.filter(pk=visit.pk).update(stored_in=1)
    before, link = follow(api)
    assert before == []
    classify_pending_visits(NOW + timedelta(days=1))
    found, link = follow(api, link)
    assert [row["id"] for row in found] == [f"event-{visit.pk}"]
    assert found[0]["details"]["verdict"] in {"human", "machine"}
    assert follow(api, link)[0] == []


def test_what_was_stored_before_the_feed_comes_first(api: APIClient, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence__workspace=workspace)
    rows = [log(enrollment, "paused"), log(enrollment, "resumed"), log(enrollment, "exited")]
    ExecutionLog.objects.filter(pk__in=[rows[0].pk, rows[2].pk]).update(stored_in=None)
    assert [row["type"] for row in follow(api)[0]] == [
        "enrollment.paused", "enrollment.exited", "enrollment.resumed",
    ]  # fmt: skip


_INSERT = """
INSERT INTO execution_executionlog (workspace_id, enrollment_id, step_type, at, action, status, message, error, actor,
                                    details)
VALUES (%s, %s, '', %s, %s, 'ok', '', '', 'ada', '{}')
"""


@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_commits_later_is_neither_missed_nor_repeated(api: APIClient, workspace: Workspace) -> None:
    enrollment = EnrollmentFactory(sequence__workspace=workspace)
    parts = connection.get_connection_params()
    where = {key: parts[key] for key in ("dbname", "host", "port", "user")}
    values = (workspace.pk, enrollment.pk, NOW)
    _, link = follow(api)
    with psycopg.connect(**where) as slow, psycopg.connect(**where) as quick:
        slow.execute(_INSERT, (*values, "paused"))
        quick.execute(_INSERT, (*values, "resumed"))
        quick.commit()
        # committed, but an earlier transaction may still store something: it waits
        found, link = follow(api, link)
        assert found == []
        slow.commit()
        found, link = follow(api, link)
        assert [row["type"] for row in found] == ["enrollment.paused", "enrollment.resumed"]
        slow.execute(_INSERT, (*values, "exited"))
        slow.rollback()
        quick.execute(_INSERT, (*values, "skipped"))
        quick.commit()
        found, link = follow(api, link)
        assert [row["type"] for row in found] == ["step.skipped"]
    assert follow(api, link)[0] == []
