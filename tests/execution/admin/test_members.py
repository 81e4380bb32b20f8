"""Members and invitations in the desk: what admins do, what others cannot, and what the log says."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from execution.models import ControlLog
from sequences.models import Invitation, Membership, Workspace
from tests import factories
from tests.support.invited import InvitationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return factories.WorkspaceFactory(name="Acme")


def log_in(workspace: Workspace, role: str) -> Client:
    client = Client()
    client.force_login(factories.MembershipFactory(workspace=workspace, role=role).user)
    return client


def lines() -> list[tuple[str, str, Any, Any]]:
    rows = ControlLog.objects.filter(target="workspace").order_by("pk")
    return [(row.action, row.changes[0]["what"], row.changes[0]["before"], row.changes[0]["after"]) for row in rows]


def test_an_admin_invites_a_colleague_and_sees_the_link_once(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    members = client.get(reverse("admin:sequences_membership_changelist")).content.decode()
    assert "Invite a colleague" in members
    data = {"workspace": workspace.pk, "email": " Grace@Sender.Example ", "role": "manager"}
    page = client.post(reverse("admin:sequences_invitation_add"), data).content.decode()
    link = re.search(r"https?://[^/\s]+(/join/[^<\s]+)", unescape(page))
    assert link
    assert mail.outbox[0].to == ["Grace@sender.example"]
    assert Client().get(link[1]).status_code == 200
    invitation = Invitation.objects.get()
    assert (
        link[1] not in client.get(reverse("admin:sequences_invitation_change", args=[invitation.pk])).content.decode()
    )
    assert "Grace@sender.example" in client.get(reverse("admin:sequences_invitation_changelist")).content.decode()
    assert lines() == [("invited", "Grace@sender.example", None, "manager")]


def test_members_and_invalid_addresses_are_refused_in_the_form(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    sdr: Any = factories.MembershipFactory(workspace=workspace).user
    for email, text in ((sdr.email, "is already a member of Acme"), ("no address", "address")):
        data = {"workspace": workspace.pk, "email": email, "role": "sdr"}
        page = client.post(reverse("admin:sequences_invitation_add"), data)
        assert text in page.context["adminform"].form.errors["email"][0]
    assert not Invitation.objects.exists()


def test_invitations_are_sent_again_and_withdrawn(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    invitation: Any = InvitationFactory(workspace=workspace)
    before = invitation.nonce
    assert client.post(reverse("admin:sequences_invitation_resend_one", args=[invitation.pk])).status_code == 302
    shown = client.get(reverse("admin:sequences_invitation_changelist")).content.decode()
    assert "shown only once" in shown
    invitation.refresh_from_db()
    assert (invitation.nonce != before, len(mail.outbox)) == (True, 1)
    assert client.post(reverse("admin:sequences_invitation_withdraw_one", args=[invitation.pk])).status_code == 302
    invitation.refresh_from_db()
    assert invitation.withdrawn_at is not None
    assert [line[0] for line in lines()] == ["invited", "withdrawn"]


@pytest.mark.parametrize("role", ["sdr", "manager"])
def test_others_neither_invite_nor_change_members(workspace: Workspace, role: str) -> None:
    client = log_in(workspace, role)
    invitation: Any = InvitationFactory(workspace=workspace)
    member: Any = factories.MembershipFactory(workspace=workspace)
    members = client.get(reverse("admin:sequences_membership_changelist"))
    assert (members.status_code, "Invite a colleague" in members.content.decode()) == (200, False)
    data = {"workspace": workspace.pk, "email": "grace@sender.example", "role": "sdr"}
    statuses = [
        client.post(reverse("admin:sequences_invitation_add"), data).status_code,
        client.get(reverse("admin:sequences_invitation_changelist")).status_code,
        client.post(reverse("admin:sequences_membership_change", args=[member.pk]), {"role": "admin"}).status_code,
        client.post(reverse("admin:sequences_membership_delete", args=[member.pk]), {"post": "yes"}).status_code,
    ]
    assert statuses == [403, 403, 403, 403]
    assert client.post(reverse("admin:sequences_invitation_withdraw_one", args=[invitation.pk])).status_code in {
        403,
        404,
    }
    assert (Invitation.objects.get().withdrawn_at, Membership.objects.get(pk=member.pk).role) == (None, "sdr")


def test_invitations_of_another_workspace_are_hidden(workspace: Workspace) -> None:
    client, theirs = log_in(workspace, "admin"), InvitationFactory()
    listed = client.get(reverse("admin:sequences_invitation_changelist")).context["cl"].result_list
    assert list(listed) == []
    assert client.post(reverse("admin:sequences_invitation_withdraw_one", args=[theirs.pk])).status_code == 404
    data = {"workspace": theirs.workspace_id, "email": "grace@sender.example", "role": "sdr"}
    page = client.post(reverse("admin:sequences_invitation_add"), data)
    assert "workspace" in page.context["adminform"].form.errors
    assert Invitation.objects.count() == 1


def test_roles_and_removals_are_logged(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    member: Any = factories.MembershipFactory(workspace=workspace)
    name = member.user.username
    changed = client.post(reverse("admin:sequences_membership_change", args=[member.pk]), {"role": "manager"})
    assert changed.status_code == 302
    removed = client.post(reverse("admin:sequences_membership_delete", args=[member.pk]), {"post": "yes"})
    assert removed.status_code == 302
    assert not Membership.objects.filter(pk=member.pk).exists()
    assert lines() == [("edited", name, "sdr", "manager"), ("removed", name, "manager", None)]


def test_roles_changed_on_the_page_of_the_workspace_are_logged(workspace: Workspace) -> None:
    client = log_in(workspace, "admin")
    member: Any = factories.MembershipFactory(workspace=workspace)
    path = reverse("admin:sequences_workspace_change", args=[workspace.pk])
    form = client.get(path).context["adminform"].form
    data = {name: value for name in form.fields if (value := form[name].value()) is not None}
    rows = list(Membership.objects.order_by("pk"))
    data |= {"memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": len(rows)}
    for place, row in enumerate(rows):
        role = "manager" if row == member else row.role
        data |= {f"memberships-{place}-id": row.pk, f"memberships-{place}-role": role}
    assert client.post(path, data).status_code == 302
    assert lines() == [("edited", member.user.username, "sdr", "manager")]
