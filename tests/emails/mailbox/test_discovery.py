"""Servers found by an address: known providers, MX, autoconfig over real HTTPS, SRV over real DNS packets."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import pytest

from emails.choices import Security
from emails.mailbox import discovery
from emails.mailbox.autoconfig import AutoconfigError, Server, read_autoconfig
from emails.mailbox.discovery import discover_servers
from emails.mailbox.dns import Dns
from emails.models import Mailbox
from simulation.certificates import make_certificate
from tests.api.conftest import join, log_in
from tests.factories import OperatorFactory, WorkspaceFactory
from tests.fakes.name_server import NameServer

pytestmark = pytest.mark.django_db

ADDRESS = "ada@acme.example"
ZONE = {
    ("acme.example", "MX"): ["10 mx.acme.example."],
    ("_submissions._tcp.srv.example", "SRV"): ["20 1 465 second.srv.example.", "10 1 465 first.srv.example."],
    ("_imaps._tcp.srv.example", "SRV"): ["0 0 0 ."],
    ("_imap._tcp.srv.example", "SRV"): ["0 1 143 imap.srv.example."],
    ("srv.example", "MX"): ["10 mx.srv.example."],
    ("team.example", "MX"): ["20 alt1.aspmx.l.google.com.", "10 aspmx.l.google.com."],
    ("office.example", "MX"): ["0 office-example.mail.protection.outlook.com."],
    ("organization.example", "MX"): ["10 mx.zoho.eu."],
}
FILE = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="acme.example">
  <domain>acme.example</domain>
  <incomingServer type="pop3"><hostname>pop.acme.example</hostname><port>995</port><socketType>SSL</socketType>
    <authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>
  <incomingServer type="imap"><hostname>plain.acme.example</hostname><port>143</port><socketType>plain</socketType>
    <authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>
  <incomingServer type="imap"><hostname>IMAP.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
    <authentication>password-cleartext</authentication><username>%EMAILLOCALPART%</username>
    <password>never-read</password></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.acme.example</hostname><port>587</port><socketType>STARTTLS</socketType>
    <authentication>password-cleartext</authentication><authentication>OAuth2</authentication>
    <username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer(ZONE) as started:
        yield started


@pytest.fixture
def dns(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    monkeypatch.setattr(discovery, "Dns", lambda: Dns("127.0.0.1", names.port))
    monkeypatch.setattr(discovery, "list_files", lambda address, domain: ())
    yield Dns("127.0.0.1", names.port)


class Website:
    """HTTPS on the loopback interface. `pages`: by path, the status and the body; of a redirect, where to."""

    def __init__(self, folder: Path) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = website.pages.get(self.path, (404, b""))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                self.end_headers()
                self.wfile.write(b"" if 300 <= status < 400 else body)

            def log_message(self, *args: Any) -> None:
                """Nothing is shown."""

        certificate = make_certificate(folder)
        self.ca_file = certificate.ca_file
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain_file)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def website(dns: Dns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Website]:
    site = Website(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(site.ca_file))
    monkeypatch.setattr(discovery, "list_files", lambda address, domain: (f"{site.url}/a?x={address}", f"{site.url}/b"))
    yield site
    site.close()


def ask(workspace: Any, address: str) -> Any:
    answer = log_in(join(workspace)).post("/api/mailboxes/discover", {"address": address}, format="json")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize(
    ("address", "provider", "method", "smtp", "imap"),
    [
        ("ada@gmail.com", "Google", "google", "smtp.gmail.com:587", "imap.gmail.com:993"),
        ("Ada@GMX.net", "GMX", "password", "mail.gmx.net:587", "imap.gmx.net:993"),
        ("ada@yahoo.co.uk", "Yahoo", "password", "smtp.mail.yahoo.com:465", "imap.mail.yahoo.com:993"),
        ("ada@me.com", "iCloud", "password", "smtp.mail.me.com:587", "imap.mail.me.com:993"),
        ("ada@team.example", "Google", "google", "smtp.gmail.com:587", "imap.gmail.com:993"),
        ("ada@office.example", "Microsoft 365", "microsoft", "smtp.office365.com:587", "outlook.office365.com:993"),
        ("ada@organization.example", "Zoho Mail", "password", "smtppro.zoho.eu:465", "imappro.zoho.eu:993"),
    ],
)
def test_known_providers_are_found_by_domain_or_mx(
    dns: Dns, address: str, provider: str, method: str, smtp: str, imap: str
) -> None:
    found = ask(WorkspaceFactory(), address)
    assert (found["provider"], found["auth_method"]) == (provider, method)
    assert [f"{found[kind]['host']}:{found[kind]['port']}" for kind in ("smtp", "imap")] == [smtp, imap]
    assert found["smtp"]["source"] == ("mx" if address.endswith(".example") else "provider")
    assert not Mailbox.objects.exists()


def test_a_provider_without_imap_says_so(dns: Dns) -> None:
    found = ask(WorkspaceFactory(), "ada@proton.me")
    assert found["imap"] is None
    assert "no IMAP from outside" in found["note"]


def test_srv_records_are_read_in_the_order_of_their_priority(dns: Dns) -> None:
    found = ask(WorkspaceFactory(), "ada@srv.example")
    assert found["smtp"] == {
        "host": "first.srv.example", "port": 465, "security": "tls", "username": "ada@srv.example", "source": "srv",
        "found_at": "_submissions._tcp.srv.example",
    }  # fmt: skip
    # "." says that there is no service with TLS from the first byte
    assert (found["imap"]["host"], found["imap"]["security"]) == ("imap.srv.example", "starttls")


def test_a_domain_that_publishes_nothing_says_what_was_asked(dns: Dns) -> None:
    found = ask(WorkspaceFactory(), "ada@nowhere.example")
    assert (found["smtp"], found["imap"], found["provider"]) == (None, None, "")
    assert [each["source"] for each in found["tried"]] == ["mx", "srv", "srv"]
    assert found["tried"][0]["detail"] == "nowhere.example takes no mail"


def test_a_name_server_that_is_silent_ends_the_search(dns: Dns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emails.mailbox.dns._EACH_SECONDS", 0.2)
    found = ask(WorkspaceFactory(), "ada@silent.example")
    assert "DNS did not answer" in found["tried"][0]["detail"]


def test_an_autoconfig_file_is_read_after_a_redirect(website: Website) -> None:
    website.pages = {f"/a?x={ADDRESS}": (302, b"/moved"), "/moved": (200, FILE.encode())}
    found = ask(WorkspaceFactory(), ADDRESS)
    assert found["smtp"]["source"] == "autoconfig"
    assert found["smtp"]["found_at"] == f"{website.url}/a"
    assert (found["imap"]["host"], found["imap"]["username"]) == ("imap.acme.example", "ada")
    assert "never-read" not in str(found)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ((404, b""), "there is no file (HTTP 404)"),
        ((302, b"http://localhost/elsewhere"), "it leads to an address without https"),
        ((200, b"<html>not here"), "the file is not XML"),
        ((200, b"x" * 70_000), "the file is too large"),
        ((200, b"<clientConfig/>"), "it names no server"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(
    website: Website, page: tuple[int, bytes], text: str
) -> None:
    website.pages = {f"/a?x={ADDRESS}": page, "/b": page}
    found = ask(WorkspaceFactory(), ADDRESS)
    assert found["smtp"] is None
    assert [text in each["detail"] for each in found["tried"] if each["source"] == "autoconfig"] == [True, True]


def test_a_certificate_that_is_not_trusted_is_no_answer(website: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    website.pages = {"/b": (200, FILE.encode())}
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", certifi.where())
    found = ask(WorkspaceFactory(), ADDRESS)
    assert found["smtp"] is None
    assert "no answer" in found["tried"][1]["detail"]


def test_private_hosts_are_not_asked(website: Website, dns: Dns, settings: Any) -> None:
    settings.PRIVATE_NETWORKS = []
    website.pages = {"/b": (200, FILE.encode())}
    found = discover_servers(ADDRESS, WorkspaceFactory().pk, dns)
    assert found.smtp is None


def test_who_belongs_to_no_workspace_finds_nothing(dns: Dns) -> None:
    answer = log_in(OperatorFactory()).post("/api/mailboxes/discover", {"address": ADDRESS}, format="json")
    assert answer.status_code == 403
    bad = log_in(join(WorkspaceFactory())).post("/api/mailboxes/discover", {"address": "no address"}, format="json")
    assert bad.status_code == 400


def wrap(server: str) -> bytes:
    return f"<clientConfig><emailProvider>{server}</emailProvider></clientConfig>".encode()


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><clientConfig>&b;</clientConfig>',
        b'<!DOCTYPE c SYSTEM "file:///etc/passwd"><clientConfig/>',
        b"<a>" * 50 + b"</a>" * 50,
        wrap('<incomingServer type="imap"></incomingServer>' * 30),
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_a_hostile_file_is_refused(hostile: bytes) -> None:
    with pytest.raises(AutoconfigError):
        read_autoconfig(hostile, ADDRESS)


@pytest.mark.parametrize(
    ("host", "port"), [("a b", "993"), ("x", "0"), ("x", "99999"), ("x", "٣"), ("", "993"), ("-x", "993"), ("x", "")]
)
def test_a_server_with_an_odd_name_or_port_is_left_out(host: str, port: str) -> None:
    head = f"<hostname>{host}</hostname><port>{port}</port><socketType>SSL</socketType>"
    assert read_autoconfig(wrap(f'<incomingServer type="imap">{head}</incomingServer>'), ADDRESS) == {}


def test_a_file_without_a_user_name_logs_in_with_the_address() -> None:
    head = "<hostname>x.example</hostname><port>993</port><socketType>SSL</socketType>"
    read = read_autoconfig(wrap(f'<incomingServer type="imap">{head}</incomingServer>'), ADDRESS)
    assert read == {"imap": Server("x.example", 993, Security.TLS, ADDRESS)}
