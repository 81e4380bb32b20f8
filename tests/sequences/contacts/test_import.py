"""Sequences and contacts from files into the database: set-based, all or nothing, and an edit loses no enrollment."""

from __future__ import annotations

import io
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from emails.models import EmailMessage
from execution.control.edit import StoredSequence, store_sequence
from execution.models import ExecutionLog
from sequences.authoring.operations import InvalidSequenceError, SequenceStateError, activate_sequence
from sequences.authoring.queries import load_draft
from sequences.authoring.validation import validate_sequence
from sequences.contacts.csv_import import ImportedContacts, import_contacts
from sequences.contacts.csv_reader import CsvFormError
from sequences.models import Account, Contact, Enrollment, Sequence, Step, Workspace
from sequences.yaml.export import export_sequence
from sequences.yaml.form import parse_text
from tasks_app.models import Task
from tests.factories import (
    NOW,
    AccountFactory,
    ContactFactory,
    EmailMessageFactory,
    EnrollmentFactory,
    PausedEnrollmentFactory,
    QuarantinedEnrollmentFactory,
    SequenceFactory,
    TaskFactory,
    WorkspaceFactory,
)
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db

HEAD = 'name: Intro\nwindow: {timezone: UTC, mon-sun: ["00:00-24:00"]}\nsteps:\n'
A = '  - email: {subject: "Hello", body: "One."}\n'
B = '  - task: {name: Call, type: call, instructions: "Call {{ contact.email }}"}\n'
C = "  - email: {body: Two., delay: {days: 1}}\n"


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


def store(workspace: Workspace, text: str, *, activate: bool = False) -> StoredSequence:
    draft = parse_text("f.yaml", text.encode()).draft
    return store_sequence(workspace, draft, activate=activate, actor="ada", now=NOW)


def steps_of(stored: StoredSequence) -> list[Step]:
    return list(Step.objects.filter(sequence=stored.saved.sequence).order_by("number"))


def import_csv(workspace: Workspace, text: str | bytes) -> ImportedContacts:
    data = text if isinstance(text, bytes) else text.encode()
    return import_contacts(workspace.pk, "c.csv", io.BytesIO(data), NOW)


# sequences


def test_a_sequence_is_created_as_a_draft_and_activated_when_asked(workspace: Workspace) -> None:
    stored = store(workspace, HEAD + A + B + C)
    assert (stored.saved.created, stored.saved.sequence.status, stored.steps) == (True, "draft", 3)
    again = store(workspace, HEAD + A + B + C, activate=True)
    assert (again.saved.created, again.saved.sequence.status) == (False, "active")
    assert [step.type for step in steps_of(again)] == ["email", "task", "email"]
    assert validate_sequence(again.saved.sequence.pk) == []


def test_export_then_import_changes_nothing(workspace: Workspace) -> None:
    splits = "  - split: {id: ask, condition: email_opened, wait_hours: 1, if_true: last, if_false: }\n"
    stored = store(workspace, HEAD + A + splits + B + C.replace("{body", "{id: last, send_time: 09:30, body"))
    text = export_sequence(load_draft(stored.saved.sequence))
    before = [(step.pk, step.number, step.if_true_goto_id) for step in steps_of(stored)]
    again = store(workspace, text)
    assert [(step.pk, step.number, step.if_true_goto_id) for step in steps_of(again)] == before
    assert export_sequence(load_draft(again.saved.sequence)) == text
    elsewhere = store(WorkspaceFactory(), text)
    assert export_sequence(load_draft(elsewhere.saved.sequence)) == text


def test_steps_keep_their_identity_through_edits(workspace: Workspace) -> None:
    a, b, c = steps_of(store(workspace, HEAD + A + B + C))
    inserted = "  - delay: {days: 3}\n"
    edited = steps_of(store(workspace, HEAD + A.replace("One.", "Won.") + inserted + B + C))
    assert [step.pk for step in edited if step.type != "delay"] == [a.pk, b.pk, c.pk]
    assert edited[0].body == "Won."
    moved = steps_of(store(workspace, HEAD + A + C + B + inserted))
    assert [step.pk for step in moved] == [a.pk, c.pk, b.pk, edited[1].pk]


