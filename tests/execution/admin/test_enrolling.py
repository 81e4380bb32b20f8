"""The page that enrolls: a check shows the skipped contacts by rule and changes nothing; again is for managers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from emails.models import Mailbox
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tests.factories import (
    CompletedEnrollmentFactory,
    ContactFactory,
    MailboxFactory,
    MembershipFactory,
    OperatorFactory,
    SequenceFactory,
    StepFactory,
    SuppressionFactory,
    WorkspaceFactory,
)
from tests.support.admin_pages import APPS, shown_messages
from tests.support.counting import count_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def sequence(workspace: Workspace) -> Sequence:
    sequence = SequenceFactory(workspace=workspace)
    StepFactory(sequence=sequence)
    StepFactory(sequence=sequence, delay_days=1, body="Your {{ contact.renewal_month }} renewal")
    return sequence


def log_in(workspace: Workspace, role: str) -> Client:
    """A member with a mailbox of their own."""
    user: Any = OperatorFactory()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    MembershipFactory(workspace=workspace, user=user, role=role)
    MailboxFactory(workspace=workspace, owner=user)
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, sequence: Sequence, contacts: list[Contact], **answers: str) -> Any:
    emails = "\n".join(contact.email for contact in contacts)
    return client.post(
        reverse("admin:sequences_enrollment_add"), {"sequence": sequence.pk, "emails": emails, **answers}
    )


def make_contacts(workspace: Workspace, sequence: Sequence, number: int) -> list[Contact]:
    contacts: list[Contact] = ContactFactory.create_batch(number, workspace=workspace, fields={"renewal_month": "May"})
    for contact in contacts[:2]:
        CompletedEnrollmentFactory(sequence=sequence, contact=contact)
    SuppressionFactory(workspace=workspace, email=contacts[2].email)
    Contact.objects.filter(pk=contacts[3].pk).update(fields={})
    return contacts


def test_a_check_groups_the_skipped_and_enrolling_does_the_same(workspace: Workspace, sequence: Sequence) -> None:
    client = log_in(workspace, "sdr")
    contacts = make_contacts(workspace, sequence, 6)
    checked = post(client, sequence, contacts, check="1")
    page = checked.content.decode()
    assert "Would enroll <b>2</b> contacts and skip <b>4</b>." in page
    groups = [(group.code.value, group.count, group.remedy) for group in checked.context["checked"].groups]
    assert groups == [
        ("had_sequence", 2, "A manager can enroll them again with a reason."),
        ("incomplete", 1, "Fill in the fields, or allow incomplete contacts: each is held at that step."),
        ("suppressed", 1, ""),
    ]
    assert f"{contacts[0].email}: completed this sequence on 2026-03-02" in page
    assert f"{contacts[3].email}: no contact.renewal_month for step 2 (body)" in page
    assert Enrollment.objects.filter(status="active").count() == 0
    done = post(client, sequence, contacts)
    assert done.status_code == 302
    assert shown_messages(done)[0] == (
        "Enrolled 2 contacts; skipped 4: 2 had this sequence before, 1 a merge field is missing, 1 suppressed."
    )
    assert Enrollment.objects.filter(status="active").count() == 2


def test_incomplete_contacts_can_be_allowed(workspace: Workspace, sequence: Sequence) -> None:
    contacts = ContactFactory.create_batch(2, workspace=workspace)
    post(log_in(workspace, "sdr"), sequence, contacts, allow_incomplete="on")
    assert Enrollment.objects.count() == 2


def test_a_manager_enrolls_again_with_a_reason(workspace: Workspace, sequence: Sequence) -> None:
    client = log_in(workspace, "manager")
    assert "Enroll again" in client.get(reverse("admin:sequences_enrollment_add")).content.decode()
    contacts = make_contacts(workspace, sequence, 4)
    assert post(client, sequence, contacts[:3], again="new budget").status_code == 302
    made = Enrollment.objects.filter(status="active")
    assert set(made.values_list("contact", "again_reason")) == {
        (contacts[0].pk, "new budget"),
        (contacts[1].pk, "new budget"),
    }


def test_an_sdr_enrolls_no_contact_again(workspace: Workspace, sequence: Sequence) -> None:
    client = log_in(workspace, "sdr")
    assert "Enroll again" not in client.get(reverse("admin:sequences_enrollment_add")).content.decode()
    contacts = make_contacts(workspace, sequence, 4)
    post(client, sequence, contacts[:1], again="new budget")
    assert not Enrollment.objects.filter(status="active").exists()


def test_a_manager_of_another_workspace_enrolls_no_contact_again(workspace: Workspace, sequence: Sequence) -> None:
    client = log_in(workspace, "sdr")
    MembershipFactory(user=OperatorFactory._meta.model.objects.get(memberships__workspace=workspace), role="manager")
    contacts = make_contacts(workspace, sequence, 4)
    page = post(client, sequence, contacts[:1], again="new budget")
    assert "can enroll contacts again" in page.content.decode()
    assert not Enrollment.objects.filter(status="active").exists()


def test_an_admin_sets_the_rules_of_the_workspace(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    page = client.get(reverse("admin:sequences_workspace_change", args=[workspace.pk])).content.decode()
    for name in ("answered_within_days", "cool_down_days", "parallel_sequences"):
        assert f'name="{name}"' in page


def test_a_check_renders_every_email_and_says_who_lacks_what(workspace: Workspace, sequence: Sequence) -> None:
    StepFactory(sequence=sequence, name="Blank", subject="{{ contact.title | default: '' }}", delay_days=1, body="Bye.")
    contacts = make_contacts(workspace, sequence, 6)
    client = log_in(workspace, "sdr")
    page = post(client, sequence, contacts, check="1")
    checked = page.context["checked"]
    (missing,) = checked.missing
    assert (missing.field, missing.step, missing.part) == ("contact.renewal_month", "2. Email", "body")
    assert missing.addresses == (contacts[3].email,)
    rendered = checked.rendered
    assert (rendered.emails, rendered.contacts) == (6, 2)
    assert [contact.address for contact in rendered.shown] == [contacts[4].email, contacts[5].email]
    assert "Your May renewal" in rendered.shown[0].emails[1].email.text
    assert {(held.address, held.step) for held in rendered.held} == {
        (contacts[4].email, "3. Blank"),
        (contacts[5].email, "3. Blank"),
    }
    assert "Your May renewal" in page.content.decode()
    assert Enrollment.objects.filter(status="active").count() == 0


def test_the_own_mailbox_is_preselected(workspace: Workspace, sequence: Sequence) -> None:
    MailboxFactory(workspace=workspace)
    client = log_in(workspace, "sdr")
    first = Mailbox.objects.get(owner__isnull=False)
    MailboxFactory(workspace=workspace, owner=first.owner)
    page = client.get(reverse("admin:sequences_enrollment_add"))
    assert page.context["form"]["mailbox"].value() == first.pk
    post(client, sequence, ContactFactory.create_batch(1, workspace=workspace, fields={"renewal_month": "May"}))
    assert Enrollment.objects.get().mailbox_id == first.pk


def test_a_check_takes_as_many_statements_for_many_contacts_as_for_one(
    workspace: Workspace, sequence: Sequence
) -> None:
    client = log_in(workspace, "sdr")
    contacts = ContactFactory.create_batch(31, workspace=workspace, fields={"renewal_month": "May"})
    counts = []
    for chosen in (contacts[:1], contacts[1:]):
        with count_statements() as counted:
            assert post(client, sequence, chosen, check="1").context["checked"].enrolled == len(chosen)
        counts.append(counted.count)
    assert counts[0] == counts[1]


def test_more_addresses_than_fit_into_one_run_are_refused_with_what_to_do(
    workspace: Workspace, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(workspace, "sdr")
    contacts = make_contacts(workspace, sequence, 6)
    monkeypatch.setattr("execution.admin.enrolling.MOST_AT_ONCE", 5)
    for pressed in ({"check": "1"}, {}):
        page = post(client, sequence, contacts, **pressed).content.decode()
        assert "These are 6 addresses, and at most 5 contacts are enrolled at once." in page
        assert "an auto-enrollment rule, which enrolls in the background" in page
    assert Enrollment.objects.filter(sequence=sequence).count() == 2
    # the same address twice is one contact
    assert post(client, sequence, [*contacts[:5], contacts[0]], check="1").context["checked"].enrolled == 1
