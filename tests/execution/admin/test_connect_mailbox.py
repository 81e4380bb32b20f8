"""Connecting a mailbox at Google or Microsoft: what is stored, who may, and everything after which nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from emails.models import Mailbox, SendLimit
from emails.transport import Envelope, Sent, open_transport
from emails.transport.oauth import TokenRefused, get_access_token
from emails.transport.oauth_providers import PROVIDERS
from execution.models import ControlLog
from simulation.mail_server import MailServer
from tests.factories import MailboxFactory, MembershipFactory
from tests.fakes.mail_provider import ACCESS, CLIENT_ID, CLIENT_SECRET, REFRESH, MailProvider, run_mail_provider
from tests.support.admin_pages import shown_messages

pytestmark = pytest.mark.django_db

ADDRESS = "ada@sender.example"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[MailProvider]:
    with run_mail_provider(monkeypatch, settings) as running:
        running.claims = {"email": ADDRESS, "preferred_username": ADDRESS}
        yield running


@pytest.fixture
def member() -> Any:
    return MembershipFactory(role="sdr")


def log_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def start(client: Client, member: Any, kind: str = "google", mailbox: Any = None) -> Any:
    query = {"workspace": member.workspace_id, **({"mailbox": mailbox.pk} if mailbox else {})}
    return client.get(f"/admin/emails/mailbox/connect/{kind}/", query)


def connect(provider: MailProvider, member: Any, kind: str = "google", mailbox: Any = None, **bent: str) -> Any:
    client = log_in(member.user)
    query = provider.answer(start(client, member, kind, mailbox).headers["Location"])
    return client.get(f"/admin/emails/mailbox/connected/{kind}/", {**query, **bent})


@pytest.mark.parametrize("kind", ["google", "microsoft"])
def test_an_sdr_connects_a_mailbox_that_sends_with_its_token(
    provider: MailProvider, member: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MailServer(bearers={ADDRESS: ACCESS}) as server:
        here: dict[str, Any] = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
        monkeypatch.setitem(PROVIDERS, kind, replace(PROVIDERS[kind], **here))
        page = log_in(member.user).get("/admin/emails/mailbox/connect/").content.decode()
        assert f"/admin/emails/mailbox/connect/{kind}/?workspace={member.workspace_id}" in page
        answer = connect(provider, member, kind)
        mailbox = Mailbox.objects.get()
        assert answer.headers["Location"] == f"/admin/emails/mailbox/{mailbox.pk}/change/"
        with open_transport(mailbox) as transport:
            mime = b"Subject: x\r\n\r\nHi\r\n"
            sent = transport.send(Envelope(1, "<1@sender.example>", ADDRESS, "bob@prospect.example", mime))
        assert isinstance(sent, Sent)
    assert (mailbox.address, mailbox.owner, mailbox.workspace) == (ADDRESS, member.user, member.workspace)
    assert (mailbox.auth_method, mailbox.inbound, mailbox.smtp_username) == (kind, "imap", ADDRESS)
    assert (mailbox.imap_host, mailbox.imap_port) == (PROVIDERS[kind].imap_host, 993)
    assert mailbox.credentials["refresh_token"] == REFRESH
    assert CLIENT_SECRET not in mailbox.credentials.values()
    assert SendLimit.objects.filter(mailbox=mailbox).count() == 2
    assert provider.asked["code_challenge_method"] == "S256"
    assert set(PROVIDERS[kind].mail_scopes) <= set(provider.asked["scope"].split())
    assert provider.asked["redirect_uri"] == f"http://testserver/admin/emails/mailbox/connected/{kind}/"
    assert list(ControlLog.objects.values_list("action", "label", "actor")) == [("created", ADDRESS, member.user.email)]


def test_the_operators_secret_refreshes_tokens_and_goes_to_the_provider_alone(
    provider: MailProvider, member: Any, settings: Any
) -> None:
    connect(provider, member)
    mailbox = Mailbox.objects.get()
    mailbox.transport_options = {"token_url": "http://127.0.0.1:9/thief"}
    assert get_access_token(mailbox, force_refresh=True) == "access-token-3333"
    assert provider.forms[-1]["refresh_token"] == REFRESH
    settings.MAILBOX_OAUTH = {"google": {"client_id": "another", "client_secret": "x"}}
    mailbox.transport_options = {}
    with pytest.raises(TokenRefused, match="connect the mailbox again"):
        get_access_token(mailbox, force_refresh=True)
    assert "client_secret" not in provider.forms[-1]


BENT: dict[str, tuple[Callable[[MailProvider], Any], str]] = {
    "only the address": (lambda p: p.token.update(scope="openid email"), "no access to the mail itself"),
    "no refresh token": (lambda p: p.token.update(refresh_token=None), "no refresh token"),
    "no access token": (lambda p: p.token.update(access_token=None), "Connect the mailbox again"),
    "no id token": (lambda p: p.token.update(id_token=None), "did not say which account"),
    "a broken id token": (lambda p: p.token.update(id_token="a.b.c"), "did not say which account"),
    "another nonce": (lambda p: p.claims.update(nonce="other"), "did not say which account"),
    "another audience": (lambda p: p.claims.update(aud="other"), "did not say which account"),
    "another issuer": (lambda p: p.claims.update(iss="https://other.example"), "did not say which account"),
    "expired": (lambda p: p.claims.update(exp=int(time.time()) - 600), "did not say which account"),
    "unverified": (lambda p: p.claims.update(email_verified=False), "verified"),
    "no address": (lambda p: p.claims.update(email=None, preferred_username=None), "no email address"),
    "another challenge": (lambda p: p.asked.update(code_challenge="x"), "refused the code"),
}


@pytest.mark.parametrize(("bend", "text"), BENT.values(), ids=BENT.keys())
def test_a_bent_answer_stores_nothing(
    provider: MailProvider, member: Any, bend: Callable[[MailProvider], Any], text: str
) -> None:
    client = log_in(member.user)
    query = provider.answer(start(client, member).headers["Location"])
    bend(provider)
    answer = client.get("/admin/emails/mailbox/connected/google/", query)
    [shown] = shown_messages(answer)
    assert text in shown
    assert answer.headers["Location"] == "/admin/emails/mailbox/connect/"
    assert not Mailbox.objects.exists()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"error": "access_denied"}, "You did not allow access at Google, so the mailbox is not connected."),
        ({"error": "admin_<b>policy", "code": ""}, "Google did not allow access (admin_bpolicy)"),
        ({"code": ""}, "Google sent no code"),
        ({"state": "another"}, "out of date"),
    ],
)
def test_a_refusal_says_why_in_one_line(provider: MailProvider, member: Any, query: Any, text: str) -> None:
    [shown] = shown_messages(connect(provider, member, **query))
    assert text in shown
    assert "\n" not in shown
    assert not Mailbox.objects.exists()


def test_what_comes_back_counts_once_for_its_session_user_provider_and_workspace(
    provider: MailProvider, member: Any
) -> None:
    client, other = log_in(member.user), log_in(MembershipFactory(workspace=member.workspace).user)
    query = provider.answer(start(client, member).headers["Location"])
    callback = "/admin/emails/mailbox/connected/google/"
    for tried, path in ((other, callback), (client, callback.replace("google", "microsoft"))):
        assert "out of date" in shown_messages(tried.get(path, query))[0]
    query = provider.answer(start(client, member).headers["Location"])
    assert "is connected" in shown_messages(client.get(callback, query))[-1]
    assert "out of date" in shown_messages(client.get(callback, query))[-1]
    query = provider.answer(start(client, member).headers["Location"])
    member.workspace = MembershipFactory().workspace
    member.save()
    assert client.get(callback, query).status_code in {302, 403}
    assert Mailbox.objects.count() == 1
    assert start(client, MembershipFactory()).status_code == 404


def test_a_broken_mailbox_is_connected_again_with_its_own_account_only(provider: MailProvider, member: Any) -> None:
    mailbox: Any = MailboxFactory(
        workspace=member.workspace, owner=member.user, address=ADDRESS, auth_method="google",
        credentials={"password": "old-password", "refresh_token": "old"}, status="broken", status_reason="no token",
        transport_options={"token_url": "http://127.0.0.1:9/thief"},
    )  # fmt: skip
    provider.claims["email"] = "eve@sender.example"
    assert "Connect it again with that account" in shown_messages(connect(provider, member, mailbox=mailbox))[0]
    assert provider.asked["login_hint"] == mailbox.address
    mailbox.refresh_from_db()
    assert mailbox.status == "broken"
    provider.claims["email"] = ADDRESS.upper()
    connect(provider, member, mailbox=mailbox)
    mailbox.refresh_from_db()
    assert (mailbox.status, mailbox.smtp_host, mailbox.transport_options) == ("active", "smtp.gmail.com", {})
    assert set(mailbox.credentials) == {"access_token", "refresh_token", "expires_at", "client_id"}
    assert mailbox.credentials["client_id"] == CLIENT_ID
    entries = ControlLog.objects.order_by("pk").values_list("action", "reason")
    assert list(entries) == [("edited", "connected again"), ("resumed", "connected again")]
    assert REFRESH not in str(list(ControlLog.objects.values()))


def test_a_colleagues_mailbox_is_not_taken_over(provider: MailProvider, member: Any) -> None:
    owner: Any = MembershipFactory(workspace=member.workspace, role="sdr")
    mailbox: Any = MailboxFactory(workspace=member.workspace, owner=owner.user, address=ADDRESS, auth_method="google")
    assert start(log_in(member.user), member, mailbox=mailbox).status_code == 403
    assert "by another user" in shown_messages(connect(provider, member))[0]
    mailbox.refresh_from_db()
    assert (mailbox.owner, mailbox.smtp_host) == (owner.user, "127.0.0.1")


def test_without_the_operators_client_the_page_says_what_is_missing(member: Any) -> None:
    client = log_in(member.user)
    page = client.get("/admin/emails/mailbox/connect/").content.decode()
    assert "GOOGLE_CLIENT_ID" in page
    assert "MICROSOFT_CLIENT_SECRET" in page
    assert start(client, member).status_code == 404