def test_enrollments_keep_their_state_when_no_step_is_removed(workspace: Workspace) -> None:
    stored = store(workspace, HEAD + A + B + C, activate=True)
    enrollment = EnrollmentFactory(sequence=stored.saved.sequence, current_step=steps_of(stored)[1])
    store(workspace, HEAD + A + "  - delay: {days: 3}\n" + B + C)
    after = Enrollment.objects.get(pk=enrollment.pk)
    assert (after.current_step_id, after.visit, after.wake_at) == (enrollment.current_step_id, 1, NOW)


def test_enrollments_at_a_removed_step_go_on_at_the_next_step(
    workspace: Workspace,
) -> None:
    stored = store(workspace, HEAD + A + B + C, activate=True)
    _, b, c = steps_of(stored)
    ended = NOW - timedelta(hours=2)
    at = {"sequence": stored.saved.sequence, "current_step": b, "at": ended, "retry_count": 2}
    enrollment = EnrollmentFactory(**at)
    task = TaskFactory(enrollment=enrollment)
    result = store(workspace, HEAD + A + C)
    after = Enrollment.objects.get(pk=enrollment.pk)
    assert result.moved == 1
    assert (after.status, after.current_step_id, after.visit, after.retry_count) == ("active", c.pk, 2, 0)
    assert (after.wake_at, after.next_step_at) == (NOW, ended + timedelta(days=1))
    assert Task.objects.get(pk=task.pk).status == "cancelled"
    log = ExecutionLog.objects.get(enrollment=enrollment)
    assert (log.action, log.actor, log.step_number) == ("moved", "ada", 2)
    assert log.message == "step 2 was removed: goes on at step 2"


def test_a_queued_email_of_a_removed_step_does_not_leave(workspace: Workspace) -> None:
    stored = store(workspace, HEAD + A + B + C, activate=True)
    first = steps_of(stored)[0]
    enrollment = EnrollmentFactory(sequence=stored.saved.sequence, current_step=first)
    EmailMessageFactory(enrollment=enrollment)
    store(workspace, HEAD + B + '  - email: {subject: New, body: "Two.", delay: {days: 1}}\n')
    steps = list(Step.objects.filter(sequence=stored.saved.sequence).order_by("number"))
    message = EmailMessage.objects.get(enrollment=enrollment)
    assert first.pk not in [step.pk for step in steps]
    assert (message.status, message.withheld_reason) == ("withheld", "step_removed")


def test_a_queued_email_waits_no_longer_for_the_opening_of_the_old_window(workspace: Workspace) -> None:
    stored = store(workspace, HEAD + A + C, activate=True)
    enrollment = EnrollmentFactory(sequence=stored.saved.sequence, current_step=steps_of(stored)[0])
    tomorrow = NOW + timedelta(days=1)
    EmailMessageFactory(enrollment=enrollment, send_after_at=tomorrow, held_by="window: closed")
    store(workspace, HEAD + A + C)
    assert EmailMessage.objects.get().send_after_at == tomorrow
    store(workspace, HEAD.replace("00:00-24:00", "09:00-17:00") + A + C)
    message = EmailMessage.objects.get()
    assert (message.send_after_at, message.held_by, message.mailbox.lane_at) == (NOW, "", NOW)


def test_enrollments_at_a_removed_last_step_complete_or_stay_held(
    workspace: Workspace,
) -> None:
    stored = store(workspace, HEAD + A + C + B, activate=True)
    last = steps_of(stored)[2]
    at: dict[str, Any] = {"sequence": stored.saved.sequence, "current_step": last}
    active = EnrollmentFactory(**at)
    paused = PausedEnrollmentFactory(**at)
    held = QuarantinedEnrollmentFactory(**at)
    store(workspace, HEAD + A + C)
    found = {row.pk: row for row in Enrollment.objects.all()}
    assert found[active.pk].status == "completed"
    assert found[active.pk].completed_at == NOW
    assert found[paused.pk].status == "completed"
    assert (found[held.pk].status, found[held.pk].current_step_id) == ("quarantined", None)
    assert set(ExecutionLog.objects.values_list("action", flat=True)) == {"completed", "moved"}


