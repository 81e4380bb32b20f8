"""ESPs over real HTTP: a local server poses as each of them."""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus

import pytest
import time_machine
from botocore.credentials import Credentials

from common.encryption import Secrets
from emails.choices import ErrorClass
from emails.choices import Transport as TransportName
from emails.models import Mailbox
from emails.transport import Envelope, Refused, Sent, Unknown, open_transport
from emails.transport.amazon_ses import sign_request
from emails.transport.esp import PROVIDERS, EspTransport, read_retry_after

KEY = "key-very-secret-0123456789"
ENVELOPE = Envelope(
    message_pk=42,
    message_id="<42@sender.example>",
    from_address="ada@sender.example",
    to_address="bob@prospect.example",
    mime=b"",
    subject="Hello",
    text="Text part",
    html="<p>HTML part</p>",
    from_name="Ada",
    to_name="Bob",
    headers={"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


class FakeEsp(ThreadingHTTPServer):
    """Answers every request with `answer`; None cuts the connection once the request was read."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.answer: tuple[int, dict[str, str], Any] | None = (200, {}, {})
        self.held: threading.Event | None = None
        super().__init__(("127.0.0.1", 0), FakeEspHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class FakeEspHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEsp

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        if self.server.held is not None:
            self.server.held.wait(10)
        if self.server.answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, answer = self.server.answer
        content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        if self.server.held is not None:
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def esp() -> Iterator[FakeEsp]:
    server = FakeEsp()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def make_mailbox(esp: FakeEsp, transport: TransportName, **options: str) -> Mailbox:
    secrets: Any = Secrets(dict.fromkeys(PROVIDERS[transport].secrets, KEY))
    return Mailbox(
        address="ada@sender.example",
        transport=transport,
        credentials=secrets,
        transport_options={"api_url": esp.url, "project_id": "p1", **options},
    )


INACTIVE = "Found inactive addresses: bob@prospect.example. Inactive recipients are ones that have bounced."

# what each ESP answers to an accepted message, and the id in it
ACCEPTED: dict[TransportName, Any] = {
    TransportName.BREVO: {"messageId": "<id-1@brevo>"},
    TransportName.MAILERSEND: "",
    TransportName.MAILGUN: {"id": "<id-1@mailgun>", "message": "Queued. Thank you."},
    TransportName.MAILJET: {
        "Messages": [{"Status": "success", "To": [{"Email": "bob@prospect.example", "MessageID": "id-1"}]}]
    },
    TransportName.MAILTRAP: {"success": True, "message_ids": ["id-1"]},
    TransportName.MANDRILL: [{"email": "bob@prospect.example", "status": "sent", "_id": "id-1"}],
    TransportName.POSTAL: {
        "status": "success",
        "data": {"message_id": "x", "messages": {"bob@prospect.example": {"id": "id-1", "token": "t"}}},
    },
    TransportName.POSTMARK: {"ErrorCode": 0, "Message": "OK", "MessageID": "id-1", "To": "bob@prospect.example"},
    TransportName.RESEND: {"id": "id-1"},
    TransportName.SCALEWAY: {"emails": [{"id": "id-1", "status": "new", "mail_rcpt": "bob@prospect.example"}]},
    TransportName.SENDGRID: "",
    TransportName.SPARKPOST: {
        "results": {"total_accepted_recipients": 1, "total_rejected_recipients": 0, "id": "id-1"}
    },
    TransportName.UNISENDER_GO: {"status": "success", "job_id": "id-1", "emails": ["bob@prospect.example"]},
}


@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")
@pytest.mark.parametrize("transport", list(ACCEPTED))
def test_every_http_esp_takes_the_message_with_our_ids(esp: FakeEsp, transport: TransportName) -> None:
    headers = {"Content-Type": "text/plain", "X-Message-ID": "id-1"}
    esp.answer = (202 if not ACCEPTED[transport] else 200, headers, ACCEPTED[transport])
    with open_transport(make_mailbox(esp, transport)) as opened:
        outcome = opened.send(ENVELOPE)
    assert isinstance(outcome, Sent), outcome
    assert outcome.provider_message_id
    [(_, _, body)] = esp.requests
    body = unquote_plus(body)
    # Mandrill's API takes its key in the body
    assert KEY not in body or transport is TransportName.MANDRILL
    for part in ("bob@prospect.example", "HTML part", "Text part", "List-Unsubscribe-Post"):
        assert part in body
    if PROVIDERS[transport].takes_metadata:
        assert "42" in body.replace("42@sender.example", "")
        assert "42@sender.example" in body


def test_an_error_that_names_no_recipient_is_not_taken_for_a_success(esp: FakeEsp) -> None:
    esp.answer = (422, {}, {"ErrorCode": 406, "Message": "Inactive, in other words than usual"})
    with open_transport(make_mailbox(esp, TransportName.POSTMARK)) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert outcome.code == "422"


def test_resend_gets_the_same_idempotency_key_for_every_try(esp: FakeEsp) -> None:
    with open_transport(make_mailbox(esp, TransportName.RESEND)) as transport:
        esp.answer = (500, {}, {"message": "oops"})
        transport.send(ENVELOPE)
        esp.answer = (200, {}, {"id": "id-1"})
        transport.send(ENVELOPE)
    assert [headers["idempotency-key"] for _, headers, _ in esp.requests] == ["<42@sender.example>"] * 2


def test_resend_that_knows_the_key_with_another_text_leaves_the_message_unknown(esp: FakeEsp) -> None:
    esp.answer = (409, {}, {"name": "invalid_idempotent_request"})
    with open_transport(make_mailbox(esp, TransportName.RESEND)) as transport:
        assert isinstance(transport.send(ENVELOPE), Unknown)


def test_brevo_gets_the_same_idempotency_key_for_every_try(esp: FakeEsp) -> None:
    esp.answer = (201, {}, ACCEPTED[TransportName.BREVO])
    with open_transport(make_mailbox(esp, TransportName.BREVO)) as transport:
        transport.send(ENVELOPE)
        transport.send(ENVELOPE)
    first, second = (json.loads(body)["headers"]["idempotencyKey"] for _, _, body in esp.requests)
    assert first == second
    assert len(first) == 36


@pytest.mark.parametrize(
    ("status", "headers", "text", "error_class", "retry_after"),
    [
        (429, {"Retry-After": "120"}, "slow down", ErrorClass.SERVER, 120),
        (429, {}, "slow down", ErrorClass.SERVER, None),
        (503, {"Retry-After": "30"}, "maintenance", ErrorClass.SERVER, 30),
        (500, {}, "oops", ErrorClass.SERVER, None),
        (401, {}, "Forbidden", ErrorClass.MAILBOX, None),
        (403, {}, "Domain is not allowed to send", ErrorClass.MAILBOX, None),
        (402, {}, "Payment required", ErrorClass.MAILBOX, None),
        (413, {}, "Payload too large", ErrorClass.CONTENT, None),
        (400, {}, "'subject' parameter is missing", ErrorClass.UNCLASSIFIED, None),
    ],
)
def test_an_http_error_is_a_refusal_with_its_class(
    esp: FakeEsp, status: int, headers: dict[str, str], text: str, error_class: ErrorClass, retry_after: int | None
) -> None:
    esp.answer = (status, headers, {"message": f"{text} {KEY}"})
    with open_transport(make_mailbox(esp, TransportName.MAILGUN)) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, outcome.code, outcome.retry_after_seconds) == (error_class, str(status), retry_after)
    assert text.split()[0] in outcome.error
    assert KEY not in f"{outcome!r}{transport!r}"
    assert "\n" not in outcome.error


def test_a_refused_recipient_is_permanent(esp: FakeEsp) -> None:
    esp.answer = (422, {}, {"ErrorCode": 406, "Message": INACTIVE})
    with open_transport(make_mailbox(esp, TransportName.POSTMARK)) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.RECIPIENT_PERMANENT


def test_a_sender_refused_in_the_recipients_place_is_the_mailboxs(esp: FakeEsp) -> None:
    refusal = {"email": "bob@prospect.example", "status": "rejected", "reject_reason": "unsigned", "_id": "x"}
    esp.answer = (200, {}, [refusal])
    with open_transport(make_mailbox(esp, TransportName.MANDRILL)) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.MAILBOX


def test_a_connection_lost_after_the_request_is_unknown(esp: FakeEsp) -> None:
    esp.answer = None
    with open_transport(make_mailbox(esp, TransportName.MAILGUN)) as transport:
        assert isinstance(transport.send(ENVELOPE), Unknown)
    assert len(esp.requests) == 1


def test_no_answer_in_time_is_unknown_and_not_repeated(esp: FakeEsp) -> None:
    esp.held = threading.Event()
    with EspTransport(make_mailbox(esp, TransportName.RESEND), answer_seconds=0.2) as transport:
        outcome = transport.send(ENVELOPE)
    esp.held.set()
    assert isinstance(outcome, Unknown)
    assert len(esp.requests) == 1


def test_an_answer_that_cannot_be_read_is_unknown(esp: FakeEsp) -> None:
    esp.answer = (200, {}, "<html>welcome to the hotel's network</html>")
    with open_transport(make_mailbox(esp, TransportName.RESEND)) as transport:
        assert isinstance(transport.send(ENVELOPE), Unknown)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/"])
def test_an_esp_that_cannot_be_reached_is_the_servers_fault(esp: FakeEsp, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        free_port = placeholder.getsockname()[1]
    port = free_port if url.startswith("http:") else esp.server_address[1]
    mailbox = make_mailbox(esp, TransportName.MAILGUN, api_url=url.format(port=port))
    with open_transport(mailbox) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.SERVER
    assert esp.requests == []


def test_a_missing_key_is_the_mailboxs_and_named(esp: FakeEsp) -> None:
    mailbox = make_mailbox(esp, TransportName.POSTMARK)
    mailbox.credentials = Secrets()
    with open_transport(mailbox) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert outcome.error_class is ErrorClass.MAILBOX
    assert "SERVER_TOKEN" in outcome.error.upper()


def test_amazon_ses_is_asked_once_and_its_answers_are_read(esp: FakeEsp) -> None:
    mailbox = make_mailbox(esp, TransportName.AMAZON_SES, endpoint_url=esp.url, region_name="eu-west-1")
    with open_transport(mailbox) as transport:
        esp.answer = (200, {}, {"MessageId": "id-1"})
        assert transport.send(ENVELOPE) == Sent("id-1", "Amazon SES: queued")
        esp.answer = (429, {}, {"message": "Maximum sending rate exceeded."})
        throttled = transport.send(ENVELOPE)
        rejected = {"x-amzn-ErrorType": "AccountSuspendedException:http://internal.amazon.com/"}
        esp.answer = (400, rejected, {"message": "Sending is suspended."})
        suspended = transport.send(ENVELOPE)
        esp.answer = (403, {}, {"message": "The security token included in the request is invalid."})
        forbidden = transport.send(ENVELOPE)
        esp.answer = (307, {"Location": "http://169.254.169.254/"}, "")
        redirected = transport.send(ENVELOPE)
        esp.answer = (200, {}, "not JSON")
        unread = transport.send(ENVELOPE)
        esp.answer = None
        lost = transport.send(ENVELOPE)
    assert isinstance(throttled, Refused)
    assert throttled.error_class is ErrorClass.SERVER
    assert isinstance(suspended, Refused) and "AccountSuspendedException: " in suspended.error
    for outcome in (forbidden, redirected):
        assert isinstance(outcome, Refused)
        assert outcome.error_class is ErrorClass.MAILBOX
    assert isinstance(unread, Unknown)
    assert isinstance(lost, Unknown)
    assert len(esp.requests) == 7


def test_requests_to_amazon_ses_are_signed_as_aws_documents(esp: FakeEsp) -> None:
    keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    with time_machine.travel(datetime(2015, 8, 30, 12, 36, tzinfo=UTC), tick=False):
        # the case post-vanilla of the test suite of Signature Version 4
        signed = sign_request("https://example.amazonaws.com/", b"", {}, keys, "us-east-1", "service")
    assert signed["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )
    options = {"endpoint_url": esp.url, "region_name": "eu-west-1", "configuration_set_name": "sales"}
    esp.answer = (200, {}, {"MessageId": "id-1"})
    with open_transport(make_mailbox(esp, TransportName.AMAZON_SES, **options)) as transport:
        transport.send(ENVELOPE)
    path, headers, body = esp.requests[0]
    assert path == "/v2/email/outbound-emails"
    sent = json.loads(body)
    assert (sent["Destination"], sent["ConfigurationSetName"]) == ({"ToAddresses": ["bob@prospect.example"]}, "sales")
    mime = email.message_from_bytes(base64.b64decode(sent["Content"]["Raw"]["Data"]))
    assert (mime["Message-ID"], mime["Subject"]) == ("<42@sender.example>", "Hello")
    assert headers["authorization"].endswith(f"Signature={sign_again(path, headers, body)}")


def sign_again(path: str, headers: dict[str, str], body: str) -> str:
    """The signature by the text of the documentation, over what has arrived."""
    scope, names = re.findall(r"Credential=[^/]+/([^,]+), SignedHeaders=([^,]+)", headers["authorization"])[0]
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(names.split(";"))
    listed = "".join(f"{name}:{headers[name].strip()}\n" for name in names.split(";"))
    canonical = "\n".join(["POST", path, "", listed, names, hashlib.sha256(body.encode()).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + KEY.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}".encode(), "sha256").hex()


@pytest.mark.parametrize("region", ["", "x.evil.example/", "us-east-1.evil.example", "us-east-1@evil"])
def test_amazon_ses_has_a_region_that_is_no_other_host(esp: FakeEsp, region: str) -> None:
    with open_transport(make_mailbox(esp, TransportName.AMAZON_SES, region_name=region)) as transport:
        outcome = transport.send(ENVELOPE)
    assert isinstance(outcome, Refused)
    assert (outcome.error_class, "region_name" in outcome.error) == (ErrorClass.MAILBOX, True)


def test_settings_that_would_import_code_never_reach_a_backend(esp: FakeEsp) -> None:
    esp.answer = (200, {}, ACCEPTED[TransportName.MAILGUN])
    mailbox = make_mailbox(esp, TransportName.MAILGUN, idna_encoder="os.system")
    with open_transport(mailbox) as transport:
        assert isinstance(transport.send(ENVELOPE), Sent)


def test_every_transport_but_smtp_has_a_provider() -> None:
    assert set(PROVIDERS) == set(TransportName) - {TransportName.SMTP}


def test_retry_after_may_be_a_date() -> None:
    headers = {"Retry-After": "Mon, 02 Mar 2026 10:02:00 GMT", "Date": "Mon, 02 Mar 2026 10:00:00 GMT"}
    assert read_retry_after(headers) == 120
    assert read_retry_after({"Retry-After": "soon"}) is None
    assert read_retry_after({}) is None
