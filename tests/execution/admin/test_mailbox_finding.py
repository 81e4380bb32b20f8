"""Connecting a mailbox by its address in the desk: servers found, logins tried, nothing stored before they work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emails.choices import AuthMethod, Security
from emails.mailbox import discovery
from emails.mailbox.autoconfig import Server
from emails.mailbox.discovery import Discovered, Found, Source
from emails.models import Mailbox, SendLimit
from execution.models import ControlLog
from simulation.mail_server import MailServer
from tests.factories import MailboxFactory, MembershipFactory
from tests.support.admin_pages import shown_messages

pytestmark = pytest.mark.django_db

ADDRESS = "ada@acme.example"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer(users={ADDRESS: "right"}) as started:
        yield started


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, server: MailServer) -> Discovered:
    smtp = Found(Server("127.0.0.1", server.port, Security.NONE, ADDRESS), Source.SRV, "_submission._tcp.acme.example")
    answer = Discovered(ADDRESS, smtp=smtp)
    monkeypatch.setattr("execution.admin.mailbox_finding.discover_servers", lambda address, workspace_id: answer)
    return answer


@pytest.fixture
def member() -> Any:
    return MembershipFactory(role="sdr")


def log_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url_of(member: Any, address: str = ADDRESS) -> str:
    return f"{reverse('admin:emails_mailbox_find')}?workspace={member.workspace_id}&address={address}"


def typed(page: Any, **changed: Any) -> dict[str, Any]:
    form = page.context["form"]
    return {name: form[name].initial or "" for name in form.fields} | changed


def test_an_sdr_connects_an_address_with_its_password_alone(member: Any, found: Discovered) -> None:
    client = log_in(member.user)
    connect = client.get(reverse("admin:emails_mailbox_connect")).content.decode()
    assert reverse("admin:emails_mailbox_find") in connect
    page = client.get(url_of(member))
    assert "_submission._tcp.acme.example" in page.content.decode()
    answer = client.post(url_of(member), typed(page, password="right"), follow=True)
    mailbox = Mailbox.objects.get()
    assert answer.redirect_chain[-1][0] == f"/admin/emails/mailbox/{mailbox.pk}/change/"
    assert "its logins work" in shown_messages(answer)[0]
    assert (mailbox.address, mailbox.owner, mailbox.inbound) == (ADDRESS, member.user, "none")
    assert mailbox.credentials == {"password": "right"}
    assert SendLimit.objects.filter(mailbox=mailbox).count() == 2
    assert ControlLog.objects.get().action == "created"


def test_nothing_is_stored_before_the_login_works(member: Any, found: Discovered) -> None:
    client = log_in(member.user)
    page = client.get(url_of(member))
    answer = client.post(url_of(member), typed(page, password="wrong"))
    assert answer.status_code == 200
    html = answer.content.decode()
    assert "535" in html
    assert "wrong" not in html
    answer = client.post(url_of(member), typed(page, password="right", imap_host="127.0.0.1", imap_port=1))
    assert "imap_host" in answer.context["form"].errors
    assert not Mailbox.objects.exists()
    assert not ControlLog.objects.exists()


def test_an_address_that_is_connected_already_is_refused(member: Any, found: Discovered) -> None:
    MailboxFactory(workspace=member.workspace, address="Ada@acme.example")
    client = log_in(member.user)
    answer = client.post(url_of(member), typed(client.get(url_of(member)), password="right"))
    assert "has a mailbox ada@acme.example already" in answer.content.decode().lower()
    assert Mailbox.objects.count() == 1


def test_a_provider_with_a_sign_in_offers_it(member: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MAILBOX_OAUTH = {"google": {"client_id": "id", "client_secret": "secret"}}
    page = log_in(member.user).get(url_of(member, "ada@gmail.com")).content.decode()
    assert f"/admin/emails/mailbox/connect/google/?workspace={member.workspace_id}" in page
    settings.MAILBOX_OAUTH = {}
    page = log_in(member.user).get(url_of(member, "ada@gmail.com")).content.decode()
    assert "/connect/google/" not in page
    assert discovery.discover_servers("ada@gmail.com", 1).auth_method is AuthMethod.GOOGLE


def test_other_workspaces_and_odd_addresses_find_nothing(member: Any, found: Discovered) -> None:
    client = log_in(member.user)
    stranger = MembershipFactory(role="sdr")
    assert client.get(url_of(stranger)).status_code == 404
    answer = client.get(url_of(member, "no address"), follow=True)
    assert "is not an email address" in shown_messages(answer)[0]