def test_a_paused_enrollment_is_moved_and_stays_paused(workspace: Workspace) -> None:
    stored = store(workspace, HEAD + A + B + C, activate=True)
    paused = PausedEnrollmentFactory(sequence=stored.saved.sequence, current_step=steps_of(stored)[1])
    store(workspace, HEAD + A + C)
    after = Enrollment.objects.get(pk=paused.pk)
    assert (after.status, after.wake_at) == ("paused", None)
    assert after.current_step_id == steps_of(stored)[1].pk


def test_moving_takes_the_same_statements_for_any_number_of_enrollments() -> None:
    counts = []
    for people in (1, 20):
        space = WorkspaceFactory()
        stored = store(space, HEAD + A + B + C, activate=True)
        EnrollmentFactory.create_batch(people, sequence=stored.saved.sequence, current_step=steps_of(stored)[1])
        with count_statements() as statements:
            assert store(space, HEAD + A + C).moved == people
        counts.append(statements.count)
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (HEAD + A + "  - email: {body: '{{ contact.first_name'}\n", "body:"),
        (HEAD + A + "  - delay: {id: d}\n  - split: {condition: email_opened, if_true: d}\n", "has no delay"),
        (HEAD + "  - email: {body: x}\n", "the subject is empty"),
        (HEAD + A + "  - email: {body: '{{ sender.nam }}'}\n", "did you mean sender.name?"),
    ],
)
def test_an_invalid_sequence_is_refused_and_leaves_nothing(workspace: Workspace, text: str, detail: str) -> None:
    with pytest.raises(InvalidSequenceError, match=detail):
        store(workspace, text)
    assert not Sequence.objects.exists()


def test_a_field_that_no_contact_has_yet_is_a_warning_until_activation(workspace: Workspace) -> None:
    ContactFactory(workspace=workspace)
    text = HEAD + "  - email: {subject: Hi, body: 'Your {{ contact.plan }}'}\n"
    (warning,) = store(workspace, text).saved.warnings
    assert "contact.plan" in warning.message
    with pytest.raises(InvalidSequenceError, match=r"contact\.plan"):
        store(workspace, text, activate=True)
    ContactFactory(workspace=workspace, fields={"plan": "gold"})
    assert store(workspace, text, activate=True).saved.sequence.status == "active"


def test_an_active_sequence_never_becomes_invalid(workspace: Workspace) -> None:
    ContactFactory(workspace=workspace)
    stored = store(workspace, HEAD + A, activate=True)
    with pytest.raises(InvalidSequenceError):
        store(workspace, HEAD + "  - email: {subject: Hi, body: 'Your {{ contact.plan }}'}\n")
    assert steps_of(stored)[0].body == "One."


@pytest.mark.parametrize(("status", "reason"), [("paused", "a holiday"), ("archived", "")])
def test_activation_names_the_state_that_forbids_it(workspace: Workspace, status: str, reason: str) -> None:
    sequence = SequenceFactory(workspace=workspace, status=status, pause_reason=reason)
    with pytest.raises(SequenceStateError, match=status):
        activate_sequence(sequence.pk, NOW)


def test_an_archived_sequence_is_not_edited(workspace: Workspace) -> None:
    SequenceFactory(workspace=workspace, name="Intro", status="archived")
    with pytest.raises(SequenceStateError, match="archived"):
        store(workspace, HEAD + A)


# contacts


