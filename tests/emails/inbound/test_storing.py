"""Which facts classified mails become: a permanent effect needs proof, and dmarc=fail never has one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from emails.choices import BounceType, EventType
from emails.facts.events import NewEvent
from emails.inbound.authentication import Authentication
from emails.inbound.findings import Finding, MailKind
from emails.inbound.match import Concern, Received
from emails.inbound.storing import build_event
from tests.support.inbound_mails import RECEIVED, mail

FORGED = Authentication(dmarc="fail")
GENUINE = Authentication(dmarc="pass", is_authenticated=True)


def store(finding: Finding, authentication: Authentication = GENUINE, *, is_proven: bool = True) -> NewEvent | None:
    received = Received(mail("Hello there."), (finding,), RECEIVED, authentication)
    return build_event(Concern(received, finding, 1, 2, is_proven), 3, "imap", UTC)


def report(kind: MailKind, recipient: str = "jo@prospect.example") -> Finding:
    return Finding(kind, "a reason", recipient, is_report=True, status="5.1.1")


@pytest.mark.parametrize(
    ("kind", "proven", "unproven"),
    [
        (MailKind.HARD_BOUNCE, ("bounced", "hard"), ("bounced", "soft")),
        (MailKind.BLOCKED, ("bounced", "blocked"), ("bounced", "soft")),
        (MailKind.SOFT_BOUNCE, ("bounced", "soft"), ("bounced", "soft")),
        (MailKind.COMPLAINT, ("complained", ""), ("automated", "")),
        (MailKind.OPT_OUT, ("unsubscribed", ""), ("automated", "")),
        (MailKind.DELAYED, ("automated", ""), ("automated", "")),
    ],
)
def test_a_report_has_a_permanent_effect_only_with_proof(
    kind: MailKind, proven: tuple[str, str], unproven: tuple[str, str]
) -> None:
    for authentication, is_proven, expected in (
        (GENUINE, True, proven),
        (Authentication(), True, proven),
        (GENUINE, False, unproven),
        (FORGED, True, unproven),
    ):
        event = store(report(kind), authentication, is_proven=is_proven)
        assert event is not None
        assert (event.type, event.bounce_type) == expected


def test_the_missing_proof_is_kept_with_the_event() -> None:
    event = store(report(MailKind.HARD_BOUNCE), FORGED)
    assert event is not None
    assert "dmarc=fail" in event.detail
    assert event.payload["no_permanent_effect"]
    assert event.payload["authentication"] == {
        "header": "", "spf": "", "dkim": "", "dmarc": "fail", "is_authenticated": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "genuine", "forged"),
    [
        (MailKind.REPLY, EventType.REPLIED, EventType.REPLIED),
        (MailKind.CALENDAR, EventType.REPLIED, EventType.REPLIED),
        (MailKind.POSSIBLE_OPT_OUT, EventType.REPLIED, EventType.REPLIED),
        (MailKind.OPT_OUT, EventType.UNSUBSCRIBED, EventType.REPLIED),
        (MailKind.OUT_OF_OFFICE, EventType.AUTO_REPLIED, EventType.AUTO_REPLIED),
        (MailKind.LEFT_COMPANY, EventType.LEFT_COMPANY, EventType.AUTO_REPLIED),
        (MailKind.CHALLENGE, EventType.AUTOMATED, EventType.AUTOMATED),
    ],
)
def test_a_forged_mail_of_a_contact_suppresses_no_address(
    kind: MailKind, genuine: EventType, forged: EventType
) -> None:
    finding = Finding(kind, "a reason")
    for authentication, expected in ((GENUINE, genuine), (FORGED, forged)):
        event = store(finding, authentication, is_proven=False)
        assert event is not None
        assert event.type == expected


def test_a_forged_opt_out_waits_for_a_decision() -> None:
    event = store(Finding(MailKind.OPT_OUT, "a reason", intent="opt_out"), FORGED)
    assert event is not None
    assert event.payload["intent"] == "possible_opt_out"


def test_list_mail_is_no_fact() -> None:
    assert store(Finding(MailKind.LIST, "a newsletter")) is None


def test_only_a_stated_day_of_return_is_stored() -> None:
    stated = store(Finding(MailKind.OUT_OF_OFFICE, "a reason", until=date(2026, 3, 9)))
    assumed = store(Finding(MailKind.OUT_OF_OFFICE, "a reason", until=date(2026, 3, 16), until_is_assumed=True))
    assert stated is not None and assumed is not None
    assert stated.until_at == datetime(2026, 3, 9, tzinfo=UTC)
    assert (assumed.until_at, assumed.payload["until_is_assumed"]) == (None, True)


def test_recipients_of_one_report_are_facts_of_their_own() -> None:
    events = [store(report(MailKind.HARD_BOUNCE, address)) for address in ("a@x.example", "b@x.example")]
    assert len({event.provider_event_id for event in events if event}) == 2
    assert all(event and event.bounce_type == BounceType.HARD.value for event in events)
