"""A mailbox's IMAP server (RFC 3501): log in, list what is new, fetch it without marking it as read.

Knows UIDs only: sequence numbers change under the reader's hands. Must not know the database, but for a token refresh.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from imapclient.exceptions import IMAPClientError
from imapclient.imapclient import ALL, JUNK, SENT

from common.deadlines import Deadline, hang_up_after
from emails.transport import oauth
from emails.transport.errors import tidy_error
from emails.transport.imap_login import log_in_to_imap

if TYPE_CHECKING:
    from emails.models import Mailbox

LOGIN_SECONDS = 20.0
# After the login: for all there is to ask, and for one question of it.
SESSION_SECONDS = 75.0
EXCHANGE_SECONDS = 35.0
_LONGEST_SESSION_SECONDS = 3_600.0
# headers, text and reports come first; what is cut off is an attachment
FETCHED_BYTES = 256 * 1024
_SPECIAL_USES = {"sent": SENT, "junk": JUNK, "all": ALL}


class ImapError(Exception):
    """The inbox cannot be read just now. The text is one line without secrets."""


@dataclass(frozen=True, slots=True)
class Folder:
    """`next_uid`: UIDs from there on are those of mail still to come; None when the server does not tell."""

    uidvalidity: int
    next_uid: int | None


@dataclass(frozen=True, slots=True)
class FetchedMail:
    """`received_at` is the server's own time of arrival: the Date header is whatever the writer says.

    `size`: bytes of the whole mail, of which `raw` is the beginning; 0 where that is not known.
    """

    uid: int
    received_at: datetime
    raw: bytes
    size: int = 0


@contextmanager
def open_imap(
    mailbox: Mailbox, seconds: float = SESSION_SECONDS, login_seconds: float = LOGIN_SECONDS
) -> Iterator[Imap]:
    """A logged-in connection, cut off after so many seconds. Raises `ImapError`, inside the block as well."""
    try:
        with log_in_to_imap(mailbox, login_seconds) as client:
            client.normalise_times = False
            yield Imap(client, Deadline(seconds))
    except (IMAPClientError, OSError, oauth.TokenRefused, oauth.TokenUnavailable) as error:
        said = f"{mailbox.imap_host}:{mailbox.imap_port}: {_describe(error)}"
        raise ImapError(tidy_error(said, oauth.list_secrets(mailbox.credentials))) from None


class Imap:
    """One connection, one thread. Folders are opened read-only.

    No exchange takes longer than `EXCHANGE_SECONDS`, nor all of them longer than the deadline: OSError, however slowly
    the server drips.
    """

    def __init__(self, client: Any, deadline: Deadline) -> None:
        self._client = client
        self._deadline = deadline

    @contextmanager
    def _limited(self) -> Iterator[None]:
        exchange = Deadline(self._deadline.remaining(EXCHANGE_SECONDS))
        try:
            with hang_up_after(exchange.remaining(EXCHANGE_SECONDS), lambda: self._client.socket()):
                yield
        except (IMAPClientError, OSError):
            if exchange.is_over:
                raise TimeoutError("no answer in time") from None
            raise

    def open_folder(self, name: str) -> Folder:
        with self._limited():
            answer = self._client.select_folder(name, readonly=True)
        return Folder(int(answer[b"UIDVALIDITY"]), int(answer[b"UIDNEXT"]) if b"UIDNEXT" in answer else None)

    def find_sent_folder(self) -> str | None:
        """By its special use (RFC 6154), else by the usual names."""
        return self.find_folder("sent")

    def find_folder(self, role: str) -> str | None:
        """`sent`, `junk` or `all`, by its special use (RFC 6154), else by the usual names."""
        with self._limited():
            name: str | None = self._client.find_special_folder(_SPECIAL_USES[role])
        return name

    def can_idle(self) -> bool:
        """Whether the server announces new mail by itself (RFC 2177)."""
        with self._limited():
            return bool(self._client.has_capability("IDLE"))

    @contextmanager
    def idling(self) -> Iterator[Callable[[float], bool]]:
        """Within it nothing else can be asked. What is given waits so many seconds and says whether mail has come."""

        def has_news(seconds: float) -> bool:
            return any(b"EXISTS" in answer for answer in self._client.idle_check(timeout=seconds))

        with hang_up_after(self._deadline.remaining(_LONGEST_SESSION_SECONDS), lambda: self._client.socket()):
            self._client.idle()
            try:
                yield has_news
            finally:
                self._client.idle_done()

    def list_above(self, uid: int) -> list[int]:
        # "n:*" always holds the last mail, even if its UID is below n
        with self._limited():
            found = self._client.search(["UID", f"{uid + 1}:*"])
        return sorted(each for each in found if each > uid)

    def list_since(self, day: date) -> list[int]:
        with self._limited():
            return sorted(self._client.search(["SINCE", day]))

    def list_marked(self, message_id: str, mark: str) -> list[int]:
        """Mails of that Message-ID, or with the mark in the subject where a provider gave them an id of its own."""
        with self._limited():
            return sorted(self._client.search(["OR", "HEADER", "Message-ID", message_id, "SUBJECT", mark]))

    def holds_message(self, message_id: str) -> bool:
        with self._limited():
            return bool(self._client.search(["HEADER", "Message-ID", message_id]))

    def fetch(self, uids: Sequence[int]) -> list[FetchedMail]:
        """In the order of the UIDs, of each mail its beginning; mail that was deleted in the meantime is left out."""
        body = f"BODY.PEEK[]<0.{FETCHED_BYTES}>"
        with self._limited():
            answers = self._client.fetch(uids, [body, "INTERNALDATE", "RFC822.SIZE"])
        return [
            FetchedMail(uid, _aware(answer[b"INTERNALDATE"]), raw, int(answer.get(b"RFC822.SIZE", 0)))
            for uid, answer in sorted(answers.items())
            if b"INTERNALDATE" in answer and (raw := _body(answer)) is not None
        ]


def _body(answer: dict[bytes, Any]) -> bytes | None:
    return next((value for name, value in answer.items() if name.startswith(b"BODY[") and value is not None), None)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _describe(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not valid: {error.verify_message}"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "no server listens there"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error)