def test_contacts_and_their_companies_are_created(workspace: Workspace) -> None:
    result = import_csv(
        workspace,
        "email,first_name,company,domain,timezone,Plan\n"
        "ada@acme.example,Ada,Acme,acme.example,Europe/Berlin,gold\n"
        "bob@acme.example,Bob,ACME Inc,acme.example,,\n"
        "cyd@other.example,Cyd,Other Ltd,,,\n"
        "dan@other.example,Dan,other ltd,,,silver\n"
        "eve@nowhere.example,Eve,,,,\n",
    )
    assert (result.created, result.updated, result.rejected) == (5, 0, ())
    ada, bob, cyd, dan, eve = Contact.objects.order_by("email").select_related("account")
    assert (ada.first_name, ada.timezone, ada.fields) == ("Ada", "Europe/Berlin", {"plan": "gold"})
    assert ada.account == bob.account
    assert (ada.account.name, ada.account.domain) == ("Acme", "acme.example")
    assert cyd.account == dan.account
    assert (cyd.account.name, cyd.account.domain) == ("Other Ltd", "")
    assert eve.account is None
    assert Account.objects.count() == 2
    assert result.contact_ids == tuple(contact.pk for contact in (ada, bob, cyd, dan, eve))


def test_a_known_address_is_updated_and_an_empty_cell_keeps_what_is_stored(workspace: Workspace) -> None:
    account = AccountFactory(workspace=workspace, name="Acme", domain="acme.example")
    contact = ContactFactory(
        workspace=workspace, email="Ada@acme.example", first_name="Ada", title="CTO", fields={"plan": "gold", "x": 1}
    )
    stranger = ContactFactory(email="ada@acme.example", first_name="Other")
    result = import_csv(
        workspace, "email,first_name,title,plan,size,domain\nada@ACME.example,Adele,,,12,acme.example\n"
    )
    contact.refresh_from_db()
    stranger.refresh_from_db()
    assert (result.created, result.updated) == (0, 1)
    assert (contact.first_name, contact.title, contact.account) == ("Adele", "CTO", account)
    assert contact.fields == {"plan": "gold", "x": 1, "size": "12"}
    assert stranger.first_name == "Other"


def test_a_company_is_found_by_its_name_where_no_domain_is_given(workspace: Workspace) -> None:
    account = AccountFactory(workspace=workspace, name="Größe GmbH", domain="groesse.example")
    import_csv(workspace, "email,company\na@x.example,GRÖSSE GMBH\nb@x.example,größe gmbh\n")
    assert Contact.objects.get(email="b@x.example").account == account


def test_rejected_rows_harm_no_other(workspace: Workspace) -> None:
    result = import_csv(workspace, "email,timezone\na@x.example,\nbroken,\nb@x.example,Mars\nA@x.example,\n")
    assert (result.created, [row.row for row in result.rejected]) == (1, [3, 4, 5])


def test_a_file_that_breaks_off_leaves_nothing_half_done(workspace: Workspace) -> None:
    good = b"".join(b"p%d@x.example\n" % number for number in range(2_500))
    with pytest.raises(CsvFormError, match="row 2502"):
        import_csv(workspace, b"email\n" + good + b"\xff@x.example\n")
    assert not Contact.objects.exists()


def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(workspace: Workspace) -> None:
    counts = []
    for rows in (1, 100):
        lines = "".join(f"p{rows}-{number}@x.example,C{number}\n" for number in range(rows))
        with count_statements() as statements:
            import_csv(workspace, f"email,company\n{lines}")
        counts.append(statements.count)
    assert counts[0] == counts[1]


def test_many_rows_keep_their_memory_flat(workspace: Workspace) -> None:
    rows = 20_000
    data = b"email,first_name,company,notes\n" + b"".join(
        b"person%d@company%d.example,First%d,Company %d,%s\n" % (number, number % 50, number, number % 50, b"n" * 500)
        for number in range(rows)
    )
    tracemalloc.start()
    try:
        result = import_csv(workspace, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.created == rows
    assert Account.objects.count() == 50
    # The rows themselves are 11 MB; addresses and ids are all that is kept of them.
    assert peak < 16_000_000
