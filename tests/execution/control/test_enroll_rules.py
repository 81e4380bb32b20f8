"""Which contacts may be enrolled (again): each rule, its workspace setting, what overrides it, and concurrent calls."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from emails.models import Mailbox, SuppressionChange
from execution.control.enroll import EnrollResult
from execution.models import ExecutionLog
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.factories import (
    NOW,
    CompletedEnrollmentFactory,
    ContactFactory,
    EmailEventFactory,
    EnrollmentFactory,
    MailboxFactory,
    MembershipFactory,
    QuarantinedEnrollmentFactory,
    SentMessageFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    TaskStepFactory,
    WorkspaceFactory,
)
from tests.support.counting import count_statements
from tests.support.enrolling import enroll

pytestmark = pytest.mark.django_db


def days_ago(days: float) -> Any:
    return NOW - timedelta(days=days)


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def sequence(workspace: Workspace) -> Sequence:
    return make_sequence(workspace)


@pytest.fixture
def mailbox(workspace: Workspace) -> Mailbox:
    return MailboxFactory(workspace=workspace)


@pytest.fixture
def contact(workspace: Workspace) -> Contact:
    return ContactFactory(workspace=workspace, email="jo@prospect.example")


def make_sequence(workspace: Workspace, **fields: Any) -> Sequence:
    sequence = SequenceFactory(workspace=workspace, **fields)
    StepFactory(sequence=sequence)
    return sequence


def end(sequence: Sequence, contact: Contact, days: float, status: str = "completed", reason: str = "") -> Enrollment:
    """An earlier enrollment of the contact that ended so many days ago."""
    return CompletedEnrollmentFactory(
        sequence=sequence, contact=contact, at=days_ago(days), status=status, auto_exit_reason=reason
    )


def codes(result: EnrollResult) -> list[str]:
    return [skipped.code.value for skipped in result.skipped]


def test_every_rule_has_its_code_and_its_reason(sequence: Sequence, workspace: Workspace, mailbox: Mailbox) -> None:
    gone = ContactFactory(workspace=workspace, email="Gone@a.example")
    domain = ContactFactory(workspace=workspace, email="any@blocked.example")
    live = EnrollmentFactory(sequence=sequence, workspace=workspace).contact
    stranger, fine = ContactFactory(), ContactFactory(workspace=workspace, email="fine@a.example")
    SuppressionFactory(workspace=workspace, email="gone@a.example", reason="unsubscribed")
    SuppressionFactory(workspace=workspace, email="", domain="blocked.example", reason="manual")
    SuppressionFactory(email="fine@a.example")
    result = enroll(sequence, [gone, domain, live, stranger, fine], mailbox)
    assert Enrollment.objects.get(pk__in=result.enrolled).contact == fine
    assert [(left.contact_id, left.code, left.reason) for left in result.skipped] == [
        (gone.pk, "suppressed", "suppressed: unsubscribed: no option allows it"),
        (
            domain.pk,
            "suppressed",
            "suppressed: manual (the whole domain blocked.example): remove the suppression first",
        ),
        (live.pk, "already_in_sequence", "already in this sequence: wait until it ends or exit it"),
        (stranger.pk, "unknown_contact", "is not a contact of this workspace: add or import it first"),
    ]


@pytest.mark.parametrize(
    ("status", "exit_reason", "text"),
    [
        ("completed", "", "completed this sequence on 2026-02-23"),
        ("replied", "replied", "replied in this sequence on 2026-02-23"),
        ("auto_exited", "manual", "left this sequence (manual) on 2026-02-23"),
        ("auto_exited", "account_replied", "left this sequence (account replied) on 2026-02-23"),
    ],
)
def test_a_contact_gets_a_sequence_once_however_it_ended(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, status: str, exit_reason: str, text: str
) -> None:
    end(sequence, contact, 7, status, exit_reason)
    result = enroll(sequence, [contact], mailbox)
    assert not result.enrolled
    assert result.skipped[0].reason == f"{text}: a manager can enroll it with again and a reason"
    assert result.skipped[0].present() == {
        "contact": "jo@prospect.example",
        "code": "had_sequence",
        "reason": result.skipped[0].reason,
        "override": "again",
    }


def test_the_day_of_an_end_is_the_workspaces_day(sequence: Sequence, mailbox: Mailbox, contact: Contact) -> None:
    Workspace.objects.update(timezone="Pacific/Auckland")
    end(sequence, contact, 0.1)
    assert "on 2026-03-02" in enroll(sequence, [contact], mailbox).skipped[0].reason
    Workspace.objects.update(timezone="America/Los_Angeles")
    assert "on 2026-03-01" in enroll(sequence, [contact], mailbox).skipped[0].reason


@pytest.mark.parametrize(("days", "setting", "is_enrolled"), [(40, 90, False), (120, 90, True), (40, 30, True)])
@pytest.mark.parametrize("known_from", ["event", "enrollment"])
def test_a_contact_that_answered_recently_is_left_alone(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, known_from: str, days: int, setting: int, is_enrolled: bool
) -> None:
    Workspace.objects.update(answered_within_days=setting)
    other = make_sequence(sequence.workspace)
    if known_from == "enrollment":
        end(other, contact, days, "replied", "replied")
    else:
        message = SentMessageFactory(enrollment=end(other, contact, days), at=days_ago(days))
        EmailEventFactory(message=message, type="replied", at=days_ago(days))
    result = enroll(sequence, [contact], mailbox)
    assert bool(result.enrolled) is is_enrolled
    if not is_enrolled:
        assert (codes(result), result.skipped[0].code.override) == (["answered"], "again")
        assert result.skipped[0].reason.startswith("answered on 2026-01-21, less than 90 days ago")


def test_the_rule_about_replies_can_be_turned_off_and_counts_human_replies_only(
    sequence: Sequence, mailbox: Mailbox, workspace: Workspace
) -> None:
    other = make_sequence(workspace)
    automatic, person = ContactFactory(workspace=workspace), ContactFactory(workspace=workspace)
    for contact, fields in ((automatic, {"type": "auto_replied"}), (person, {"type": "replied"})):
        message = SentMessageFactory(enrollment=end(other, contact, 3), at=days_ago(3))
        EmailEventFactory(message=message, at=days_ago(3), **fields)
    assert codes(enroll(sequence, [automatic, person], mailbox)) == ["answered"]
    Workspace.objects.update(answered_within_days=0)
    assert len(enroll(sequence, [person], mailbox).enrolled) == 1


@pytest.mark.parametrize("factory", [EnrollmentFactory, QuarantinedEnrollmentFactory])
def test_a_contact_is_in_one_sequence_at_a_time(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, factory: Any
) -> None:
    other = make_sequence(sequence.workspace, name="Spring")
    factory(sequence=other, contact=contact)
    result = enroll(sequence, [contact], mailbox)
    assert codes(result) == ["in_other_sequence"]
    assert "'Spring'" in result.skipped[0].reason
    Workspace.objects.update(parallel_sequences=True)
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_the_cool_down_counts_emails_of_any_sequence(sequence: Sequence, mailbox: Mailbox, contact: Contact) -> None:
    other = make_sequence(sequence.workspace)
    SentMessageFactory(enrollment=end(other, contact, 2), at=days_ago(2))
    Workspace.objects.update(cool_down_days=3)
    assert codes(enroll(sequence, [contact], mailbox)) == ["cool_down"]
    Workspace.objects.update(cool_down_days=1)
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_again_overrides_the_rules_and_is_kept_with_the_user_and_the_reason(
    sequence: Sequence, mailbox: Mailbox, workspace: Workspace
) -> None:
    Workspace.objects.update(cool_down_days=3)
    other = make_sequence(workspace)
    had, answered, busy, fresh, mailed = ContactFactory.create_batch(5, workspace=workspace)
    end(sequence, had, 2, "auto_exited", "manual")
    end(other, answered, 2, "replied", "replied")
    EnrollmentFactory(sequence=other, contact=busy)
    SentMessageFactory(enrollment=end(other, mailed, 2), at=days_ago(2))
    contacts = [had, answered, busy, fresh, mailed]
    assert codes(enroll(sequence, [had, answered, busy, mailed], mailbox)) == [
        "had_sequence", "answered", "in_other_sequence", "cool_down",
    ]  # fmt: skip
    result = enroll(sequence, contacts, mailbox, again=" new budget ", actor="grace")
    assert (len(result.enrolled), result.skipped) == (5, ())
    new = {row.contact_id: row for row in Enrollment.objects.filter(pk__in=result.enrolled)}
    assert [(new[one.pk].again_reason, new[one.pk].again_by, new[one.pk].is_again) for one in contacts] == [
        ("new budget", "grace", True), ("new budget", "grace", True), ("new budget", "grace", True), ("", "", False),
        ("new budget", "grace", True),
    ]  # fmt: skip
    logged = ExecutionLog.objects.get(enrollment=new[had.pk], action="enrolled")
    assert logged.message == f"enrolled in {sequence.name} again: new budget"
    assert (logged.actor, logged.details["again"]) == ("grace", "new budget")
    assert "again" not in ExecutionLog.objects.get(enrollment=new[fresh.pk]).message


@pytest.mark.parametrize(
    ("event", "exit_reason", "code"),
    [
        ("unsubscribed", "unsubscribed", "opted_out"),
        ("complained", "complained", "complained"),
        ("bounced", "bounced", "bounced"),
    ],
)
@pytest.mark.parametrize("known_from", ["event", "enrollment", "suppression"])
def test_again_is_never_for_contacts_that_opted_out_complained_or_bounced(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, known_from: str, event: str, exit_reason: str, code: str
) -> None:
    if known_from == "suppression":
        SuppressionFactory(workspace=sequence.workspace, email=contact.email, reason=event)
        code = "suppressed"
    elif known_from == "event":
        message = SentMessageFactory(enrollment=end(sequence, contact, 7), at=days_ago(7))
        EmailEventFactory(message=message, type=event, at=days_ago(7))
    else:
        end(sequence, contact, 7, "auto_exited", exit_reason)
    for target in (sequence, make_sequence(sequence.workspace)):
        result = enroll(target, [contact], mailbox, again="she rang")
        assert (codes(result), result.skipped[0].code.override) == ([code], None)


def test_what_a_user_decided_about_a_suppression_counts(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, workspace: Workspace
) -> None:
    """Removed with a reason, an opt-out is over; once per sequence still holds."""
    end(sequence, contact, 7, "auto_exited", "unsubscribed")
    SuppressionChange.objects.create(
        workspace=workspace, email=contact.email, action="removed", reason="unsubscribed", actor="ada", at=days_ago(1)
    )
    assert codes(enroll(sequence, [contact], mailbox)) == ["had_sequence"]
    assert len(enroll(make_sequence(workspace), [contact], mailbox).enrolled) == 1


def test_a_possible_opt_out_waits_for_a_users_decision(
    sequence: Sequence, mailbox: Mailbox, contact: Contact, workspace: Workspace
) -> None:
    Workspace.objects.update(answered_within_days=0)
    message = SentMessageFactory(enrollment=end(make_sequence(workspace), contact, 7), at=days_ago(7))
    EmailEventFactory(message=message, type="replied", at=days_ago(7), payload={"intent": "possible_opt_out"})
    result = enroll(sequence, [contact], mailbox, again="new budget")
    assert (codes(result), result.skipped[0].code.override) == (["possible_opt_out"], None)
    SuppressionChange.objects.create(
        workspace=workspace, email=contact.email, action="removed", reason="manual", actor="ada", at=days_ago(1)
    )
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_a_bounce_belongs_to_the_address(sequence: Sequence, mailbox: Mailbox, contact: Contact) -> None:
    message = SentMessageFactory(enrollment=end(sequence, contact, 7, "auto_exited", "bounced"), at=days_ago(7))
    EmailEventFactory(message=message, type="bounced", at=days_ago(7))
    other = make_sequence(sequence.workspace)
    assert codes(enroll(other, [contact], mailbox)) == ["bounced"]
    Contact.objects.update(email="joan@prospect.example")
    assert len(enroll(other, [contact], mailbox).enrolled) == 1


def test_a_soft_bounce_keeps_no_contact_out(sequence: Sequence, mailbox: Mailbox, contact: Contact) -> None:
    message = SentMessageFactory(enrollment=end(make_sequence(sequence.workspace), contact, 7), at=days_ago(7))
    EmailEventFactory(message=message, type="bounced", bounce_type="soft", at=days_ago(7))
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_facts_of_another_workspace_keep_no_contact_out(sequence: Sequence, mailbox: Mailbox, contact: Contact) -> None:
    foreign = ContactFactory(email=contact.email)
    end(make_sequence(foreign.workspace), foreign, 1, "auto_exited", "unsubscribed")
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_mailbox_and_owner_must_be_there_and_usable(sequence: Sequence, workspace: Workspace, contact: Contact) -> None:
    def refuse(code: str, text: str, mailbox: Mailbox | None = None, owner: Any = None) -> None:
        result = enroll(sequence, [contact], mailbox, owner=owner)
        assert codes(result) == [code]
        assert text in result.skipped[0].reason

    owner = MembershipFactory(workspace=workspace).user
    refuse("no_mailbox", "name one (the owner has none)")
    refuse("no_mailbox", "name one (the owner has none)", owner=owner)
    mailbox = MailboxFactory(workspace=workspace, owner=owner)
    MailboxFactory(workspace=workspace, owner=owner)
    refuse("no_mailbox", "name one (the owner has several)", owner=owner)
    broken = MailboxFactory(workspace=workspace, status="broken", status_reason="the password is wrong")
    refuse("mailbox_unusable", f"{broken.address} cannot send (the password is wrong)", broken)
    refuse("owner_unusable", "not a member", mailbox, MembershipFactory().user)
    owner.is_active = False
    owner.save()
    refuse("owner_unusable", "deactivated", mailbox)
    TaskStepFactory(sequence=sequence)
    refuse("no_owner", "creates tasks and needs an owner", MailboxFactory(workspace=workspace))
    assert not Enrollment.objects.exists()


def test_a_paused_mailbox_takes_contacts_that_wait(sequence: Sequence, workspace: Workspace, contact: Contact) -> None:
    mailbox = MailboxFactory(workspace=workspace, status="paused", status_reason="on holiday")
    assert len(enroll(sequence, [contact], mailbox).enrolled) == 1


def test_results_keep_the_order_of_the_contacts(sequence: Sequence, mailbox: Mailbox, workspace: Workspace) -> None:
    first, second, third, fourth = ContactFactory.create_batch(4, workspace=workspace)
    for contact in (first, third):
        end(sequence, contact, 3)
    result = enroll(sequence, [fourth, third, second, first], mailbox)
    assert [Enrollment.objects.get(pk=pk).contact_id for pk in result.enrolled] == [fourth.pk, second.pk]
    assert [skipped.contact_id for skipped in result.skipped] == [third.pk, first.pk]


def test_a_dry_run_says_what_the_run_does(sequence: Sequence, mailbox: Mailbox, workspace: Workspace) -> None:
    contacts = ContactFactory.create_batch(4, workspace=workspace)
    end(sequence, contacts[0], 3)
    EnrollmentFactory(sequence=make_sequence(workspace), contact=contacts[1])
    with transaction.atomic():
        dry = enroll(sequence, contacts, mailbox)
        transaction.set_rollback(True)
    assert Enrollment.objects.count() == 2
    assert dry.skipped == enroll(sequence, contacts, mailbox).skipped
    assert Enrollment.objects.count() == 4


def test_rules_cost_the_same_number_of_statements_for_one_and_for_many(workspace: Workspace, mailbox: Mailbox) -> None:
    counts = []
    for number in (1, 40):
        sequence = make_sequence(workspace)
        contacts = ContactFactory.create_batch(number, workspace=workspace)
        for contact in contacts:
            end(sequence, contact, 3)
        with count_statements() as statements:
            enroll(sequence, contacts, mailbox)
        counts.append(statements.count)
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_two_users_who_enroll_the_same_contacts_in_two_sequences_get_each_contact_once() -> None:
    workspace = WorkspaceFactory()
    sequences = [make_sequence(workspace), make_sequence(workspace)]
    mailbox = MailboxFactory(workspace=workspace)
    contacts = ContactFactory.create_batch(50, workspace=workspace)
    together = threading.Barrier(4)
    results: list[EnrollResult] = []

    def request(number: int) -> None:
        close_old_connections()
        try:
            together.wait(10)
            order = contacts if number < 2 else contacts[::-1]
            results.append(enroll(sequences[number % 2], order, mailbox))
        finally:
            connection.close()

    threads = [threading.Thread(target=request, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(len(result.enrolled) for result in results) == 50
    assert {code for result in results for code in codes(result)} <= {"already_in_sequence", "in_other_sequence"}
    assert sorted(Enrollment.objects.values_list("contact", flat=True)) == sorted(one.pk for one in contacts)
