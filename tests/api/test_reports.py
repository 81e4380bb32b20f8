"""`/api/reports/engagement`: each figure, each grouping, CSV, and what is refused."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIClient

from emails.choices import ErrorClass
from sequences.models import Enrollment
from tests.api.conftest import Traveller
from tests.factories import (
    NOW,
    EmailEventFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    ReplyFactory,
    SentMessageFactory,
    StepFactory,
)
from tests.support.counting import count_statements

URL = "/api/reports/engagement"
GROUPS = "sequence, step, variant, mailbox, owner, week"
NONE = {
    "sent": 0, "delivered": 0, "opened": 0, "clicked": 0, "replied": 0, "positive": 0, "bounced": 0, "blocked": 0,
    "opted_out": 0, "open_rate": None, "click_rate": None, "reply_rate": None, "positive_rate": None,
    "opt_out_rate": None,
}  # fmt: skip


def send(enrollment: Enrollment, visit: int, at: datetime = NOW, **values: Any) -> Any:
    return SentMessageFactory(enrollment=enrollment, visit=visit, at=at, **values)


def test_without_an_email_all_is_nothing(api: APIClient) -> None:
    answer = api.get(URL, {"group_by": "sequence"}).json()
    assert (answer["results"], answer["totals"]) == ([], NONE)


def test_each_figure(api: APIClient, enrollment: Enrollment) -> None:
    emails = [send(enrollment, visit) for visit in range(10)]
    EmailEventFactory(message=emails[0], type="opened")
    EmailEventFactory(message=emails[0], type="opened")
    EmailEventFactory(message=emails[1], type="opened", verdict="machine")
    EmailEventFactory(message=emails[1], type="clicked")
    EmailEventFactory(message=emails[2], type="clicked", verdict="pending")
    ReplyFactory(message=emails[3], found_intent="interested")
    ReplyFactory(message=emails[4], found_intent="interested", intent="not_interested")
    EmailEventFactory(message=emails[5], type="bounced", bounce_type="hard")
    EmailEventFactory(message=emails[6], type="bounced", bounce_type="blocked")
    EmailEventFactory(message=emails[7], type="unsubscribed")
    EmailEventFactory(message=emails[8], type="complained")
    EmailEventFactory(message=emails[9], type="auto_replied")
    refused = {"error_class": ErrorClass.RECIPIENT_PERMANENT.value, "failed_at": NOW}
    EmailMessageFactory(enrollment=enrollment, visit=20, status="failed", **refused)
    EmailMessageFactory(enrollment=enrollment, visit=21)
    send(enrollment, 22, is_answer=True)
    (row,) = api.get(URL, {"group_by": "sequence"}).json()["results"]
    assert row == {
        "sequence": enrollment.sequence_id, "sequence_name": enrollment.sequence.name,
        "sent": 10, "delivered": 8, "opened": 1, "clicked": 1, "replied": 2, "positive": 1, "bounced": 2,
        "blocked": 1, "opted_out": 2, "open_rate": 12.5, "click_rate": 12.5, "reply_rate": 25.0,
        "positive_rate": 12.5, "opt_out_rate": 25.0,
    }  # fmt: skip


def test_every_grouping(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    other = StepFactory(sequence=enrollment.sequence, number=7, name="Nudge")
    send(enrollment, 1)
    EmailEventFactory(message=send(enrollment, 2, at=NOW - timedelta(days=7), step=other), type="replied")
    asked = "sequence,step,variant,mailbox,owner,week"
    first, second = api.get(URL, {"group_by": asked}).json()["results"]
    assert list(first)[:11] == [
        "sequence", "sequence_name", "step", "step_number", "step_name", "variant", "mailbox", "mailbox_address",
        "owner", "owner_email", "week",
    ]  # fmt: skip
    assert (first["step_name"], first["variant"], first["week"]) == ("Intro", None, "2026-03-02")
    assert (second["step_name"], second["step_number"], second["week"]) == ("Nudge", 7, "2026-02-23")
    assert (first["replied"], second["replied"], second["owner_email"]) == (0, 1, sdr.email)
    assert first["mailbox_address"] == enrollment.mailbox.address  # type: ignore[union-attr]
    for group in asked.split(","):
        answer = api.get(URL, {"group_by": group}).json()
        assert answer["totals"]["sent"] == sum(row["sent"] for row in answer["results"]) == 2
    (all_of_it,) = api.get(URL).json()["results"]
    assert all_of_it["sent"] == 2


def test_a_reply_counts_in_the_week_of_the_email_it_answers(api: APIClient, enrollment: Enrollment) -> None:
    ReplyFactory(message=send(enrollment, 1, at=NOW - timedelta(days=14)), at=NOW)
    (row,) = api.get(URL, {"group_by": "week", "from": "2026-02-01"}).json()["results"]
    assert (row["week"], row["replied"]) == ("2026-02-16", 1)
    assert api.get(URL, {"group_by": "week", "from": "2026-03-01"}).json()["results"] == []


def test_days_are_those_of_the_workspace(api: APIClient, enrollment: Enrollment, clock: Traveller) -> None:
    workspace = enrollment.workspace
    workspace.timezone = "Pacific/Auckland"
    workspace.save()
    at = datetime(2026, 2, 23, 0, 30, tzinfo=ZoneInfo("Pacific/Auckland"))
    send(enrollment, 1, at=at)
    day = {"from": "2026-02-23", "to": "2026-02-23", "group_by": "week"}
    (row,) = api.get(URL, day).json()["results"]
    assert row["week"] == "2026-02-23"
    assert api.get(URL, {"to": "2026-02-22"}).json()["totals"]["sent"] == 0


def test_only_what_is_asked_for(api: APIClient, enrollment: Enrollment, sdr: Any) -> None:
    send(enrollment, 1)
    send(EnrollmentFactory(sequence=enrollment.sequence, mailbox=enrollment.mailbox, owner=None), 1)
    for query in (f"owner={sdr.email}", f"owner={sdr.pk}"):
        assert api.get(f"{URL}?{query}").json()["totals"]["sent"] == 1
    for query in (f"sequence={enrollment.sequence.name}", f"mailbox={enrollment.mailbox_id}"):
        assert api.get(f"{URL}?{query}").json()["totals"]["sent"] == 2


def test_csv_has_the_same_rows_and_no_formulas(api: APIClient, enrollment: Enrollment) -> None:
    enrollment.sequence.name = "=HYPERLINK(1)"
    enrollment.sequence.save()
    send(enrollment, 1)
    for query, accept in (("&format=csv", "*/*"), ("", "text/csv")):
        answer = api.get(f"{URL}?group_by=sequence,week{query}", headers={"accept": accept})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        (row,) = csv.DictReader(io.StringIO(b"".join(answer).decode()))
        assert (row["sequence_name"], row["week"], row["sent"]) == ("'=HYPERLINK(1)", "2026-03-02", "1")
        assert row["reply_rate"] == "0.0"


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("group_by=sequnce", f"group_by: 'sequnce' is not known. Group by {GROUPS}."),
        ("group_by=week,week", "group_by: Name each group once."),
        ("from=2026-03-02&to=2026-03-01", "from: It lies after `to`."),
        ("from=2020-01-01", "from: A report covers at most 731 days."),
        ("sequence=Gone", "sequence: There is no such sequence."),
        ("workspace=999999", "workspace: There is no such workspace."),
        ("format=xml", 'format: "xml" is not a valid choice.'),
    ],
)
def test_what_is_not_understood_is_refused(api: APIClient, query: str, line: str) -> None:
    answer = api.get(f"{URL}?{query}")
    assert (answer.status_code, answer.json()["detail"]) == (400, line)


def test_another_workspace_counts_nothing(stranger_api: APIClient, enrollment: Enrollment) -> None:
    send(enrollment, 1)
    assert stranger_api.get(URL).json()["totals"]["sent"] == 0
    for kind in ("sequence", "mailbox", "owner"):
        assert stranger_api.get(URL, {kind: getattr(enrollment, f"{kind}_id")}).status_code == 400


def test_statements_do_not_grow_with_emails(api: APIClient, enrollment: Enrollment) -> None:
    with count_statements() as few:
        api.get(URL, {"group_by": "sequence,week"})
    for visit in range(30):
        send(enrollment, visit, at=NOW - timedelta(days=visit))
    with count_statements() as many:
        api.get(URL, {"group_by": "sequence,week"})
    assert many.count <= few.count
