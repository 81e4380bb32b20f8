"""The first email waits for what is known of its address: bad holds it with the reason, no answer never does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from emails.choices import AddressState
from emails.facts.addresses import VerdictError, record_verdict, report_address
from emails.mailbox import mail_domains
from emails.models import EmailMessage, MailDomain
from execution.control.enroll_rules import SkipCode
from execution.insight.explain import Hold, explain_enrollments
from execution.insight.forecast import forecast_workspaces
from execution.insight.preview import preview_rest, preview_sequence
from execution.insight.queue import QueueFilter, is_late, read_queue
from execution.worker import domains
from sequences.contacts.operations import change_row
from sequences.models import Contact, Enrollment, Workspace
from simulation.mail_server import MailServer
from tests.emails.mailbox.test_mail_domains import ZONE
from tests.factories import NOW, ContactFactory, EnrollmentFactory, MailboxFactory, StepFactory
from tests.fakes.name_server import NameServer
from tests.faults.driving import DrivenClock
from tests.support.enrolling import enroll

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    with NameServer(ZONE) as started:
        settings.DNS_SERVER = f"127.0.0.1:{started.port}"
        yield started


@pytest.fixture
def clock(names: NameServer) -> DrivenClock:
    return DrivenClock()


def wait_for(server: MailServer, address: str, *, checks: bool = True) -> Enrollment:
    """An enrollment that is due, of a workspace that checks addresses."""
    first = StepFactory(sequence__workspace__verify_addresses=checks)
    StepFactory(sequence=first.sequence, delay_days=2)
    mailbox = MailboxFactory(workspace=first.workspace, smtp_port=server.port)
    made: Enrollment = EnrollmentFactory(sequence=first.sequence, mailbox=mailbox, contact__email=address)
    return made


def why(enrollment: Enrollment, clock: DrivenClock) -> Hold:
    return explain_enrollments([enrollment.pk], clock.now)[enrollment.pk][0]


def report(contact: Contact, state: AddressState, clock: DrivenClock, **more: Any) -> None:
    facts = {"detail": "no such mailbox", "provider": "ZeroBounce", "checked_at": None, "actor": "crm", **more}
    record_verdict(contact, state=state, now=clock.now, **facts)


def test_nothing_is_asked_or_held_where_it_is_switched_off(
    server: MailServer, names: NameServer, clock: DrivenClock
) -> None:
    person = wait_for(server, "bob@none.example", checks=False)
    report(person.contact, AddressState.BAD, clock)
    clock.run()
    assert (len(server.messages), names.asked, MailDomain.objects.count()) == (1, [], 0)


@pytest.mark.parametrize("address", ["bob@good.example", "bob@implicit.example", "bob@broken.example"])
def test_an_email_leaves_once_dns_was_asked(server: MailServer, clock: DrivenClock, address: str) -> None:
    person = wait_for(server, address)
    clock.run()
    assert not server.messages
    assert (why(person, clock).code, why(person, clock).until) == ("address_unchecked", NOW + timedelta(seconds=15))
    clock.pass_by(seconds=15)
    clock.run()
    assert [message.recipients for message in server.messages] == [(address,)]


def test_a_domain_that_takes_no_email_holds_the_first_one_everywhere(
    server: MailServer, clock: DrivenClock, names: NameServer
) -> None:
    person = wait_for(server, "bob@none.example")
    clock.run_through(NOW + timedelta(minutes=15))
    assert not server.messages
    hold = why(person, clock)
    told = "none.example says that it takes no email (null MX) (checked on 2026-03-02)"
    assert (hold.code, hold.detail, hold.until) == ("address_refused", f"No first email leaves: {told}", None)
    workspaces = [person.workspace_id]
    assert read_queue(workspaces, clock.now, 9)[0].why == hold.detail
    assert read_queue(workspaces, clock.now, 9, QueueFilter.OVERDUE) == []
    assert not Enrollment.objects.filter(is_late(clock.now)).exists()
    assert sum(day.first_touches + day.unplaced for day in forecast_workspaces(workspaces, clock.now).days) == 0
    ahead = preview_rest(person, clock.now)
    assert ahead is not None and f"held: {told}" in ahead.steps[0].note
    assert f"held: {told}" in preview_sequence(person.sequence, person.contact, clock.now).steps[0].note
    # once for all who have this domain
    assert names.asked.count(("none.example", "MX")) == 1


def test_it_is_asked_again_when_the_answer_is_old(
    server: MailServer, clock: DrivenClock, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = wait_for(server, "bob@none.example")
    clock.run_through(NOW + timedelta(minutes=1))
    clock.pass_by(days=6)
    clock.run()
    assert names.asked.count(("none.example", "MX")) == 1
    monkeypatch.setitem(ZONE, ("none.example", "MX"), ["10 mx.good.example."])
    clock.pass_by(days=1)
    clock.run_through(NOW + timedelta(days=7, hours=1))
    assert names.asked.count(("none.example", "MX")) == 2
    assert [message.recipients for message in server.messages] == [("bob@none.example",)]
    person.refresh_from_db()
    assert person.emails_sent == 1


def test_an_email_does_not_wait_for_ever_for_an_answer(
    server: MailServer, clock: DrivenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domains, "check_due_domains", lambda now: 0)
    wait_for(server, "bob@none.example")
    clock.run_through(NOW + timedelta(minutes=9))
    assert not server.messages
    clock.run_through(NOW + timedelta(minutes=11))
    assert len(server.messages) == 1


def test_follow_ups_are_not_held(server: MailServer, clock: DrivenClock) -> None:
    person = wait_for(server, "bob@good.example")
    clock.run_through(NOW + timedelta(minutes=1))
    MailDomain.objects.update(state="bad", detail="good.example has moved")
    report(person.contact, AddressState.BAD, clock)
    clock.run_through(NOW + timedelta(days=3))
    assert len(server.messages) == 2


def test_a_providers_verdict_holds_and_releases_at_once(server: MailServer, clock: DrivenClock) -> None:
    person = wait_for(server, "bob@good.example")
    report(person.contact, AddressState.BAD, clock)
    clock.run_through(NOW + timedelta(minutes=5))
    assert not server.messages
    assert "no such mailbox (checked on 2026-03-02)" in why(person, clock).detail
    shown = report_address(person.contact, clock.now)
    assert (shown.state.value, shown.source) == ("bad", "ZeroBounce")
    # an older check is no news
    report(person.contact, AddressState.GOOD, clock, checked_at=NOW - timedelta(days=1))
    clock.run()
    assert not server.messages
    report(person.contact, AddressState.GOOD, clock)
    clock.run()
    assert len(server.messages) == 1


def test_a_good_verdict_comes_before_dns_and_ends(server: MailServer, clock: DrivenClock) -> None:
    person = wait_for(server, "bob@none.example")
    report(person.contact, AddressState.GOOD, clock)
    clock.run()
    assert len(server.messages) == 1
    old = wait_for(server, "eve@none.example")
    report(old.contact, AddressState.GOOD, clock, checked_at=NOW - timedelta(days=91))
    clock.run_through(NOW + timedelta(minutes=2))
    assert len(server.messages) == 1
    with pytest.raises(VerdictError, match="future"):
        report(old.contact, AddressState.GOOD, clock, checked_at=NOW + timedelta(days=1))


def test_a_corrected_address_is_another_one(server: MailServer, clock: DrivenClock) -> None:
    person = wait_for(server, "bob@none.example")
    report(person.contact, AddressState.BAD, clock)
    clock.run_through(NOW + timedelta(minutes=1))
    change_row(person.contact, {"email": "bob@good.example"}, clock.now)
    clock.run_through(NOW + timedelta(minutes=15))
    assert [message.recipients for message in server.messages] == [("bob@good.example",)]
    assert EmailMessage.objects.get(status="sent").recipient == "bob@good.example"


def test_enrolling_asks_ahead_and_leaves_out_what_is_known(
    server: MailServer, clock: DrivenClock, names: NameServer
) -> None:
    first = StepFactory(sequence__workspace__verify_addresses=True)
    workspace = first.workspace
    mailbox = MailboxFactory(workspace=workspace, smtp_port=server.port)
    good, refused = (ContactFactory(workspace=workspace, email=f"bob@{name}.example") for name in ("good", "none"))
    MailDomain.objects.create(
        domain="none.example", state="bad", detail="gone", checked_at=NOW, valid_until=NOW + timedelta(days=7)
    )
    result = enroll(first.sequence, [good, refused], mailbox)
    assert [skipped.code for skipped in result.skipped] == [SkipCode.ADDRESS_REFUSED]
    assert result.skipped[0].reason.startswith("gone (checked on 2026-03-02): correct the address")
    clock.run()
    # asked before the lane looked: nothing waited
    assert (len(server.messages), names.asked[0]) == (1, ("good.example", "MX"))
    Workspace.objects.update(verify_addresses=False)
    assert enroll(first.sequence, [refused], mailbox).skipped == ()


def test_a_dry_run_asks_nothing(clock: DrivenClock) -> None:
    first = StepFactory(sequence__workspace__verify_addresses=True)
    contact = ContactFactory(workspace=first.workspace, email="bob@good.example")
    with transaction.atomic():
        assert enroll(first.sequence, [contact], MailboxFactory(workspace=first.workspace)).enrolled
        transaction.set_rollback(True)
    assert not MailDomain.objects.exists()
    assert mail_domains.check_due_domains(clock.now) == 0
