"""Sends messages through a mailbox's server or ESP. Only delivery and the mailbox test may use it.

No transport touches the outbox or decides what happens next: it answers `Sent`, `Refused` or `Unknown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emails.choices import Transport as TransportName
from emails.transport.send_result import Envelope, LoginReport, Refused, SendResult, Sent, Stage, Transport, Unknown

if TYPE_CHECKING:
    from emails.models.mailbox import Mailbox

__all__ = [
    "Envelope",
    "LoginReport",
    "Refused",
    "SendResult",
    "Sent",
    "Stage",
    "Transport",
    "Unknown",
    "open_transport",
    "test_login",
]


def open_transport(
    mailbox: Mailbox, *, answer_seconds: float | None = None, message_seconds: float | None = None
) -> Transport:
    """The mailbox's transport; a context manager. It connects when the first message is sent.

    `answer_seconds`: how long the answer to a message is awaited, and `message_seconds` how long all that comes before
    it may take, where those of the transport are too long.
    """
    answer = {} if answer_seconds is None else {"answer_seconds": answer_seconds}
    if mailbox.transport == TransportName.SMTP:
        from emails.transport.smtp import SmtpTransport

        return SmtpTransport(mailbox, **answer, **({} if message_seconds is None else _limit_all(message_seconds)))
    from emails.transport.esp import EspTransport

    return EspTransport(mailbox, **answer, **({} if message_seconds is None else {"connect_seconds": message_seconds}))


def _limit_all(seconds: float) -> dict[str, float]:
    return {"message_seconds": seconds, "operation_seconds": seconds}


def test_login(mailbox: Mailbox, seconds: float) -> LoginReport:
    """Try the mailbox's logins within so many seconds in all; sends nothing, changes nothing."""
    from emails.transport.login import report_login

    return report_login(mailbox, seconds)


test_login.__test__ = False  # type: ignore[attr-defined]  # pytest takes the name for a test's
