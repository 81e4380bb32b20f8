"""The page "Reports": its groups, period, chart and CSV, as an SDR."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from freezegun import freeze_time

from sequences.models import Membership, Step
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
REPORTS = reverse("admin:emails_reports")


@pytest.fixture
def nora() -> Any:
    """An SDR of a workspace in which three emails were sent, of which one was answered and one bounced."""
    user: Any = factories.UserFactory(is_staff=True, email="nora@sender.example")
    workspace: Any = factories.WorkspaceFactory(timezone="UTC")
    Membership.objects.create(workspace=workspace, user=user, role="sdr")
    step: Any = factories.StepFactory(sequence__workspace=workspace, sequence__name="Warm intro", name="Hello")
    mailbox: Any = factories.MailboxFactory(workspace=workspace, owner=user, address="nora@sender.example")
    at = NOW - timedelta(days=2)
    for kind in ("", "replied", "bounced"):
        row: Any = factories.EnrollmentFactory(sequence=step.sequence, mailbox=mailbox, owner=user)
        message = factories.SentMessageFactory(enrollment=row, step=step, mailbox=mailbox, owner=user, at=at)
        if kind == "replied":
            factories.ReplyFactory(message=message, at=at)
        elif kind:
            factories.EmailEventFactory(message=message, type=kind, bounce_type="hard", at=at)
    return user


def look(user: Any, query: str = "") -> Any:
    client = Client()
    client.force_login(user)
    with freeze_time(NOW):
        return client.get(f"{REPORTS}{query}")


@pytest.mark.parametrize(
    ("by", "name"),
    [
        ("sequence", "Warm intro"),
        ("step", "Warm intro: 1. Hello"),
        ("mailbox", "nora@sender.example"),
        ("owner", "nora@sender.example"),
        ("week", "Week of"),
    ],
)
def test_a_group_has_figures_rates_and_a_chart(nora: Any, by: str, name: str) -> None:
    factories.SentMessageFactory(at=NOW - timedelta(days=2))
    answer = look(nora, f"?by={by}")
    assert answer.status_code == 200
    (row,) = answer.context["rows"]
    assert row["name"].startswith(name)
    assert (row["sent"], row["delivered"], row["replied"], row["positive"], row["bounced"]) == (3, 2, 1, 1, 1)
    assert row["reply_rate"] == 50.0
    assert [bar["percent"] for bar in answer.context["bars"]] == [100]
    assert "Download CSV" in answer.content.decode()


def test_the_csv_has_the_columns_of_the_api(nora: Any) -> None:
    answer = look(nora, "?by=mailbox&format=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert answer["Content-Type"].startswith("text/csv")
    assert lines[0].split(",")[:4] == ["mailbox", "mailbox_address", "sent", "delivered"]
    assert lines[1].split(",")[1:4] == ["nora@sender.example", "3", "2"]


def test_a_period_without_emails_says_what_to_do(nora: Any) -> None:
    page = look(nora, "?from=2020-01-01&to=2020-01-31").content.decode()
    assert "No emails were sent in this period." in page


@pytest.mark.parametrize("query", ["?from=2020-02-01&to=2020-01-01", "?from=1990-01-01", "?from=soon", "?by=moon"])
def test_a_period_that_cannot_be_is_explained(nora: Any, query: str) -> None:
    answer = look(nora, query)
    assert answer.status_code == 200
    assert answer.context["form"].errors and "rows" not in answer.context


def test_who_cannot_read_emails_cannot_open_it() -> None:
    assert look(factories.UserFactory(is_staff=True)).status_code == 403


def test_variants_are_compared_with_the_interval_of_each(nora: Any) -> None:
    step = Step.objects.get(sequence__name="Warm intro")
    for variant in ("A", "B"):
        row: Any = factories.EnrollmentFactory(sequence=step.sequence, owner=nora)
        factories.SentMessageFactory(enrollment=row, step=step, variant=variant, at=NOW - timedelta(days=1))
    text = look(nora, "?by=variant").content.decode()
    for name in ("Warm intro: 1. Hello, A", "Warm intro: 1. Hello, B"):
        assert name in text
    assert text.count("with 95 % confidence") == 2
    assert look(nora, "?by=variant&format=csv").getvalue().decode().startswith("sequence,sequence_name,step,")
