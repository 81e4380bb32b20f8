"""The second factor: switched on and off by its user, asked at every login, limited, reset by admins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pyotp
import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from execution.models import ApiKey
from sequences.access.invitations import sign_link
from sequences.access.second_factor import LOCKED
from sequences.choices import Role
from sequences.models import LoginFailure, Membership, SecondFactor, SecurityEvent, Workspace
from tests.factories import MembershipFactory, UserFactory, WorkspaceFactory
from tests.support.invited import InvitationFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PASSWORD = "a-right-Password-7"
PAGE, CODE, LOGIN = "/admin/second-factor/", "/admin/login/code/", "/admin/login/"
SET_UP = "/admin/login/set-up/"
DAY = timedelta(days=1)


class Traveller(Protocol):
    def shift(self, delta: timedelta | float, /) -> None: ...


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def member(workspace: Workspace) -> Any:
    return MembershipFactory(workspace=workspace, user=UserFactory(password=PASSWORD)).user


def browser_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def switch_on(user: Any) -> tuple[str, list[str]]:
    """The key, and the recovery codes."""
    client = browser_of(user)
    key = client.get(PAGE).context["key"]
    return key, client.post(PAGE, {"code": code_of(key)}).context["codes"]


def code_of(key: str, seconds: int = 0) -> str:
    return pyotp.TOTP(key).at(datetime.now(UTC) + timedelta(seconds=seconds))


def log_in(user: Any, client: Client | None = None, next_url: str = "/admin/") -> Client:
    client = client or Client()
    client.post(LOGIN, {"username": user.username, "password": PASSWORD, "next": next_url})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:index")).status_code == 200


def enter(user: Any, code: str) -> bool:
    client = log_in(user)
    client.post(CODE, {"code": code})
    return is_in(client)


def test_without_it_a_password_is_enough(member: Any) -> None:
    assert is_in(log_in(member))
    assert list(SecurityEvent.objects.values_list("kind", flat=True)) == ["login"]


def test_a_user_switches_it_on_with_a_code_of_the_app(member: Any, clock: Traveller) -> None:
    client = browser_of(member)
    page = client.get(PAGE)
    key = page.context["key"]
    html = page.content.decode()
    assert "<svg" in html
    assert key in html
    assert client.get(PAGE).context["key"] == key
    assert "is wrong" in client.post(PAGE, {"code": "000000"}).content.decode()
    assert is_in(log_in(member))
    shown = client.post(PAGE, {"code": code_of(key)})
    codes = shown.context["codes"]
    assert len(set(codes)) == 10
    assert all(code in shown.content.decode() for code in codes)
    later = client.get(PAGE).content.decode()
    assert "10 recovery codes left" in later
    assert codes[0] not in later
    assert key not in later
    assert not is_in(log_in(member))


def test_the_login_asks_for_the_code_and_goes_on_where_it_was(member: Any, clock: Traveller) -> None:
    key, _ = switch_on(member)
    clock.shift(timedelta(seconds=90))
    client = log_in(member, next_url="/admin/sequences/contact/")
    assert not is_in(client)
    assert client.get("/api/me").status_code in {401, 403}
    assert "Enter the code" in client.get(CODE).content.decode()
    answer = client.post(CODE, {"code": code_of(key)})
    assert answer.headers["Location"] == "/admin/sequences/contact/"
    assert is_in(client)
    assert SecurityEvent.objects.latest("pk").detail == "with a code"


def test_a_code_counts_once_and_for_a_minute_and_a_half(member: Any, clock: Traveller) -> None:
    key, _ = switch_on(member)
    assert not enter(member, code_of(key))
    clock.shift(timedelta(seconds=120))
    assert not enter(member, code_of(key, -60))
    assert not enter(member, code_of(key, 60))
    code = code_of(key, -30)
    assert enter(member, code)
    assert not enter(member, code)
    assert enter(member, code_of(key, 30))
    assert not enter(member, code_of(key))


def test_a_recovery_code_counts_once_however_it_is_typed(member: Any, clock: Traveller) -> None:
    _, codes = switch_on(member)
    assert enter(member, codes[0])
    assert not enter(member, codes[0])
    assert enter(member, f" {codes[1].upper().replace('-', ' ')} ")
    assert "8 recovery codes left" in browser_of(member).get(PAGE).content.decode()


def test_five_wrong_codes_lock_it_for_fifteen_minutes_from_everywhere(member: Any, clock: Traveller) -> None:
    key, codes = switch_on(member)
    clock.shift(timedelta(minutes=1))

    def say(code: str, address: str = "192.0.2.1") -> str:
        client = log_in(member, Client(REMOTE_ADDR=address))
        return client.post(CODE, {"code": code}).content.decode()

    assert [LOCKED in say("000000") for _ in range(5)] == [False] * 4 + [True]
    assert LOCKED in say(code_of(key))
    assert LOCKED in say(codes[0], "192.0.2.2")
    kinds = SecurityEvent.objects.filter(detail__contains="wrong code").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["login_failed"] * 4 + ["login_locked"]
    clock.shift(timedelta(minutes=14, seconds=59))
    assert LOCKED in say(code_of(key))
    clock.shift(timedelta(seconds=1))
    assert enter(member, code_of(key))
    assert not LoginFailure.objects.exists()


def test_the_code_must_follow_within_ten_minutes_and_under_the_same_password(member: Any, clock: Traveller) -> None:
    key, codes = switch_on(member)
    assert Client().get(CODE).status_code == 302
    slow = log_in(member)
    clock.shift(timedelta(minutes=10))
    assert slow.post(CODE, {"code": code_of(key)}).headers["Location"] == LOGIN
    overtaken = log_in(member)
    member.set_password("another-Password-8")
    member.save()
    assert overtaken.post(CODE, {"code": codes[0]}).headers["Location"] == LOGIN
    assert not is_in(overtaken)


def test_codes_that_are_no_codes_are_refused(member: Any, clock: Traveller) -> None:
    switch_on(member)
    client = log_in(member)
    for code in ("", "x" * 65, "١٢٣٤٥٦", "\x00", "-"):
        assert client.post(CODE, {"code": code}).status_code == 200
    assert not is_in(client)


def test_the_key_is_encrypted_and_recovery_codes_are_hashes(member: Any, clock: Traveller) -> None:
    key, codes = switch_on(member)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM sequences_secondfactor")
        (stored,) = cursor.fetchone()
    plain = str(dict(SecondFactor.objects.get().secrets))
    assert key not in stored
    assert codes[0] not in plain
    assert codes[0].replace("-", "") not in plain


def test_switching_it_off_takes_a_code(member: Any, clock: Traveller) -> None:
    _, codes = switch_on(member)
    client = browser_of(member)
    client.post(PAGE, {"code": "000000"})
    assert not is_in(log_in(member))
    client.post(PAGE, {"code": codes[0]})
    assert is_in(log_in(member))
    assert list(SecurityEvent.objects.filter(kind__startswith="second").values_list("kind", flat=True)) == [
        "second_factor_off", "second_factor_on",
    ]  # fmt: skip


def test_api_keys_are_not_asked(member: Any, clock: Traveller) -> None:
    switch_on(member)
    key = ApiKey.objects.create(user=member, name="x")[1]
    assert APIClient().get("/api/me", headers={"Authorization": f"Token {key}"}).status_code == 200


@pytest.mark.parametrize("by_api", [True, False])
def test_an_admin_resets_that_of_a_member(workspace: Workspace, member: Any, clock: Traveller, by_api: bool) -> None:
    switch_on(member)
    row = Membership.objects.get(user=member)
    users: dict[str, Any] = {
        "foreign": MembershipFactory(role=Role.ADMIN.value).user,
        "manager": MembershipFactory(workspace=workspace, role=Role.MANAGER.value).user,
        "admin": MembershipFactory(workspace=workspace, role=Role.ADMIN.value).user,
    }
    for name, user in users.items():
        if by_api:
            client = APIClient()
            client.force_authenticate(user)
            status = client.post(f"/api/users/{member.pk}/reset-second-factor").status_code
            assert status == {"foreign": 404, "manager": 403, "admin": 204}[name]
        else:
            page = reverse("admin:sequences_membership_reset_second_factor_one", args=[row.pk])
            browser_of(user).post(page, {"apply": "1"})
        assert SecondFactor.objects.exists() is (name != "admin")
    assert SecurityEvent.objects.latest("pk").actor == users["admin"].email
    assert is_in(log_in(member))


def test_an_admin_does_not_reset_that_of_a_superuser(workspace: Workspace, clock: Traveller) -> None:
    root: Any = UserFactory(is_superuser=True, is_staff=True)
    MembershipFactory(workspace=workspace, user=root)
    switch_on(root)
    client = APIClient()
    client.force_authenticate(MembershipFactory(workspace=workspace, role=Role.ADMIN.value).user)
    assert client.post(f"/api/users/{root.pk}/reset-second-factor").status_code == 403
    assert SecondFactor.objects.exists()


def require_it(workspace: Workspace, is_required: bool = True) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(require_second_factor=is_required)


def test_a_workspace_that_requires_it_has_it_set_up_at_the_next_login(
    member: Any, workspace: Workspace, clock: Traveller
) -> None:
    here = log_in(member)
    require_it(workspace)
    assert is_in(here)
    client = log_in(member, next_url="/admin/sequences/contact/")
    assert not is_in(client)
    assert client.get("/api/me").status_code in {401, 403}
    page = client.get(SET_UP)
    assert f"{workspace.name} requires a second factor" in page.content.decode()
    key = page.context["key"]
    assert "is wrong" in client.post(SET_UP, {"code": "000000"}).content.decode()
    shown = client.post(SET_UP, {"code": code_of(key)})
    assert len(shown.context["codes"]) == 10
    assert all(code in shown.content.decode() for code in shown.context["codes"])
    assert 'href="/admin/sequences/contact/"' in shown.content.decode()
    assert is_in(client)
    assert SecurityEvent.objects.filter(kind="login").latest("pk").detail == "with a new second factor"
    assert client.get(SET_UP).status_code == 302
    clock.shift(timedelta(seconds=90))
    assert "cannot be switched off" in client.get(PAGE).content.decode()
    assert "required by" in client.post(PAGE, {"code": code_of(key)}).content.decode()
    assert SecondFactor.objects.filter(user=member, confirmed_at__isnull=False).exists()
    assert "Enter the code" in log_in(member).get(CODE).content.decode()
    require_it(workspace, is_required=False)
    client.post(PAGE, {"code": code_of(key)})
    assert is_in(log_in(member))


@pytest.mark.parametrize("path", [SET_UP, CODE])
def test_no_set_up_without_a_password(client: Client, member: Any, workspace: Workspace, path: str) -> None:
    require_it(workspace)
    assert client.get(path).status_code == 302
    assert client.post(path, {"code": "123456"}).status_code == 302
    assert not SecondFactor.objects.exists()


def test_who_has_one_sets_up_no_other_one_at_the_login(member: Any, workspace: Workspace, clock: Traveller) -> None:
    switch_on(member)
    require_it(workspace)
    client = log_in(member)
    assert client.get(SET_UP).status_code == 302
    assert not is_in(client)


@pytest.mark.parametrize("role", [Role.SDR, Role.MANAGER, Role.ADMIN])
def test_admins_require_it_by_api_and_desk_with_an_event(workspace: Workspace, role: Role) -> None:
    user: Any = MembershipFactory(workspace=workspace, role=role.value).user
    api = APIClient()
    api.force_authenticate(user)
    answer = api.patch(f"/api/workspaces/{workspace.pk}", {"require_second_factor": True}, format="json")
    form: dict[str, Any] = {
        "name": workspace.name,
        "slug": workspace.slug,
        "timezone": "UTC",
        "postal_address": "",
        "extra_holidays": "",
    }
    form |= {"account_reply_policy": "ignore", "account_reply_delay_days": 7, "hand_written_policy": "ignore"}
    form |= {"answered_within_days": 90, "cool_down_days": 0, "retention_days": 730, "holiday_country": ""}
    form["holidays_of"] = "workspace"
    own = Membership.objects.get(user=user)
    form |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1, "memberships-0-id": own.pk}
    form |= {"memberships-0-workspace": workspace.pk, "memberships-0-user": user.pk, "memberships-0-role": own.role}
    saved = browser_of(user).post(f"/admin/sequences/workspace/{workspace.pk}/change/", form)
    details = list(SecurityEvent.objects.order_by("pk").values_list("kind", "detail", "user_id"))
    if role is Role.ADMIN:
        assert answer.json()["require_second_factor"] is True
        assert saved.status_code == 302, saved.context["adminform"].form.errors
        assert details == [
            ("second_factor_rule", f"required of members of {workspace.name}", user.pk),
            ("second_factor_rule", f"no longer required of members of {workspace.name}", user.pk),
        ]
    else:
        assert (answer.status_code, details) == (403, [])
    workspace.refresh_from_db()
    assert workspace.require_second_factor is False


@pytest.mark.parametrize("is_required", [False, True])
def test_a_new_user_enters_by_an_invitation_with_an_event(workspace: Workspace, is_required: bool) -> None:
    require_it(workspace, is_required)
    invitation = InvitationFactory(workspace=workspace, email="grace@sender.example", expires_at=timezone.now() + DAY)
    form = {"first_name": "Grace", "last_name": "", "password": PASSWORD, "repeated": PASSWORD}
    client = Client()
    answer = client.post(f"/join/{sign_link(invitation)}", form)
    events = list(SecurityEvent.objects.filter(kind="login").values_list("detail", "actor"))
    if is_required:
        assert (answer.headers["Location"], is_in(client), events) == (LOGIN, False, [])
        user = Membership.objects.get(workspace=workspace).user
        assert log_in(user, client).get(SET_UP).status_code == 200
    else:
        assert is_in(client)
        assert events == [("a new user, by an invitation", "grace@sender.example")]
