"""Before the first email: the merge fields of every step that can be reached, for every contact."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.control.enroll import EnrollError
from execution.control.enroll_rules import MissingField
from execution.engine.backoff import Policy
from execution.engine.tick import run_tick
from sequences.models import Enrollment, Sequence, Step
from tasks_app.models import Task
from tests.factories import (
    NOW,
    AccountFactory,
    CompletedEnrollmentFactory,
    ContactFactory,
    DelayStepFactory,
    MailboxFactory,
    MembershipFactory,
    SequenceFactory,
    SplitStepFactory,
    StepFactory,
    TaskStepFactory,
)
from tests.support.counting import count_statements
from tests.support.enrolling import enroll

pytestmark = pytest.mark.django_db


@pytest.fixture
def sequence() -> Sequence:
    """Its fourth step, two days away, needs the month of a renewal; its task wants a phone number."""
    sequence = SequenceFactory()
    StepFactory(sequence=sequence, subject="One {{ contact.first_name }}", body="Hi")
    StepFactory(sequence=sequence, subject="Two", body="Hi", delay_days=1)
    TaskStepFactory(sequence=sequence, instructions="Ring {{ contact.first_name }} on {{ contact.phone }}")
    StepFactory(sequence=sequence, subject="Three", body="Your {{ contact.renewal_month }} renewal", delay_days=1)
    return sequence


@pytest.fixture
def mailbox(sequence: Sequence) -> Any:
    owner = MembershipFactory(workspace=sequence.workspace).user
    return MailboxFactory(workspace=sequence.workspace, owner=owner)


def person(sequence: Sequence, month: str | None = "May", **values: Any) -> Any:
    fields = {} if month is None else {"renewal_month": month}
    return ContactFactory(workspace=sequence.workspace, fields=fields, **values)


def missing(result: Any) -> dict[int, tuple[MissingField, ...]]:
    return {skipped.contact_id: skipped.missing for skipped in result.skipped}


def test_a_contact_that_lacks_a_field_of_the_fourth_step_gets_no_first_email(sequence: Sequence, mailbox: Any) -> None:
    good, blank, absent = person(sequence), person(sequence, "  "), person(sequence, None)
    nameless = person(sequence, None, first_name="")
    result = enroll(sequence, [good, blank, absent, nameless], mailbox)
    month = MissingField(4, "body", "contact.renewal_month")
    assert missing(result) == {
        blank.pk: (month,), absent.pk: (month,),
        nameless.pk: (MissingField(1, "subject", "contact.first_name"), month),
    }  # fmt: skip
    assert list(Enrollment.objects.values_list("contact", flat=True)) == [good.pk]
    assert result.skipped[0].reason == (
        "no contact.renewal_month for step 4 (body): fill it in, give the template a default, or enroll with "
        "allow_incomplete to hold it at that step"
    )
    shown = result.skipped[0].present()
    assert (shown["code"], shown["override"]) == ("incomplete", "allow_incomplete")
    assert shown["missing"] == [{"step": 4, "part": "body", "field": "contact.renewal_month"}]


def test_allow_incomplete_enrolls_and_the_step_holds(sequence: Sequence, mailbox: Any) -> None:
    contact = person(sequence, None)
    (enrollment,) = enroll(sequence, [contact], mailbox, allow_incomplete=True).enrolled
    fourth = sequence.steps.get(number=4)
    Enrollment.objects.filter(pk=enrollment).update(current_step=fourth)
    run_tick(NOW, 10, Policy())
    held = Enrollment.objects.get(pk=enrollment)
    assert (held.status, held.current_step) == ("quarantined", fourth)
    assert "contact.renewal_month" in held.last_error


def test_a_rule_is_reported_before_a_missing_field(sequence: Sequence, mailbox: Any) -> None:
    contact = person(sequence, None)
    CompletedEnrollmentFactory(sequence=sequence, contact=contact)
    assert [one.code for one in enroll(sequence, [contact], mailbox).skipped] == ["had_sequence"]
    assert [one.code for one in enroll(sequence, [contact], mailbox, again="new").skipped] == ["incomplete"]
    assert len(enroll(sequence, [contact], mailbox, again="new", allow_incomplete=True).enrolled) == 1


@pytest.mark.parametrize(
    ("body", "is_enrolled"),
    [
        ("{{ contact.nick | default: 'you' }}", True),
        ("{% if contact.nick %}{{ contact.nick }}{% endif %}", True),
        ("{{ contact.nick | default: contact.first_name }}", True),
        ("{{ contact.nick | default: contact.other }}", False),
        ("{{ account.name }}", True),
        ("{{ sender.name }} {{ workspace.name }} {{ unsubscribe_url }} {{ 'now' | date: '%d' }}", True),
        ("{{ contact.fields.nick }}", False),
        ("{{ contact.nick | upcase }}", False),
    ],
)
def test_what_counts_as_missing_is_what_counts_when_the_step_runs(body: str, is_enrolled: bool) -> None:
    sequence = SequenceFactory()
    DelayStepFactory(sequence=sequence)
    StepFactory(sequence=sequence, body=body)
    mailbox = MailboxFactory(workspace=sequence.workspace)
    account = AccountFactory(workspace=sequence.workspace)
    contact = ContactFactory(workspace=sequence.workspace, account=account)
    result = enroll(sequence, [contact], mailbox, allow_incomplete=False)
    assert bool(result.enrolled) is is_enrolled
    if not is_enrolled:
        (pk,) = enroll(sequence, [contact], mailbox, allow_incomplete=True).enrolled
        run_tick(NOW + timedelta(days=1), 10, Policy())
        run_tick(NOW + timedelta(days=2), 10, Policy())
        assert Enrollment.objects.get(pk=pk).status == "quarantined"


def test_both_branches_are_checked_and_steps_that_nothing_leads_to_are_not() -> None:
    sequence = SequenceFactory()
    first = StepFactory(sequence=sequence)
    split = SplitStepFactory(sequence=sequence)
    unreached = StepFactory(sequence=sequence, body="{{ contact.unreached }}")
    end = SplitStepFactory(sequence=sequence)
    yes = StepFactory(sequence=sequence, body="{{ contact.yes }}")
    last = SplitStepFactory(sequence=sequence)
    no = StepFactory(sequence=sequence, subject="{{ contact.no }}")
    Step.objects.filter(pk=split.pk).update(if_true_goto=yes, if_false_goto=no)
    Step.objects.filter(pk=last.pk).update(if_true_goto=first, if_false_goto=None)
    assert unreached.number < end.number
    contact = ContactFactory(workspace=sequence.workspace)
    result = enroll(sequence, [contact], MailboxFactory(workspace=sequence.workspace))
    assert missing(result)[contact.pk] == (
        MissingField(yes.number, "body", "contact.yes"),
        MissingField(no.number, "subject", "contact.no"),
    )


def test_a_broken_template_refuses_the_call_and_names_the_step(sequence: Sequence, mailbox: Any) -> None:
    Step.objects.filter(number=2).update(body="{{ contact.first_name")
    with pytest.raises(EnrollError, match=r"cannot run: step 2 \(body\)"):
        enroll(sequence, [person(sequence)], mailbox)


def test_templates_cost_the_same_number_of_statements_for_any_number_of_steps_and_contacts() -> None:
    counts = []
    for steps, people in ((1, 1), (8, 40)):
        sequence = SequenceFactory()
        for number in range(steps):
            StepFactory(sequence=sequence, body=f"{{{{ contact.field{number} }}}}")
        contacts = ContactFactory.create_batch(people, workspace=sequence.workspace)
        mailbox = MailboxFactory(workspace=sequence.workspace)
        with count_statements() as statements:
            result = enroll(sequence, contacts, mailbox)
        assert [len(skipped.missing) for skipped in result.skipped] == [steps] * people
        counts.append(statements.count)
    assert counts[0] == counts[1]


def test_a_task_without_a_phone_number_says_so_and_holds_nothing(sequence: Sequence, mailbox: Any) -> None:
    (pk,) = enroll(sequence, [person(sequence, first_name="Jo")], mailbox).enrolled
    Enrollment.objects.filter(pk=pk).update(current_step=sequence.steps.get(number=3))
    run_tick(NOW, 10, Policy())
    assert Task.objects.get().instructions == "Ring Jo on (no phone)"
    assert Enrollment.objects.get(pk=pk).status == "active"
