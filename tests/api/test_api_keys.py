"""One's own API keys: made, listed, revoked, ended; and the log of security events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from execution.control.keys import make_key
from execution.models import ApiKey, ControlLog, IdempotencyKey
from sequences.access.invitations import sign_link
from sequences.choices import Role
from sequences.models import Membership, SecurityEvent, Workspace
from tests.api.conftest import Traveller, join, log_in
from tests.factories import NOW, MembershipFactory, UserFactory, WorkspaceFactory
from tests.support.invited import InvitationFactory

YEAR = timedelta(days=365)


def call(key: str) -> int:
    return int(APIClient().get("/api/me", headers={"Authorization": f"Token {key}"}).status_code)


def iso(days: float) -> str:
    return (NOW + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def events(**filters: Any) -> list[str]:
    return list(SecurityEvent.objects.filter(**filters).order_by("pk").values_list("kind", flat=True))


def test_a_key_is_shown_once_ends_after_a_year_and_is_revoked(api: APIClient, sdr: Any, clock: Traveller) -> None:
    made = api.post("/api/api-keys", {"name": "nightly import"})
    assert made.status_code == 201
    data = made.json()
    key = data.pop("key")
    assert data == {
        "id": data["id"], "name": "nightly import", "prefix": key[:8], "created_at": iso(0), "expires_at": iso(365),
        "last_used_at": None,
    }  # fmt: skip
    assert api.get(f"/api/api-keys/{data['id']}").json() == data
    assert key not in api.get("/api/api-keys").content.decode()
    assert call(key) == 200
    assert api.get(f"/api/api-keys/{data['id']}").json()["last_used_at"] == iso(0)
    assert api.delete(f"/api/api-keys/{data['id']}").status_code == 204
    assert call(key) == 401
    assert events(user=sdr) == ["key_made", "key_revoked"]


@pytest.mark.parametrize(("days", "expires_at"), [(3, iso(3)), (None, None)])
def test_a_key_ends_when_it_is_told(api: APIClient, clock: Traveller, days: int | None, expires_at: str | None) -> None:
    key = api.post("/api/api-keys", {"name": "crm", "expires_at": expires_at}).json()["key"]
    assert call(key) == 200
    clock.move_to(NOW + timedelta(days=days or 5000, seconds=1))
    assert call(key) == (401 if days else 200)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 101}, {"name": "x", "expires_at": iso(-1)},
             {"name": "x", "expires_at": 3}, {"name": "x", "expiry": iso(1)}, {"name": "x", "expires_at": iso(0)}],
)  # fmt: skip
def test_bad_input_makes_no_key(api: APIClient, body: dict[str, Any]) -> None:
    assert api.post("/api/api-keys", body).status_code == 400
    assert ApiKey.objects.count() == 1


def test_a_dry_run_makes_no_key_and_revokes_none(api: APIClient) -> None:
    answer = api.post("/api/api-keys?dry_run=1", {"name": "x"})
    assert (answer.status_code, answer.json()["id"], answer.json()["key"]) == (200, None, None)
    own = ApiKey.objects.get()
    assert api.delete(f"/api/api-keys/{own.pk}?dry_run=1").json() == {"is_dry_run": True}
    assert ApiKey.objects.get() == own
    assert events() == []


def test_only_own_keys_exist(api: APIClient, admin_api: APIClient, sdr: Any) -> None:
    mine = ApiKey.objects.get(user=sdr)
    assert [row["id"] for row in api.get("/api/api-keys").json()["results"]] == [mine.pk]
    assert admin_api.get(f"/api/api-keys/{mine.pk}").status_code == 404
    assert admin_api.delete(f"/api/api-keys/{mine.pk}").status_code == 404
    assert call("0" * 64) == 401


def test_a_repeated_request_answers_the_same_key_which_is_stored_encrypted(api: APIClient) -> None:
    first, second = (
        api.post("/api/api-keys", {"name": "x"}, headers={"Idempotency-Key": "one"}).json() for _ in range(2)
    )
    assert first == second
    assert first["key"] not in str(IdempotencyKey.objects.get().response)


def test_a_new_password_ends_all_keys(sdr: Any, api: APIClient) -> None:
    other = log_in(join(WorkspaceFactory()))
    sdr.set_password("another-long-Passphrase-3")
    sdr.save()
    assert api.get("/api/me").status_code == 401
    assert other.get("/api/me").status_code == 200
    assert events(user=sdr) == ["password_changed", "key_revoked"]


def test_the_first_password_ends_no_key_and_the_next_one_does(db: None) -> None:
    """An administrator makes a login and its key by command, and its password after that."""
    user = join(WorkspaceFactory())
    user.set_unusable_password()
    user.save()
    _, secret = make_key(user, "setup", None, NOW)
    user.set_password("a-long-Passphrase-3")
    user.save()
    assert call(secret) == 200
    user.set_password("another-long-Passphrase-3")
    user.save()
    assert call(secret) == 401


def test_a_password_that_is_only_hashed_again_ends_none(sdr: Any, api: APIClient, settings: Any) -> None:
    sdr.set_password("a-long-Passphrase-3")
    sdr.save()
    api = log_in(sdr)
    hasher = "django.contrib.auth.hashers"
    settings.PASSWORD_HASHERS = [f"{hasher}.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    before = sdr.password
    assert sdr.check_password("a-long-Passphrase-3")
    sdr.refresh_from_db()
    assert sdr.password != before
    assert api.get("/api/me").status_code == 200


def test_the_last_membership_ends_keys_and_sessions_at_once(workspace: Workspace, sdr: Any, api: APIClient) -> None:
    second: Any = MembershipFactory(user=sdr)
    browser = Client()
    browser.force_login(sdr)
    Membership.objects.filter(workspace=workspace, user=sdr).delete()
    assert api.get("/api/me").status_code == 200
    assert browser.get(reverse("admin:index")).status_code == 200
    second.workspace.delete()
    assert api.get("/api/me").status_code == 401
    assert browser.get(reverse("admin:index")).status_code == 302
    assert browser.get("/api/me").status_code in {401, 403}
    sdr.refresh_from_db()
    assert not sdr.is_staff
    MembershipFactory(workspace=workspace, user=sdr)
    assert api.get("/api/me").status_code == 401
    assert log_in(sdr).get("/api/me").status_code == 200


@pytest.mark.parametrize("is_in_group", [True, False])
def test_an_operator_keeps_desk_and_keys_without_a_membership(workspace: Workspace, is_in_group: bool) -> None:
    operator = join(workspace, is_operator=True, is_staff=True)
    if not is_in_group:
        operator.user_permissions.set(operator.groups.get().permissions.all())
        operator.groups.clear()
    client, browser = log_in(operator), Client()
    browser.force_login(operator)
    Membership.objects.filter(user=operator).delete()
    assert client.post("/api/sequence-executor/pause", {"reason": "upgrade"}).json() == {"success": True}
    assert client.get("/api/contacts").json()["results"] == []
    assert browser.get(reverse("admin:index")).status_code == 200
    assert browser.get(reverse("admin:sequences_contact_changelist")).status_code == 403


def test_who_has_left_is_let_in_again_to_accept_an_invitation(workspace: Workspace, sdr: Any) -> None:
    sdr.set_password("a-right-Password-7")
    sdr.save()
    Membership.objects.filter(user=sdr).delete()
    browser, form = Client(), {"username": sdr.username, "password": "a-right-Password-7", "next": "/admin/"}
    assert browser.post(reverse("admin:login"), form).status_code == 200
    invitation = InvitationFactory(workspace=workspace, email=sdr.email)
    assert browser.post(reverse("admin:login"), form).status_code == 302
    assert browser.get(reverse("admin:index")).status_code == 302
    browser.post(reverse("join", args=[sign_link(invitation)]))
    assert browser.get(reverse("admin:index")).status_code == 200


def test_a_superuser_needs_no_membership(workspace: Workspace) -> None:
    root: Any = UserFactory(is_superuser=True, is_staff=True)
    member = MembershipFactory(workspace=workspace, user=root)
    client = log_in(root)
    member.delete()
    root.refresh_from_db()
    assert root.is_staff
    assert client.get("/api/me").status_code == 200


def test_the_desk_removes_a_member_and_logs_it_as_the_api_logs_roles(
    workspace: Workspace, api: APIClient, sdr: Any
) -> None:
    admin = join(workspace, Role.ADMIN)
    browser = Client()
    browser.force_login(admin)
    row = Membership.objects.get(user=sdr)
    page = reverse("admin:sequences_membership_change", args=[row.pk])
    assert browser.post(page, {"role": "manager"}).status_code == 302
    assert log_in(admin).patch(f"/api/users/{sdr.pk}", {"role": "sdr"}).status_code == 200
    assert browser.post(reverse("admin:sequences_membership_delete", args=[row.pk]), {"post": "yes"}).status_code == 302
    assert api.get("/api/me").status_code == 401
    logged = ControlLog.objects.filter(target="workspace", action="edited").order_by("pk")
    assert {(line.workspace_id, line.actor) for line in logged} == {(workspace.pk, admin.email)}
    removed = ControlLog.objects.get(target="workspace", action="removed")
    assert [line.changes for line in (*logged, removed)] == [
        [{"what": sdr.email, "field": "role", "before": before, "after": after}]
        for before, after in (("sdr", "manager"), ("manager", "sdr"), ("sdr", None))
    ]
    assert events(user=sdr) == ["role_changed"] * 3


def test_roles_set_on_the_page_of_a_workspace_are_logged(workspace: Workspace, sdr: Any) -> None:
    admin = join(workspace, Role.ADMIN)
    browser = Client()
    browser.force_login(admin)
    page = reverse("admin:sequences_workspace_change", args=[workspace.pk])
    form = browser.get(page).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None}
    rows = {user: Membership.objects.get(user=user) for user in (admin, sdr)}
    data |= {"extra_holidays": "", "memberships-TOTAL_FORMS": 2, "memberships-INITIAL_FORMS": 2}
    for place, (user, role) in enumerate(((admin, "admin"), (sdr, "manager"))):
        data |= {
            f"memberships-{place}-id": rows[user].pk, f"memberships-{place}-workspace": workspace.pk,
            f"memberships-{place}-user": user.pk, f"memberships-{place}-role": role,
        }  # fmt: skip
    data["memberships-1-DELETE"] = ""
    assert browser.post(page, data).status_code == 302
    assert [line.changes[0]["after"] for line in ControlLog.objects.filter(actor=admin.email)] == ["manager"]
    data["memberships-1-DELETE"] = "on"
    assert browser.post(page, data).status_code == 302
    line = ControlLog.objects.get(actor=admin.email, action="removed")
    assert line.changes == [{"what": sdr.email, "field": "role", "before": "manager", "after": None}]


def test_deactivating_in_the_desk_removes_the_keys(sdr: Any, api: APIClient) -> None:
    root: Any = UserFactory(is_superuser=True, is_staff=True)
    browser = Client()
    browser.force_login(root)
    page = reverse("admin:auth_user_change", args=[sdr.pk])
    data = {"username": sdr.username, "email": sdr.email, "date_joined_0": "2026-01-01", "date_joined_1": "10:00",
            "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0, "is_staff": "on"}  # fmt: skip
    assert browser.post(page, data).status_code == 302
    sdr.refresh_from_db()
    assert not sdr.is_active
    assert not ApiKey.objects.filter(user=sdr).exists()


def test_members_see_their_own_events_and_admins_those_of_their_members(
    api: APIClient, admin_api: APIClient, stranger_api: APIClient, sdr: Any
) -> None:
    api.post("/api/api-keys", {"name": "crm"})
    for client, seen in ((api, 1), (admin_api, 1), (stranger_api, 0)):
        assert len(client.get("/api/security-events?kind=key_made").json()["results"]) == seen
    (row,) = api.get("/api/security-events", {"user": sdr.pk}).json()["results"]
    assert (row["kind"], row["user"], row["actor"], row["address"]) == ("key_made", sdr.pk, sdr.email, "127.0.0.1")
    assert row["detail"].startswith("crm (")
    assert api.get("/api/security-events?kind=other").status_code == 400


def test_refused_keys_and_wrong_passwords_are_log_lines(sdr: Any, caplog: pytest.LogCaptureFixture) -> None:
    call("0" * 64)
    Client().post(reverse("admin:login"), {"username": sdr.username, "password": "wrong"})
    lines = {record.message: record for record in caplog.records if record.name == "security"}
    assert set(lines) == {"key refused", "login failed"}
    assert vars(lines["login failed"])["account"] == sdr.username
    assert vars(lines["key refused"])["address"] == "127.0.0.1"
    assert events(user=sdr) == ["login_failed"]


def test_admins_see_and_revoke_the_keys_of_their_members_in_the_desk(workspace: Workspace, sdr: Any) -> None:
    key = ApiKey.objects.create(user=sdr, name="crm")[0]
    foreign = ApiKey.objects.create(user=join(WorkspaceFactory()), name="x")[0]
    for user, may in ((join(workspace, Role.ADMIN), True), (join(workspace, Role.MANAGER), False)):
        browser = Client()
        browser.force_login(user)
        listed = browser.get(reverse("admin:execution_apikey_changelist")).context["cl"].result_list
        assert (key in listed, foreign in listed) == (may, False)
        page = reverse("admin:execution_apikey_delete", args=[foreign.pk])
        browser.post(page, {"post": "yes"})
        if may:
            browser.post(reverse("admin:execution_apikey_delete", args=[key.pk]), {"post": "yes"})
    assert list(ApiKey.objects.all()) == [foreign]
    assert events(user=sdr) == ["key_revoked"]
