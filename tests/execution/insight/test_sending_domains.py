"""What leaves by sending domain over all its mailboxes, and how many complain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.insight import sending_domains
from execution.insight.sending_domains import SendingDomain, read_sending_domains
from sequences.choices import Role
from tests.api.conftest import join, log_in
from tests.factories import (
    NOW,
    EmailEventFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    MailboxFactory,
    SentMessageFactory,
    StepFactory,
    WorkspaceFactory,
)
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db


def send(mailbox: Any, number: int, at: Any = NOW, domain: str = "gmail.com") -> list[Any]:
    step = StepFactory(sequence__workspace=mailbox.workspace)
    return [
        SentMessageFactory(
            enrollment=EnrollmentFactory(
                sequence=step.sequence, mailbox=mailbox, contact__email=f"p{mailbox.pk}-{step.pk}-{index}@{domain}"
            ),
            handed_over_at=at,
            sent_at=at,
            recipient_domain=domain,
        )
        for index in range(number)
    ]


def read(workspace: Any, now: Any = NOW) -> dict[str, SendingDomain]:
    return {found.domain: found for found in read_sending_domains([workspace.pk], now)}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending_domains, "BULK_SENDER", 5)
    monkeypatch.setattr(sending_domains, "_FEWEST", 4)


def test_mailboxes_of_a_domain_and_those_below_it_count_together(few: None) -> None:
    workspace = WorkspaceFactory()
    ada, bob, sub, other, none = (
        MailboxFactory(workspace=workspace, address=address)
        for address in (
            "ada@acme.example",
            "bob@acme.example",
            "x@mail.acme.example",
            "y@notacme.example",
            "z@b.example",
        )
    )
    send(ada, 2)
    send(bob, 1, domain="googlemail.com")
    send(sub, 1)
    send(sub, 2, domain="prospect.example")
    send(ada, 1, NOW - timedelta(days=2))
    send(ada, 1, NOW - timedelta(days=31))
    send(other, 1)
    EmailMessageFactory(enrollment=EnrollmentFactory(sequence__workspace=workspace, mailbox=ada))
    foreign = MailboxFactory(address="ada2@acme.example")
    send(foreign, 3)
    with count_statements() as statements:
        found = read(workspace)
    assert statements.count == 1
    assert list(found) == ["acme.example", "b.example", "notacme.example"]
    acme = found["acme.example"]
    assert (acme.mailboxes, acme.last_24_hours, acme.last_24_hours_to_google, acme.sent) == (3, 6, 4, 7)
    assert acme.warnings == (
        "4 emails to Gmail within 24 hours: with 5 Google counts it as a bulk sender for good. "
        "A send limit for gmail.com keeps it below.",
    )
    assert (found["b.example"].sent, found["b.example"].warnings) == (0, ())
    send(none, 5)
    assert read(workspace)["b.example"].warnings[0].startswith("Google counts it as a bulk sender from now on: 5")


def test_complaints_are_a_rate_where_a_provider_tells_of_them(few: None) -> None:
    workspace = WorkspaceFactory()
    smtp = MailboxFactory(workspace=workspace, address="a@smtp.example")
    esp = MailboxFactory(workspace=workspace, address="a@esp.example", transport="postmark")
    messages = send(smtp, 4)
    send(esp, 4)
    found = read(workspace)
    assert (found["smtp.example"].complaint_rate, found["esp.example"].complaint_rate) == (None, 0.0)
    EmailEventFactory(message=messages[0], type="complained")
    EmailEventFactory(message=messages[0], type="complained", provider_event_id="again")
    EmailEventFactory(message=messages[1], type="opened")
    told = read(workspace)["smtp.example"]
    assert (told.complaints, told.complaint_rate) == (1, 0.25)
    assert told.warnings[-1].startswith("25.00% complain: at 0.3%")


def test_page_and_api_show_those_of_ones_own_workspaces() -> None:
    mailbox = MailboxFactory(address="ada@acme.example")
    now = timezone.now()
    send(mailbox, 2, now - timedelta(hours=1))
    manager, stranger = join(mailbox.workspace, Role.MANAGER), join(WorkspaceFactory(), Role.MANAGER)
    answer = log_in(manager).get("/api/sending-domains")
    assert answer.status_code == 200
    assert answer.json()["domains"] == [
        {
            "domain": "acme.example", "mailboxes": 1, "last_24_hours": 2, "last_24_hours_to_google": 2, "sent": 2,
            "complaints": 0, "complaint_rate": None, "warnings": [],
        }
    ]  # fmt: skip
    assert log_in(stranger).get("/api/sending-domains").json() == {"domains": []}
    page, client = reverse("admin:emails_mailbox_forecast"), Client()
    client.force_login(manager)
    assert "<td>acme.example</td>" in client.get(page).content.decode()
    client.force_login(stranger)
    assert "acme.example" not in client.get(page).content.decode()
