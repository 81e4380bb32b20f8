"""A mailbox that names a host inside the server's own network is refused when it is saved, at its field."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from emails.models import Mailbox
from emails.transport.endpoints import find_refused_endpoint
from sequences.choices import Role
from tests.api.conftest import join, log_in
from tests.factories import MailboxFactory, WorkspaceFactory
from tests.support.hosts import HOSTS, Network, list_urls

CLOSED = override_settings(PRIVATE_NETWORKS=())
SMTP = {"transport": "smtp", "smtp_port": 25}


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@CLOSED
def test_every_trick_is_refused_at_every_field(network: Network) -> None:
    for host in HOSTS:
        smtp = find_refused_endpoint({**SMTP, "smtp_host": host})
        imap = find_refused_endpoint({"inbound": "imap", "imap_host": host, "imap_port": 993})
        assert (smtp and smtp.field, imap and imap.field) == ("smtp_host", "imap_host"), host
    for number, url in enumerate(list_urls(8080)):
        for name in ("api_url", "endpoint_url", "token_url"):
            refused = find_refused_endpoint({"transport_options": {name: url}})
            # of the tricks with URLs some lead to names that are not known
            assert number >= len(HOSTS) or (refused and refused.field == "transport_options"), (name, url)
    assert network.dialled == []


@CLOSED
def test_public_and_unknown_hosts_are_saved_and_checked_when_they_are_called(network: Network) -> None:
    assert find_refused_endpoint({**SMTP, "smtp_host": "8.8.8.8"}) is None
    assert find_refused_endpoint({**SMTP, "smtp_host": "nowhere.invalid"}) is None
    # a server that is not used is not looked at
    assert find_refused_endpoint({"transport": "mailgun", "smtp_host": "127.0.0.1"}) is None


@CLOSED
@pytest.mark.django_db
def test_the_api_and_the_command_name_the_field(network: Network) -> None:
    workspace = WorkspaceFactory(slug="acme")
    owner = join(workspace, Role.ADMIN)
    api = log_in(owner)
    body: dict[str, Any] = {"address": "a@x.example", "smtp_host": "127.1", "credentials": {"password": "p"}}
    answer = api.post("/api/mailboxes", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["smtp_host"])
    assert "in a private network" in answer.json()["detail"]

    mailbox = MailboxFactory(workspace=workspace, owner=owner, smtp_host="8.8.8.8")
    body = {"transport_options": {"token_url": "http://169.254.169.254/"}, "credentials": {"password": "p"}}
    answer = api.patch(f"/api/mailboxes/{mailbox.pk}", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["transport_options"])

    with pytest.raises(CommandError, match=r"smtp_host: the host 10\.0\.0\.1 is in a private network"):
        call_command(
            "create_mailbox", "b@x.example", "--workspace", "acme", "--owner", owner.username,
            "--smtp-url", "smtp://u:p@10.0.0.1:25",
        )  # fmt: skip
    assert list(Mailbox.objects.values_list("address", flat=True)) == [mailbox.address]


@CLOSED
@pytest.mark.django_db
def test_the_desk_names_the_field(network: Network) -> None:
    from emails.admin.mailboxes import MailboxForm

    form = MailboxForm({"transport": "smtp", "smtp_host": "0x7f.1", "smtp_port": "25"})
    form.is_valid()
    assert "in a private network" in str(form.errors["smtp_host"])
