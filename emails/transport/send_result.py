"""What a transport takes (`Envelope`) and the three results of sending (`SendResult`). No network, no Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from emails.choices import ErrorClass
from emails.transport.errors import Stage

__all__ = [
    "BrokenOffError",
    "Envelope",
    "LoginReport",
    "Refused",
    "SendResult",
    "Sent",
    "Stage",
    "Transport",
    "Unknown",
]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message for one recipient. `mime` is the complete RFC 5322 message with CRLF line ends.

    SMTP sends `mime` as it is. ESPs take `subject`, `text`, `html`, the names and `headers` (those beyond From, To and
    Subject: In-Reply-To, List-Unsubscribe …), and build a message of their own. `envelope_sender`: SMTP's MAIL FROM
    where it is not `from_address`.
    """

    message_pk: int
    message_id: str
    from_address: str
    to_address: str
    mime: bytes = field(repr=False)
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    from_name: str = field(default="", repr=False)
    to_name: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    envelope_sender: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The server accepted responsibility (RFC 5321 section 6.1). `provider_message_id`: its own id, if it gave one."""

    provider_message_id: str
    response: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The message was certainly not sent. `error` is one line without secrets; `code` is like "550 5.1.1" or empty."""

    error_class: ErrorClass
    code: str
    error: str
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may have been sent: everything was written and no answer was read."""

    error: str


SendResult = Sent | Refused | Unknown


class BrokenOffError(Exception):
    """The worker stops, and broke sending off before the server could accept the message."""


@dataclass(frozen=True, slots=True)
class LoginReport:
    """Whether a mailbox can log in. None: works; a text: why not. `imap_checked` is false without IMAP inbound."""

    smtp_error: str | None
    imap_error: str | None
    imap_checked: bool

    @property
    def is_ok(self) -> bool:
        return self.smtp_error is None and self.imap_error is None


class Transport(Protocol):
    """The connection to one mailbox's server. Connects when first used, stays connected, for one thread at a time."""

    def send(self, envelope: Envelope, following: Envelope | None = None) -> SendResult:
        """Send one message. Every expected failure is a result; an exception is an error in the program.

        `following`: probably sent next. Its addresses may be announced already, never its text.
        """
        ...

    def break_off(self) -> None:
        """From another thread: let `send` raise `BrokenOffError`, now and from now on, unless an answer is awaited."""
        ...

    def close(self) -> None:
        """End the session properly. Safe to call at any time and more than once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
