"""Invitations: who may invite, what the link does, and when it ends."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from execution.models import ControlLog, IdempotencyKey
from sequences.choices import Role
from sequences.models import Invitation, Membership, Workspace
from tests.api.conftest import Traveller, join, log_in
from tests.factories import NOW, UserFactory, WorkspaceFactory
from tests.support.invited import InvitationFactory

EMAIL = "grace@sender.example"
PASSWORD = "correct horse battery"
FORM = {"first_name": "Grace", "last_name": "Hopper", "password": PASSWORD, "repeated": PASSWORD}


def invite(api: APIClient, **body: Any) -> dict[str, Any]:
    answer = api.post("/api/invitations", {"email": EMAIL, "role": "manager", **body})
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def path_of(link: str) -> str:
    assert link.startswith("http")
    return re.sub(r"^https?://[^/]+", "", link)


def texts(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_a_new_user_sets_a_password_and_becomes_a_member_with_the_role(
    admin_api: APIClient, workspace: Workspace
) -> None:
    made = invite(admin_api)
    assert (made["status"], made["role"], made["workspace"], made["is_emailed"]) == (
        "pending", "manager", workspace.pk, True,
    )  # fmt: skip
    assert mail.outbox[0].to == [EMAIL]
    assert made["link"] in mail.outbox[0].body
    client, path = Client(), path_of(made["link"])
    page = texts(client.get(path))
    assert "Choose a password" in page
    assert "at least 8 characters" in page
    assert "API keys" not in page
    joined = client.post(path, FORM)
    assert (joined.status_code, joined["Location"]) == (302, "/admin/")
    member = Membership.objects.get(user__email=EMAIL)
    assert (member.workspace_id, member.role, member.user.first_name) == (workspace.pk, "manager", "Grace")
    assert "You are now a member" in texts(client.get("/admin/"))
    assert Client().login(username=EMAIL, password=PASSWORD)
    read = admin_api.get(f"/api/invitations/{made['id']}").json()
    assert (read["status"], read["accepted_by"], "link" in read) == ("accepted", member.user_id, False)
    logged = ControlLog.objects.filter(target="workspace").order_by("pk").values_list("action", "actor")
    admin = Membership.objects.get(workspace=workspace, role="admin").user.email
    assert list(logged) == [("invited", admin), ("joined", EMAIL)]


def test_a_link_is_used_once(admin_api: APIClient) -> None:
    path = path_of(invite(admin_api)["link"])
    assert Client().post(path, FORM).status_code == 302
    again = Client().post(path, FORM)
    assert (again.status_code, "This invitation has been used." in texts(again)) == (410, True)
    assert Membership.objects.filter(user__email=EMAIL).count() == 1


def test_an_existing_user_logs_in_and_confirms(admin_api: APIClient, workspace: Workspace) -> None:
    user: Any = UserFactory(username=EMAIL)
    path = path_of(invite(admin_api)["link"])
    client = Client()
    page = texts(client.get(path))
    assert "/admin/login/?next=%2Fjoin%2F" in page
    assert "Choose a password" not in page
    # without a login nothing is set or joined
    assert client.post(path, FORM).status_code == 200
    assert not Membership.objects.filter(user=user).exists()
    assert user.check_password("password")
    client.force_login(user)
    assert "invites" in texts(client.get(path))
    assert client.post(path).status_code == 302
    assert Membership.objects.get(user=user).role == "manager"


def test_a_link_is_for_the_invited_address(admin_api: APIClient, sdr: Any) -> None:
    path = path_of(invite(admin_api)["link"])
    client = Client()
    client.force_login(sdr)
    answer = client.post(path)
    assert (answer.status_code, "is for another address" in texts(answer)) == (403, True)
    assert Membership.objects.get(user=sdr).role == "sdr"


def test_links_end_when_they_expire_are_withdrawn_or_replaced(admin_api: APIClient, clock: Traveller) -> None:
    withdrawn = invite(admin_api)
    assert admin_api.delete(f"/api/invitations/{withdrawn['id']}").status_code == 204
    assert admin_api.get(f"/api/invitations/{withdrawn['id']}").status_code == 404
    assert "was withdrawn" in texts(Client().get(path_of(withdrawn["link"])))
    first = invite(admin_api)
    second = admin_api.post(f"/api/invitations/{first['id']}/resend").json()
    assert "replaced by a newer one" in texts(Client().get(path_of(first["link"])))
    assert Client().get(path_of(second["link"])).status_code == 200
    assert len(mail.outbox) == 3
    clock.move_to(NOW + timedelta(days=7))
    expired = Client().post(path_of(second["link"]), FORM)
    assert (expired.status_code, "has expired" in texts(expired)) == (410, True)
    assert admin_api.get("/api/invitations").json()["results"][0]["status"] == "expired"
    third = admin_api.post(f"/api/invitations/{first['id']}/resend").json()
    assert Client().post(path_of(third["link"]), FORM).status_code == 302


@pytest.mark.parametrize("token", ["x", "WzEsIjEiXQ:1abc:zzz", "%00"])
def test_a_forged_link_is_not_found(db: None, token: str) -> None:
    InvitationFactory()
    answer = Client().get(f"/join/{token}")
    assert (answer.status_code, "This link is not valid" in texts(answer)) == (404, True)


def test_inviting_again_changes_the_role_before_it_is_accepted(admin_api: APIClient) -> None:
    first, second = invite(admin_api, role="admin"), invite(admin_api, email=EMAIL.upper(), role="sdr")
    assert [row["id"] for row in admin_api.get("/api/invitations").json()["results"]] == [second["id"]]
    assert Client().post(path_of(first["link"]), FORM).status_code == 410
    assert Client().post(path_of(second["link"]), FORM).status_code == 302
    assert Membership.objects.get(user__email__iexact=EMAIL).role == "sdr"


def test_members_accepted_invitations_and_bad_input_are_refused(admin_api: APIClient, sdr: Any) -> None:
    member = admin_api.post("/api/invitations", {"email": sdr.email.upper(), "role": "sdr"})
    assert (member.status_code, "already a member" in member.json()["detail"]) == (409, True)
    for body, field in (
        ({"email": "no address", "role": "sdr"}, "email"),
        ({"email": EMAIL, "role": "owner"}, "role"),
        ({"email": EMAIL}, "role"),
        ({"email": EMAIL, "role": "sdr", "rolle": 1}, "rolle"),
        ({"email": "x" * 140 + "@sender.example", "role": "sdr"}, "email"),
    ):
        answer = admin_api.post("/api/invitations", body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    made = invite(admin_api)
    Client().post(path_of(made["link"]), FORM)
    assert admin_api.delete(f"/api/invitations/{made['id']}").status_code == 409
    assert admin_api.post(f"/api/invitations/{made['id']}/resend").status_code == 409


@pytest.mark.parametrize(
    "change", [{"password": "short", "repeated": "short"}, {"repeated": "another"}, {"password": ""}]
)
def test_weak_and_different_passwords_are_refused(admin_api: APIClient, change: dict[str, str]) -> None:
    path = path_of(invite(admin_api)["link"])
    answer = Client().post(path, {**FORM, **change})
    assert (answer.status_code, 'role="alert"' in texts(answer)) == (400, True)
    assert Invitation.objects.get().accepted_at is None
    assert not Membership.objects.filter(user__email=EMAIL).exists()


def test_only_admins_of_the_workspace_invite(
    api: APIClient, manager_api: APIClient, admin_api: APIClient, workspace: Workspace
) -> None:
    body = {"email": EMAIL, "role": "sdr"}
    assert [each.post("/api/invitations", body).status_code for each in (api, manager_api)] == [403, 403]
    foreign = WorkspaceFactory()
    assert admin_api.post("/api/invitations", {**body, "workspace": foreign.pk}).status_code == 404
    elsewhere = WorkspaceFactory()
    both = join(workspace, Role.ADMIN)
    elsewhere.memberships.create(user=both, role=Role.SDR.value)
    theirs = InvitationFactory(workspace=elsewhere)
    client = log_in(both)
    assert client.post("/api/invitations", {**body, "workspace": elsewhere.pk}).status_code == 403
    assert client.get(f"/api/invitations/{theirs.pk}").status_code == 403
    assert client.get("/api/invitations").json()["results"] == []
    assert invite(client)["workspace"] == workspace.pk
    assert not mail.outbox[1:]


def test_a_dry_run_invites_no_one(admin_api: APIClient) -> None:
    answer = admin_api.post("/api/invitations", {"email": EMAIL, "role": "sdr", "dry_run": True})
    assert (answer.status_code, answer.json()["is_dry_run"], answer.json()["id"], answer.json()["link"]) == (
        200, True, None, None,
    )  # fmt: skip
    assert (mail.outbox, Invitation.objects.exists()) == ([], False)


def test_without_a_mail_server_the_admin_passes_the_link_on(admin_api: APIClient, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    made = invite(admin_api)
    assert made["is_emailed"] is False
    assert Client().post(path_of(made["link"]), FORM).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "grace"}])
def test_the_email_is_sent_once_after_the_commit_and_its_failure_shown(
    admin_api: APIClient, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    sent: list[tuple[bool, int]] = []

    def refuse(message: Any) -> None:
        sent.append((connection.in_atomic_block, Invitation.objects.filter(email=EMAIL).count()))
        raise TimeoutError

    body = {"email": EMAIL, "role": "sdr"}
    with monkeypatch.context() as broken:
        broken.setattr(mail.EmailMessage, "send", refuse)
        made = admin_api.post("/api/invitations", body, headers=headers).json()
        if headers:
            assert admin_api.post("/api/invitations", body, headers=headers).json() == made
    assert (made["is_emailed"], made["emailed_at"], sent) == (False, None, [(False, 1)])
    assert made["link"].rpartition("/")[2] not in str(list(IdempotencyKey.objects.values()))
    again = admin_api.post(f"/api/invitations/{made['id']}/resend", headers=headers and {"Idempotency-Key": "2"}).json()
    assert (again["is_emailed"], again["emailed_at"]) == (True, "2026-03-02T10:00:00Z")
    assert [message.to for message in mail.outbox] == [[EMAIL]]
    if headers:
        admin_api.post(f"/api/invitations/{made['id']}/resend", headers={"Idempotency-Key": "2"})
        assert len(mail.outbox) == 1


def test_the_desk_says_when_the_email_of_an_invitation_was_not_sent(
    workspace: Workspace, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [InvitationFactory(workspace=workspace) for _ in range(3)]
    client = Client()
    client.force_login(join(workspace, Role.ADMIN, is_staff=True))
    send = mock.Mock(side_effect=OSError)
    monkeypatch.setattr(mail.EmailMessage, "send", send)
    form = {"action": "resend_selected", "_selected_action": [row.pk for row in rows], "select_across": 0, "apply": 1}
    page = client.post("/admin/sequences/invitation/", form, follow=True).content.decode()
    assert page.count("No email was sent: pass the link on.") == 3
    assert send.call_count == 1


def test_an_admin_removes_a_member_but_never_the_last_admin(
    admin_api: APIClient, workspace: Workspace, sdr: Any
) -> None:
    assert admin_api.delete(f"/api/users/{sdr.pk}?dry_run=1").json()["is_dry_run"]
    assert admin_api.delete(f"/api/users/{sdr.pk}").status_code == 204
    assert not Membership.objects.filter(user=sdr).exists()
    line = ControlLog.objects.get(action="removed")
    assert (line.workspace_id, line.changes[0]["what"], line.changes[0]["before"]) == (workspace.pk, sdr.email, "sdr")
    own = Membership.objects.get(role="admin")
    answer = admin_api.delete(f"/api/users/{own.user_id}")
    assert (answer.status_code, "last admin" in answer.json()["detail"]) == (409, True)
    assert admin_api.delete(f"/api/users/{sdr.pk}").status_code == 404
