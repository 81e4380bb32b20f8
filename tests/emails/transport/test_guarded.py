"""Members name hosts inside the server's own network at every place that takes one: none is connected to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import pytest
from django.test import override_settings

from common import guarded_http
from common.dialler import Dialler
from common.encryption import Secrets
from common.networks import EVERYWHERE
from emails.choices import AuthMethod, ErrorClass, Inbound, Security
from emails.choices import Transport as TransportName
from emails.inbound.imap import ImapError, open_imap
from emails.mailbox.setup_check import check_setup
from emails.models import Mailbox
from emails.transport import Refused, open_transport, test_login
from execution.webhooks_out.posting import RefusedAddressError, post, validate_endpoint
from sequences.models import Workspace
from tests.support.hosts import HOSTS, Network, Trap, list_urls
from tests.support.send_results import make_envelope

SECRET = "key-very-secret-0123456789"
AWS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": SECRET}


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as started:
        yield started


def mailbox_at(**fields: Any) -> Mailbox:
    secrets: Any = Secrets(fields.pop("credentials", {"password": SECRET}))
    return Mailbox(workspace=Workspace(name="W", slug="w"), address="ada@sender.example", credentials=secrets, **fields)


def smtp_error(host: str, port: int, security: str = Security.NONE) -> str:
    mailbox = mailbox_at(smtp_host=host, smtp_port=port, smtp_security=security, smtp_username="ada")
    with open_transport(mailbox) as transport:
        outcome = transport.send(make_envelope())
    assert isinstance(outcome, Refused)
    assert outcome.error_class in {ErrorClass.MAILBOX, ErrorClass.SERVER}
    return outcome.error


def imap_error(host: str, port: int) -> str:
    mailbox = mailbox_at(inbound=Inbound.IMAP, imap_host=host, imap_port=port, imap_security=Security.NONE)
    with pytest.raises(ImapError) as caught, open_imap(mailbox):
        pass
    return str(caught.value)


def login_error(host: str, port: int) -> str:
    mailbox = mailbox_at(
        smtp_host=host, smtp_port=port, smtp_security=Security.TLS,
        inbound=Inbound.IMAP, imap_host=host, imap_port=port, imap_security=Security.TLS,
    )  # fmt: skip
    report = test_login(mailbox, 15)
    assert report.imap_error
    return report.smtp_error or ""


def esp_error(url: str) -> str:
    mailbox = mailbox_at(
        transport=TransportName.MAILGUN,
        transport_options={"api_url": url, "sender_domain": "s.example"},
        credentials={"api_key": SECRET},
    )
    with open_transport(mailbox) as transport:
        outcome = transport.send(make_envelope())
    assert isinstance(outcome, Refused)
    return outcome.error


def webhook_error(url: str) -> str:
    with pytest.raises(RefusedAddressError):
        validate_endpoint(url, Dialler())
    answer = post(url, b"{}", {}, Dialler())
    assert answer.status_code is None
    return answer.text


def token_mailbox(url: str, **fields: Any) -> Mailbox:
    mailbox = mailbox_at(
        smtp_host="127.0.0.1",
        auth_method=AuthMethod.GOOGLE,
        transport_options={"token_url": url},
        credentials={"refresh_token": SECRET, "client_id": "id", "client_secret": SECRET},
        **fields,
    )
    mailbox.workspace.save()
    mailbox.save()
    return mailbox


def token_error(url: str) -> str:
    from emails.transport import oauth

    mailbox = token_mailbox(url)
    try:
        with pytest.raises((oauth.TokenRefused, oauth.TokenUnavailable)) as caught:
            oauth.get_access_token(mailbox)
    finally:
        mailbox.workspace.delete()
    return str(caught.value)


def test_the_table_holds_many_tricks() -> None:
    assert len(set(HOSTS)) >= 44


@override_settings(PRIVATE_NETWORKS=())
@pytest.mark.parametrize("find_error", [smtp_error, imap_error, login_error])
def test_no_host_leads_inside(network: Network, trap: Trap, find_error: Callable[[str, int], str]) -> None:
    for host in HOSTS:
        error = find_error(host, trap.port)
        assert ("private network" in error or "not known" in error) and "\n" not in error, host
        assert SECRET not in error
    assert (network.dialled, trap.count) == ([], 0)


@override_settings(PRIVATE_NETWORKS=())
@pytest.mark.django_db
@pytest.mark.parametrize("find_error", [esp_error, webhook_error, token_error])
def test_no_url_leads_inside(network: Network, trap: Trap, find_error: Callable[[str], str]) -> None:
    for url in list_urls(trap.port):
        error = find_error(url)
        assert error and "\n" not in error and SECRET not in error, url
    assert (network.dialled, trap.count) == ([], 0)


@override_settings(PRIVATE_NETWORKS=())
def test_amazon_ses_is_guarded_too(network: Network, trap: Trap) -> None:
    for url in (
        f"http://127.0.0.1:{trap.port}/",
        f"http://metadata.example:{trap.port}/",
        f"http://0x7f.1:{trap.port}/",
    ):
        options = {"endpoint_url": url, "region_name": "eu-west-1"}
        mailbox = mailbox_at(transport=TransportName.AMAZON_SES, transport_options=options, credentials=AWS)
        with open_transport(mailbox) as transport:
            outcome = transport.send(make_envelope())
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.MAILBOX
        assert "private network" in outcome.error
    assert (network.dialled, trap.count) == ([], 0)


def test_amazon_ses_never_signs_as_the_machine(monkeypatch: pytest.MonkeyPatch, trap: Trap) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name.upper(), value)
    options = {"endpoint_url": f"http://127.0.0.1:{trap.port}/", "region_name": "eu-west-1"}
    for given in ({}, {"aws_access_key_id": "AKIDEXAMPLE"}):
        mailbox = mailbox_at(transport=TransportName.AMAZON_SES, transport_options=options, credentials=given)
        with open_transport(mailbox) as transport:
            outcome = transport.send(make_envelope())
        assert isinstance(outcome, Refused)
        assert (outcome.error_class, trap.count) == (ErrorClass.MAILBOX, 0)
        assert "aws_access_key_id" in outcome.error


@override_settings(PRIVATE_NETWORKS=())
@pytest.mark.django_db
def test_the_set_up_check_leads_nowhere_inside(network: Network, trap: Trap) -> None:
    for host in HOSTS[::6]:
        mailbox = mailbox_at(
            smtp_host=host, smtp_port=trap.port, smtp_security=Security.NONE,
            inbound=Inbound.IMAP, imap_host=host, imap_port=trap.port, imap_security=Security.NONE,
        )  # fmt: skip

        class NoDns:
            def find_texts(self, name: str) -> list[str]:
                return []

            find_mail_hosts = find_texts

        details = {check.code: check.detail for check in check_setup(mailbox, NoDns())}  # type: ignore[arg-type]
        assert "private network" in details["smtp_login"]
        assert "private network" in details["imap_login"]
    assert (network.dialled, trap.count) == ([], 0)


@override_settings(PRIVATE_NETWORKS=())
@pytest.mark.django_db
@pytest.mark.parametrize("find_error", [smtp_error, imap_error, esp_error, token_error])
def test_a_name_that_answers_differently_the_second_time_stays_where_it_was(
    network: Network, trap: Trap, find_error: Callable[..., str]
) -> None:
    if find_error in (smtp_error, imap_error):
        find_error("rebinding.example", trap.port)
    else:
        find_error(f"http://rebinding.example:{trap.port}/")
    assert network.lookups == ["rebinding.example"]
    assert (network.dialled, trap.count) == (["8.8.8.8"], 0)


@override_settings(PRIVATE_NETWORKS=())
def test_a_webhook_is_checked_again_when_it_is_called(network: Network, trap: Trap) -> None:
    url = f"http://rebinding.example:{trap.port}/"
    validate_endpoint(url, Dialler())
    assert "private network" in post(url, b"{}", {}, Dialler()).text
    assert (network.dialled, trap.count) == ([], 0)


class Redirecting(ThreadingHTTPServer):
    daemon_threads = True
    status = 302
    target = ""


class RedirectingHandler(BaseHTTPRequestHandler):
    server: Redirecting

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.send_header("Location", self.server.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def redirecting(trap: Trap) -> Iterator[Redirecting]:
    server = Redirecting(("127.0.0.1", 0), RedirectingHandler)
    server.target = f"http://127.0.0.1:{trap.port}/latest/meta-data"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(redirecting: Redirecting, trap: Trap, status: int) -> None:
    redirecting.status = status
    url = f"http://127.0.0.1:{redirecting.server_address[1]}/"
    assert post(url, b"{}", {}, Dialler(EVERYWHERE)).status_code == status
    assert token_error(url)
    options = {"api_url": url, "sender_domain": "s.example"}
    mailbox = mailbox_at(transport=TransportName.MAILGUN, transport_options=options, credentials={"api_key": SECRET})
    with open_transport(mailbox) as transport:
        outcome = transport.send(make_envelope())
    # after a 303 the message may have been taken
    assert isinstance(outcome, Refused) == (status != 303)
    assert trap.count == 0


class Dripping:
    """A context manager: sends one byte now and then to each client, and never ends a line."""

    def __enter__(self) -> Self:
        self.was_hung_up = threading.Event()
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _drip(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            while not self._stopping.wait(0.02):
                try:
                    connection.sendall(b"*")
                except OSError:
                    self.was_hung_up.set()
                    return


@pytest.mark.parametrize("protocol", ["smtp", "imap"])
def test_a_server_that_drips_does_not_hold_the_login_test(protocol: str) -> None:
    with Dripping() as server:
        at: dict[str, Any] = {f"{protocol}_host": "127.0.0.1", f"{protocol}_port": server.port}
        at[f"{protocol}_security"] = Security.NONE
        inbound = Inbound.IMAP if protocol == "imap" else Inbound.NONE
        report = test_login(mailbox_at(inbound=inbound, **at), 0.5)
        assert server.was_hung_up.wait(20)
    error = report.imap_error if protocol == "imap" else report.smtp_error
    assert error is not None
    assert "time" in error


def test_an_endless_answer_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "MOST_BYTES", 50_000)

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 10_000)
            except OSError:
                hung_up.set()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    hung_up = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    answer = post(f"http://127.0.0.1:{server.server_address[1]}/", b"{}", {}, Dialler(EVERYWHERE))
    assert hung_up.wait(20)
    server.shutdown()
    server.server_close()
    assert (answer.status_code, answer.text) == (200, "x" * 500)
