"""In the admin members act on their own rows and managers on all, as in the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from emails.models import Mailbox, Suppression
from execution.models import DeadLetter
from sequences.models import Contact, Enrollment, Sequence, Workspace
from tasks_app.models import Task
from tests import factories
from tests.support.admin_pages import APPS

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def workspace() -> Workspace:
    return factories.WorkspaceFactory()


def member(workspace: Workspace, role: str) -> Any:
    """A member with every permission of Django's."""
    user: Any = factories.OperatorFactory()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    factories.MembershipFactory(workspace=workspace, user=user, role=role)
    return user


def log_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def action(client: Client, row: Any, name: str, **answers: str) -> int:
    """Run the action of a row's page."""
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}_one", args=[row.pk])
    return client.post(url, {"apply": "1", "reason": "because", **answers}).status_code


def bulk(client: Client, rows: list[Any], name: str, **answers: str) -> None:
    opts = rows[0]._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    selected = [row.pk for row in rows]
    client.post(
        url, {"action": f"{name}_selected", "_selected_action": selected, "apply": "1", "reason": "x", **answers}
    )


WHO = [("sdr", True, True), ("sdr", False, False), ("manager", False, True), ("admin", False, True)]


@pytest.mark.parametrize(("role", "is_own", "may"), WHO)
def test_actions_on_mailboxes_and_enrollments(workspace: Workspace, role: str, is_own: bool, may: bool) -> None:
    user, other = member(workspace, role), member(workspace, "sdr")
    owner = user if is_own else other
    mailbox: Any = factories.MailboxFactory(workspace=workspace, owner=owner)
    sequence: Any = factories.SequenceFactory(workspace=workspace)
    factories.StepFactory(sequence=sequence)
    enrollment: Any = factories.EnrollmentFactory(sequence=sequence, mailbox=mailbox, owner=owner, at=NOW)
    task: Any = factories.TaskFactory(enrollment=enrollment, assignee=owner)
    held: Any = factories.QuarantinedEnrollmentFactory(sequence=sequence, mailbox=mailbox, owner=owner)
    letter: Any = factories.DeadLetterFactory(enrollment=held)
    client = log_in(user)
    expected = 302 if may else 403
    assert action(client, mailbox, "pause") == expected
    assert action(client, enrollment, "pause") == expected
    assert action(client, task, "complete") == expected
    assert action(client, letter, "discard") == expected
    assert (Mailbox.objects.get().status == "paused") is may
    assert (Enrollment.objects.get(pk=enrollment.pk).status != "active") is may
    assert (Task.objects.get().status == "completed") is may
    assert (DeadLetter.objects.get().resolved_at is not None) is may
    page = client.get(reverse("admin:emails_mailbox_change", args=[mailbox.pk]))
    assert page.status_code == 200
    assert ('name="_save"' in page.content.decode()) is may
    assert ("/resume" in page.content.decode()) is may


@pytest.mark.parametrize(
    ("role", "may", "may_limit"), [("sdr", False, False), ("manager", True, False), ("admin", True, True)]
)
def test_sequences_are_for_managers_and_limits_for_admins(
    workspace: Workspace, role: str, may: bool, may_limit: bool
) -> None:
    client = log_in(member(workspace, role))
    sequence: Any = factories.SequenceFactory(workspace=workspace)
    factories.StepFactory(sequence=sequence)
    limit: Any = factories.SendLimitFactory(workspace=workspace)
    assert action(client, sequence, "pause") == (302 if may else 403)
    assert (Sequence.objects.get().status == "paused") is may
    # every member drafts sequences
    for name, row, is_allowed, may_add in (
        ("sequences_sequence", sequence, may, True),
        ("emails_sendlimit", limit, may_limit, may_limit),
    ):
        assert client.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200
        assert client.get(reverse(f"admin:{name}_add")).status_code == (200 if may_add else 403)
        if not is_allowed:
            assert client.post(reverse(f"admin:{name}_change", args=[row.pk]), {}).status_code == 403


def test_a_bulk_action_skips_and_reports_rows_of_others(workspace: Workspace) -> None:
    user, other = member(workspace, "sdr"), member(workspace, "sdr")
    own: Any = factories.MailboxFactory(workspace=workspace, owner=user)
    theirs: Any = factories.MailboxFactory(workspace=workspace, owner=other)
    client = log_in(user)
    bulk(client, [own, theirs], "pause")
    assert dict(Mailbox.objects.values_list("pk", "status")) == {own.pk: "paused", theirs.pk: "active"}
    page = client.get(reverse("admin:emails_mailbox_changelist")).content.decode()
    assert "Paused 1 mailbox; 1 refused: It belongs to another user" in page


def test_members_edit_contacts_and_managers_delete_them(workspace: Workspace) -> None:
    client = log_in(member(workspace, "sdr"))
    url = reverse("admin:sequences_contact_add")
    assert client.post(url, {"workspace": workspace.pk, "email": "jo@x.example", "fields": "{}"}).status_code == 302
    contact = Contact.objects.get()
    assert client.get(reverse("admin:sequences_contact_delete", args=[contact.pk])).status_code == 403
    manager = log_in(member(workspace, "manager"))
    assert manager.get(reverse("admin:sequences_contact_delete", args=[contact.pk])).status_code == 200


def test_an_admin_of_one_workspace_is_none_of_another(workspace: Workspace) -> None:
    user = member(workspace, "admin")
    elsewhere: Any = factories.WorkspaceFactory()
    factories.MembershipFactory(workspace=elsewhere, user=user, role="sdr")
    data = {"workspace": elsewhere.pk, "scope": "workspace", "window": "day", "maximum": 5}
    client = log_in(user)
    assert client.post(reverse("admin:emails_sendlimit_add"), data).status_code == 403
    assert client.post(reverse("admin:emails_sendlimit_add"), data | {"workspace": workspace.pk}).status_code == 302


def test_members_do_not_enroll_for_a_colleague(workspace: Workspace) -> None:
    user, other = member(workspace, "sdr"), member(workspace, "sdr")
    sequence: Any = factories.SequenceFactory(workspace=workspace)
    factories.StepFactory(sequence=sequence)
    contact: Any = factories.ContactFactory(workspace=workspace)
    theirs: Any = factories.MailboxFactory(workspace=workspace, owner=other)
    own: Any = factories.MailboxFactory(workspace=workspace, owner=user)
    client = log_in(user)
    url = reverse("admin:sequences_enrollment_add")
    data = {"sequence": sequence.pk, "emails": contact.email}
    page = client.post(url, data | {"mailbox": theirs.pk})
    assert "It belongs to another user" in page.content.decode()
    assert client.post(url, data | {"mailbox": own.pk}).status_code == 302
    assert Enrollment.objects.get().owner_id == user.pk


@pytest.mark.parametrize(("role", "may"), [("sdr", False), ("manager", True)])
def test_only_managers_remove_suppressions(workspace: Workspace, role: str, may: bool) -> None:
    client = log_in(member(workspace, role))
    one, other = (factories.SuppressionFactory(workspace=workspace, email=f"{n}@x.example") for n in range(2))
    assert action(client, one, "remove") == (302 if may else 403)
    bulk(client, [other], "remove")
    assert Suppression.objects.exists() is not may
