"""Mailboxes and envelopes for tests that send to the scripted mail server. No database."""

from __future__ import annotations

from typing import Any

from emails.choices import AuthMethod, Security
from emails.models import Mailbox
from emails.transport import Envelope, SendResult
from emails.transport.smtp import SmtpTransport
from simulation.mail_server import MailServer

PASSWORD = "correct horse battery staple"
BOB = "bob@prospect.example"


def make_mailbox(server: MailServer, **fields: Any) -> Mailbox:
    defaults: dict[str, Any] = {
        "address": "ada@sender.example",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": Security.NONE,
        "auth_method": AuthMethod.NONE,
    }
    return Mailbox(**(defaults | fields))


def make_envelope(recipient: str = BOB, number: int = 1, **fields: Any) -> Envelope:
    message_id = f"<{number}@sender.example>"
    mime = (
        f"From: ada@sender.example\r\nTo: {recipient}\r\nMessage-ID: {message_id}\r\nSubject: Hi\r\n\r\n.dot\r\nBye\r\n"
    )
    defaults: dict[str, Any] = {"mime": mime.encode(), "from_address": "ada@sender.example", "to_address": recipient}
    return Envelope(message_pk=number, message_id=message_id, **(defaults | fields))


def send(server: MailServer, *, seconds: float = 10.0, **fields: Any) -> SendResult:
    with SmtpTransport(
        make_mailbox(server, **fields), operation_seconds=seconds, message_seconds=seconds, answer_seconds=seconds
    ) as transport:
        return transport.send(make_envelope())
