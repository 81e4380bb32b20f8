"""The list "Getting started": what each role still has to set up, ticked by what is there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from emails.models import Mailbox
from sequences.models import UserSettings, Workspace
from tests import factories
from tests.support.counting import count_statements
from tests.support.invited import InvitationFactory

pytestmark = pytest.mark.django_db

FOR_SDRS = ["Connect a mailbox", "Receive replies", "Import contacts", "Write a sequence", "Enroll contacts"]


@pytest.fixture
def workspace() -> Workspace:
    made: Workspace = factories.WorkspaceFactory(postal_address="")
    return made


def enter(workspace: Workspace, role: str) -> tuple[Any, Client]:
    user: Any = factories.UserFactory(is_staff=True)
    factories.MembershipFactory(workspace=workspace, user=user, role=role)
    client = Client()
    client.force_login(user)
    return user, client


def listed(client: Client) -> list[str]:
    return [step.title for step in client.get(reverse("admin:index")).context["onboarding"]]


def left(client: Client) -> list[str]:
    return [step.title for step in client.get(reverse("admin:index")).context["onboarding"] if not step.is_done]


def test_each_role_has_its_list(workspace: Workspace) -> None:
    assert listed(enter(workspace, "sdr")[1]) == FOR_SDRS
    assert listed(enter(workspace, "manager")[1]) == FOR_SDRS
    admins = listed(enter(workspace, "admin")[1])
    assert set(admins) - set(FOR_SDRS) == {"Enter the postal address", "Invite a colleague"}


def test_the_list_of_an_sdr_ticks_itself_by_their_own_rows_and_disappears(workspace: Workspace) -> None:
    user, client = enter(workspace, "sdr")
    page = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:emails_mailbox_connect") in page
    theirs: Any = factories.MailboxFactory(workspace=workspace, inbound="imap", inbox_read_at=timezone.now())
    step: Any = factories.StepFactory(sequence__workspace=workspace, sequence__status="draft")
    enrollment: Any = factories.EnrollmentFactory(sequence=step.sequence, mailbox=theirs)
    assert left(client) == [each for each in FOR_SDRS if each != "Import contacts"]
    own: Any = factories.MailboxFactory(workspace=workspace, owner=user, inbound="imap")
    assert "Connect a mailbox" not in left(client)
    Mailbox.objects.filter(pk=own.pk).update(inbox_read_at=timezone.now())
    assert left(client) == ["Write a sequence", "Enroll contacts"]
    step.sequence.status = "active"
    step.sequence.save()
    assert left(client) == ["Enroll contacts"]
    enrollment.owner = user
    enrollment.save()
    assert listed(client) == []
    assert "Getting started" not in client.get(reverse("admin:index")).content.decode()


def test_an_own_draft_ticks_the_sequence(workspace: Workspace) -> None:
    user, client = enter(workspace, "sdr")
    factories.SequenceFactory(workspace=workspace, status="draft", owner=user)
    assert "Write a sequence" not in left(client)


def test_the_rows_of_all_tick_the_list_of_an_admin(workspace: Workspace) -> None:
    _, client = enter(workspace, "admin")
    theirs: Any = factories.MailboxFactory(workspace=workspace, inbound="webhook")
    step: Any = factories.StepFactory(sequence__workspace=workspace)
    factories.EnrollmentFactory(sequence=step.sequence, mailbox=theirs)
    assert left(client) == ["Enter the postal address", "Invite a colleague"]
    workspace.postal_address = "1 Main Street"
    workspace.save()
    InvitationFactory(workspace=workspace)
    assert listed(client) == []


def test_the_rows_of_other_workspaces_tick_nothing(workspace: Workspace) -> None:
    other: Any = factories.MailboxFactory(inbound="webhook")
    step: Any = factories.StepFactory(sequence__workspace=other.workspace)
    factories.EnrollmentFactory(sequence=step.sequence, mailbox=other)
    assert left(enter(workspace, "manager")[1]) == FOR_SDRS


def test_a_list_that_is_dismissed_stays_away(workspace: Workspace) -> None:
    user, client = enter(workspace, "sdr")
    url = reverse("dismiss_onboarding")
    assert client.get(url).status_code == 405
    assert listed(client) == FOR_SDRS
    answer = client.post(url, follow=True)
    assert "The list is dismissed." in answer.content.decode()
    assert listed(client) == []
    assert UserSettings.objects.get(user=user).reply_notices == "at_once"
    assert listed(enter(workspace, "sdr")[1]) == FOR_SDRS
    assert Client().post(url).status_code == 302


def test_who_belongs_to_no_workspace_is_told_so() -> None:
    user: Any = factories.UserFactory(is_staff=True)
    client = Client()
    client.force_login(user)
    page = client.get(reverse("admin:index"))
    assert page.context["onboarding"] == []
    assert "You belong to no workspace yet" in page.content.decode()


def test_the_list_takes_the_same_statements_for_any_number_of_rows(workspace: Workspace) -> None:
    _, client = enter(workspace, "manager")
    client.get(reverse("admin:index"))
    with count_statements() as few:
        client.get(reverse("admin:index"))
    for _ in range(5):
        factories.ContactFactory(workspace=workspace)
        factories.MailboxFactory(workspace=workspace)
    with count_statements() as many:
        client.get(reverse("admin:index"))
    assert many.count <= few.count
