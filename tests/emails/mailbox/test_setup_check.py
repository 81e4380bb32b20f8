"""The set-up check of a mailbox: over real DNS packets, by API, command and admin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from emails.mailbox import dns as setup_dns
from emails.mailbox import setup_check as checking
from emails.mailbox.dns import Dns
from emails.mailbox.records import DnsError
from emails.mailbox.setup_check import check_setup
from simulation.mail_server import MailServer
from tests.api.conftest import join, log_in
from tests.factories import MailboxFactory
from tests.fakes.name_server import NameServer
from tests.support.admin_pages import log_in_root
from tests.support.shell import Shell

pytestmark = pytest.mark.django_db

ZONE = {
    ("acme.example", "MX"): ["20 mx2.acme.example.", "10 mx1.acme.example."],
    ("acme.example", "TXT"): ['"v=spf1 include:_spf.goo" "gle.com ~all"', '"other"'],
    ("google._domainkey.acme.example", "TXT"): ['"v=DKIM1; k=rsa; p=MIIB"'],
    ("_dmarc.acme.example", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:d@acme.example"'],
}


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer(ZONE) as started:
        yield started


@pytest.fixture
def mailbox(settings: Any, monkeypatch: pytest.MonkeyPatch, names: NameServer) -> Iterator[Any]:
    settings.PUBLIC_BASE_URL = "https://link.acme.example"
    settings.DNS_SERVER = f"127.0.0.1:{names.port}"
    monkeypatch.setattr(checking, "_find_provider", lambda mailbox: ("_spf.google.com", ("google",)))
    with MailServer() as server:
        yield MailboxFactory(address="ada@acme.example", smtp_port=server.port)


def test_a_good_set_up_is_all_right(mailbox: Any) -> None:
    checks = {check.code: check for check in check_setup(mailbox)}
    assert list(checks) == ["smtp_login", "mx", "spf", "dkim", "dmarc", "alignment", "links", "postal"]
    assert {check.status.value for check in checks.values()} == {"ok"}
    assert checks["mx"].found == "mx1.acme.example, mx2.acme.example"
    assert checks["spf"].found == "v=spf1 include:_spf.google.com ~all"


def test_a_missing_domain_and_an_unanswered_query_differ(
    mailbox: Any, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.address = "ada@nowhere.example"
    gone = {check.code: check.status.value for check in check_setup(mailbox, Dns("127.0.0.1", names.port))}
    assert (gone["mx"], gone["spf"], gone["dmarc"]) == ("failed", "failed", "failed")
    monkeypatch.setattr(setup_dns, "_EACH_SECONDS", 0.2)
    mailbox.address = "ada@silent.example"
    silent = {check.code: check.status.value for check in check_setup(mailbox, Dns("127.0.0.1", names.port))}
    assert (silent["mx"], silent["spf"], silent["dkim"]) == ("unknown", "unknown", "unknown")


def test_dns_is_not_waited_for_longer_than_five_seconds(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_dns, "TOTAL_SECONDS", 0.0)
    with pytest.raises(DnsError, match="five seconds"):
        Dns("127.0.0.1", names.port).find_texts("acme.example")


def test_the_provider_is_known_by_its_server() -> None:
    google = MailboxFactory(smtp_host="smtp.gmail.com")
    ses = MailboxFactory(transport="amazon_ses")
    own = MailboxFactory(smtp_host="mail.acme.example")
    assert [checking._find_provider(each)[0] for each in (google, ses, own)] == ["_spf.google.com", "amazonses.com", ""]


def test_owner_and_managers_check_a_mailbox_by_api(mailbox: Any) -> None:
    url = f"/api/mailboxes/{mailbox.pk}/check"
    assert log_in(join(mailbox.workspace)).post(url).status_code == 403
    owner = join(mailbox.workspace)
    mailbox.owner = owner
    mailbox.save()
    checks = log_in(owner).post(url).json()["checks"]
    assert checks[2] == {
        "code": "spf", "status": "ok", "detail": "1 of 10 lookups", "found": "v=spf1 include:_spf.google.com ~all",
    }  # fmt: skip


def test_the_command_says_what_fails(mailbox: Any, shell: Shell, settings: Any) -> None:
    good = shell("test_mailbox", mailbox.address, "--dns", "--json")
    assert (good.status, json.loads(good.out)["ok"]) == (0, True)
    settings.PUBLIC_BASE_URL = "http://link.acme.example"
    bad = shell("test_mailbox", mailbox.address, "--dns")
    assert bad.status == 1
    assert "PUBLIC_BASE_URL is not https" in bad.out


def test_the_admin_shows_each_check_with_what_to_do(mailbox: Any, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "http://link.acme.example"
    url = reverse("admin:emails_mailbox_change", args=[mailbox.pk]).replace("/change/", "/set-up/")
    page = log_in_root().get(url).content.decode()
    assert "PUBLIC_BASE_URL is not https" in page
    assert page.count("✓") == 7


def test_a_missing_postal_address_is_reported(mailbox: Any) -> None:
    mailbox.workspace.postal_address = " "
    (check,) = [check for check in check_setup(mailbox) if check.code == "postal"]
    assert check.status.value == "failed"
    assert "fill it in at the workspace" in check.detail


@pytest.mark.parametrize(
    ("head", "status", "detail"),
    [
        (b"", "failed", "has no DKIM signature"),
        (b"DKIM-Signature: v=1; h=From:To:Subject; b=x\r\n", "failed", "list-unsubscribe and list-unsubscribe-post"),
        (b"DKIM-Signature: v=1; h=From:List-Unsubscribe; b=x\r\n", "failed", "cover list-unsubscribe-post"),
        (b"DKIM-Signature: v=1; h=From:\r\n List-Unsubscribe : List-Unsubscribe-Post; b=x\r\n", "ok", "covers"),
    ],
)
def test_a_received_mail_shows_whether_its_unsubscribe_headers_are_signed(
    mailbox: Any, shell: Shell, tmp_path: Path, head: bytes, status: str, detail: str
) -> None:
    (tmp_path / "test.eml").write_bytes(head + b"Subject: [Test] Hello\r\n\r\nHello\r\n")
    result = shell("test_mailbox", mailbox.address, "--received", str(tmp_path / "test.eml"), "--json")
    (check,) = json.loads(result.out)["checks"]
    assert (check["code"], check["status"]) == ("signed", status)
    assert detail in check["detail"]
